"""Power states: what is answered in which, and what a wake-up costs."""

from __future__ import annotations

import pytest

from mockbus.bar import BarSpec
from mockbus.capabilities import Pm
from mockbus.topology import Machine
from movsdk import pci_regs as regs
from movsdk.ops import FaultKind, Space
from movsdk.pci_regs import BarKind, PowerState
from tests.mockbus.machines import COMMAND_ALL, MEM, MSIX_TABLE, PREF, Card, config, desk, last, model, set_config, set_power


class Keeper(Card):
    """Keeps its registers in D3hot, and has D1."""

    capabilities = (Pm(no_soft_reset=True, d1=True),)


def _state(machine: Machine) -> tuple[PowerState, int]:
    function = machine.function("card")
    assert function.power_control is not None
    return function.power, config(machine, "card", function.power_control.offset + regs.PM_CTRL, 2) & 3


def test_asleep_only_config_cycles_are_answered() -> None:
    """In D3hot memory and I/O are silent, config space is not, and nothing in it is lost yet."""
    machine = desk()

    set_power(machine, "card", PowerState.D3HOT)
    value = machine.fabric.read(Space.MEM, MEM, 4)

    assert (value, last(machine).kind) == (0xFFFFFFFF, FaultKind.ASLEEP)
    assert (config(machine, "card", 0, 4), config(machine, "card", 0x10), _state(machine)) == (0x00011234, MEM, (3, 3))


def test_waking_up_loses_everything() -> None:
    """D3hot to D0 without No_Soft_Reset: BARs, COMMAND and the MSI-X table are gone, the model is reset; memory stays."""
    machine = desk()
    resets = model(machine).resets
    machine.fabric.write(Space.MEM, PREF, 4, 0x11223344)
    machine.fabric.write(Space.MEM, MEM + MSIX_TABLE, 4, 0xFEE00000)

    set_power(machine, "card", PowerState.D3HOT)
    set_power(machine, "card", PowerState.D0)

    function = machine.function("card")
    assert function.msix is not None
    assert (function.command, config(machine, "card", 0x10), config(machine, "card", 0x18)) == (0, 0, 0xC)
    assert (model(machine).resets, any(function.msix.table[:4])) == (resets + 1, False)
    assert bytes(function.memory(2)[:4]) == b"\x44\x33\x22\x11"


def test_no_soft_reset_keeps_everything() -> None:
    """With No_Soft_Reset the device is back where it was."""
    machine = desk(Keeper())
    resets = model(machine).resets

    set_power(machine, "card", PowerState.D3HOT)
    set_power(machine, "card", PowerState.D0)

    assert machine.fabric.read(Space.MEM, MEM + 1, 1) == 1
    assert (machine.function("card").command, model(machine).resets) == (COMMAND_ALL, resets)


@pytest.mark.parametrize(
    ("wanted", "reached"),
    [
        pytest.param(PowerState.D1, PowerState.D1, id="D1, which it has"),
        pytest.param(PowerState.D2, PowerState.D0, id="D2, which it has not"),
        pytest.param(PowerState.D3HOT, PowerState.D3HOT, id="D3hot, which all have"),
    ],
)
def test_a_state_that_does_not_exist_is_not_entered(wanted: PowerState, reached: PowerState) -> None:
    """Writing an unsupported state changes nothing; register and state agree."""
    machine = desk(Keeper())

    set_power(machine, "card", wanted)

    assert _state(machine) == (reached, reached)


def test_power_off_clears_memory_and_power_on_brings_firmware_back() -> None:
    """D3cold: all-ones everywhere; afterwards the initial bytes, empty memory, a reset model."""
    machine = desk()
    machine.fabric.write(Space.MEM, PREF, 4, 0x11223344)
    set_config(machine, "card", 0x10, 4, MEM + 0x10000)
    resets = model(machine).resets

    machine.unplug("card")
    off = machine.fabric.config_read(1, 0, 0, 4)
    machine.plug("card")

    function = machine.function("card")
    assert (off, config(machine, "card", 0x10), function.command) == (0xFFFFFFFF, MEM, 3)
    assert (bytes(function.memory(2)[:4]), model(machine).resets) == (bytes(4), resets + 1)


def test_a_sleeping_bridge_hides_what_is_below() -> None:
    """Accesses through a bridge in D3hot end there, and the fault names device and bridge."""

    machine = desk(pcie=None, config=_bridge_with_power_management())
    set_power(machine, "port", PowerState.D3HOT)

    machine.fabric.read(Space.MEM, MEM, 4)

    assert (last(machine).kind, last(machine).blocked) == (FaultKind.ASLEEP, "card BAR 0 + 0x0 behind port")


def test_a_bridge_that_wakes_resets_its_bus() -> None:
    """D3hot to D0 of a bridge clears its windows and bus numbers and resets the devices below."""
    machine = desk(pcie=None, config=_bridge_with_power_management())
    resets = model(machine).resets

    set_power(machine, "port", PowerState.D3HOT)
    set_power(machine, "port", PowerState.D0)

    assert (config(machine, "port", regs.PRIMARY_BUS), config(machine, "port", regs.MEMORY_BASE)) == (0, 0)
    assert model(machine).resets == resets + 1


def _bridge_with_power_management() -> bytes:
    """The bytes of a port with the windows of `desk` and a power management capability without No_Soft_Reset."""
    dump = bytearray(desk(pcie=None, bars=(BarSpec(0, BarKind.MEM32, 16),)).function("port").config.initial)
    dump[regs.STATUS], dump[regs.CAPABILITY_LIST] = regs.STATUS_CAP_LIST, 0x40
    dump[0x40:0x44] = bytes([regs.CAP_ID_PM, 0, 3, 0])
    return bytes(dump)
