"""One function: config writes and what follows from them."""

from __future__ import annotations

import pytest

from mockbus.function import Function
from mockbus.model import PlainModel
from movsdk import pci_regs as regs
from movsdk.errors import BadInput
from movsdk.ops import FaultKind
from movsdk.pci_regs import PowerState
from tests.mockbus.machines import COMMAND_ALL, MEM, desk, set_command, set_config, set_power


@pytest.mark.parametrize(
    ("offset", "size", "value", "read"),
    [
        pytest.param(regs.COMMAND, 2, 0xFFFF, 0x0547, id="COMMAND: the bits that exist"),
        pytest.param(regs.CACHE_LINE_SIZE, 1, 0x10, 0x10, id="cache line size"),
        pytest.param(regs.LATENCY_TIMER, 1, 0x40, 0x40, id="latency timer"),
        pytest.param(regs.INTERRUPT_LINE, 1, 0x0B, 0x0B, id="interrupt line"),
        pytest.param(regs.INTERRUPT_PIN, 1, 0x02, 0x00, id="interrupt pin is read-only"),
        pytest.param(regs.BASE_ADDRESS_0, 4, 0xFFFFFFFF, 0, id="a BAR that is not there"),
        pytest.param(regs.ROM_ADDRESS, 4, 0xFFFFFFFF, 0, id="a ROM that is not there"),
        pytest.param(regs.VENDOR_ID, 4, 0, 0x00011AF4, id="ids"),
    ],
)
def test_only_what_exists_is_writable(offset: int, size: int, value: int, read: int) -> None:
    """Registers that a type 0 function has take writes; all others keep their value."""
    function = Function.of_model("card", PlainModel())

    function.config_write(offset, size, value)

    assert function.config.read(offset, size) == read


def test_decoding_is_what_its_own_registers_say() -> None:
    """COMMAND, power and the ROM's own bit decide; bridges above are not asked."""
    machine = desk()
    card = machine.function("card")

    def numbers() -> list[int]:
        return [bar.spec.n for bar in card.decoding()]

    seen = [numbers()]
    set_config(machine, "card", regs.ROM_ADDRESS, 4, MEM + 0x10001)
    seen.append(numbers())
    set_command(machine, "card", regs.COMMAND_IO)
    seen.append(numbers())
    set_command(machine, "card", COMMAND_ALL)
    set_power(machine, "card", PowerState.D3HOT)
    seen.append(numbers())

    assert seen == [[0, 2, 4], [0, 2, 4, 6], [4], []]


def test_hindrance_names_the_first_hop_that_is_out() -> None:
    """Absent or asleep, itself or a bridge above: one reason, one label."""
    machine = desk()
    card = machine.function("card")

    seen = [card.hindrance()]
    set_power(machine, "card", PowerState.D3HOT)
    seen.append(card.hindrance())
    machine.unplug("port")
    seen.append(card.hindrance())

    assert seen == [None, (FaultKind.ASLEEP, "card"), (FaultKind.ABSENT, "card")]
    assert not card.is_answering


def test_writes_that_change_no_route_keep_compiled_routes() -> None:
    """Interrupt lines and bus mastering are not routing: the generation stands still."""
    machine = desk()
    before = machine.fabric.generation

    set_config(machine, "card", regs.INTERRUPT_LINE, 1, 5)
    set_command(machine, "card", COMMAND_ALL & ~regs.COMMAND_MASTER)
    set_config(machine, "card", regs.BASE_ADDRESS_0, 4, MEM)
    unchanged = machine.fabric.generation
    set_config(machine, "card", regs.BASE_ADDRESS_0, 4, MEM + 0x4000)

    assert (unchanged, machine.fabric.generation) == (before, before + 1)


def test_a_function_on_no_fabric_says_so() -> None:
    """Using a function before it is in a machine is a mistake of the builder."""
    function = Function.of_model("card", PlainModel())

    with pytest.raises(BadInput, match="card hangs on no fabric; add it to a Machine first"):
        _ = function.fabric


def test_only_ram_bars_have_memory() -> None:
    """Asking for the memory of a register BAR names the BAR and the remedy."""
    machine = desk()

    with pytest.raises(BadInput, match="card: BAR 0 holds no memory; declare it with content='ram'"):
        machine.function("card").memory(0)
