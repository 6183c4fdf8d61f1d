"""Why nobody answers: the most specific reason, who is to blame, who had the address before."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mockbus.bar import BarSpec
from mockbus.model import PlainModel
from mockbus.topology import Machine
from movsdk import pci_regs as regs
from movsdk.ops import FaultKind, Space
from movsdk.pci_regs import BarKind, PowerState
from tests.mockbus.machines import COMMAND_ALL, MEM, desk, last, set_command, set_config, set_power, told


def _move(machine: Machine, address: int = MEM + 0x8000) -> None:
    set_config(machine, "card", 0x10, 4, address)


def _unplug(machine: Machine) -> None:
    machine.unplug("card")


def _unplug_port(machine: Machine) -> None:
    machine.unplug("port")


def _sleep(machine: Machine) -> None:
    set_power(machine, "card", PowerState.D3HOT)


def _sleep_and_wake(machine: Machine) -> None:
    set_power(machine, "card", PowerState.D3HOT)
    set_power(machine, "card", PowerState.D0)


def _decode_off(machine: Machine) -> None:
    set_command(machine, "card", COMMAND_ALL & ~regs.COMMAND_MEMORY)


def _decode_off_above(machine: Machine) -> None:
    set_command(machine, "port", COMMAND_ALL & ~regs.COMMAND_MEMORY)


def _close_window(machine: Machine) -> None:
    set_config(machine, "port", regs.MEMORY_BASE, 4, 0x0000FFF0)


def _replug(machine: Machine) -> None:
    machine.unplug("card")
    machine.plug("card")
    set_command(machine, "card", 0)
    _move(machine)


HERE, AT_PORT = "card BAR 0 + 0x0", "card BAR 0 + 0x0 behind port"


@pytest.mark.parametrize(
    ("change", "kind", "blocked", "previous"),
    [
        pytest.param(_unplug, FaultKind.ABSENT, "", HERE, id="pulled"),
        pytest.param(_unplug_port, FaultKind.ABSENT, "", HERE, id="pulled with its port"),
        pytest.param(_sleep, FaultKind.ASLEEP, HERE, "", id="asleep"),
        pytest.param(_sleep_and_wake, FaultKind.NO_DECODER, "", HERE, id="lost its BAR asleep"),
        pytest.param(_decode_off, FaultKind.DECODE_OFF, HERE, "", id="COMMAND of the device"),
        pytest.param(_decode_off_above, FaultKind.DECODE_OFF, AT_PORT, "", id="COMMAND of the bridge"),
        pytest.param(_close_window, FaultKind.WINDOW_CLOSED, AT_PORT, "", id="window"),
        pytest.param(_move, FaultKind.NO_DECODER, "", HERE, id="moved"),
        pytest.param(_replug, FaultKind.NO_DECODER, "", HERE, id="pulled, back, elsewhere"),
    ],
)
def test_the_reason_is_named(change: Callable[[Machine], None], kind: FaultKind, blocked: str, previous: str) -> None:
    """Each way to lose an address has its own kind, names the holder that keeps silent, and remembers the former one."""
    machine = desk()

    change(machine)
    value = machine.fabric.read(Space.MEM, MEM, 4)

    assert (value, told(machine)) == (0xFFFFFFFF, (kind, blocked, previous))


def test_who_would_answer_is_meant_rather_than_who_is_switched_off() -> None:
    """Two registers hold the address: the one whose decode is on, behind a closed window, is the one that an access is for."""
    machine = desk()
    machine.add("idle", "root", "03.0", PlainModel(bars=(BarSpec(0, BarKind.MEM32, 0x1000),)), firmware={0: MEM})
    set_command(machine, "idle", 0)
    _close_window(machine)

    machine.fabric.read(Space.MEM, MEM, 4)

    assert told(machine) == (FaultKind.WINDOW_CLOSED, AT_PORT, "")


def test_who_would_answer_is_meant_rather_than_who_was_pulled() -> None:
    """The card that had the address is gone, and another was put there, behind a window that does not pass it."""
    machine = desk()
    machine.add("other", "port", "00.1", PlainModel(bars=(BarSpec(0, BarKind.MEM32, 0x1000),)))
    machine.unplug("card")
    set_config(machine, "other", regs.BASE_ADDRESS_0, 4, MEM)
    set_command(machine, "other", COMMAND_ALL)
    _close_window(machine)

    machine.fabric.read(Space.MEM, MEM, 4)

    assert told(machine) == (FaultKind.WINDOW_CLOSED, "other BAR 0 + 0x0 behind port", HERE)


def test_a_fault_reads_as_a_sentence() -> None:
    """The message names the access, the holder and the bridge that is in the way."""
    machine = desk()
    _close_window(machine)

    machine.fabric.write(Space.MEM, MEM + 0x10, 4, 1)

    assert str(last(machine)) == (
        "window-closed: write of 4 bytes at mem 0xe0000010 by cpu; held by card BAR 0 + 0x10 behind port"
    )


def test_the_most_recent_owner_is_the_former_one() -> None:
    """Of several that had an address, the last to let it go is named."""
    machine = desk()
    spec = BarSpec(0, BarKind.MEM32, 0x4000)
    machine.add("other", "port", "00.1", PlainModel(bars=(spec,)))
    _move(machine)
    set_config(machine, "other", 0x10, 4, MEM)
    set_command(machine, "other", COMMAND_ALL)
    set_config(machine, "other", 0x10, 4, MEM + 0x10000)

    machine.fabric.read(Space.MEM, MEM + 4, 4)

    assert told(machine) == (FaultKind.NO_DECODER, "", "other BAR 0 + 0x4")


def test_an_address_outside_the_apertures_is_said_to_be() -> None:
    """A BAR that holds an address the host bridge does not pass down is named, with the reason."""
    machine = desk()
    set_config(machine, "port", regs.MEMORY_BASE, 4, 0xD010D000)
    _move(machine, 0xD000_0000)

    machine.fabric.read(Space.MEM, 0xD000_0000, 4)

    assert told(machine) == (FaultKind.NO_DECODER, "card BAR 0 + 0x0 outside the root apertures", "")


def test_a_rom_that_is_not_enabled_is_decode_off() -> None:
    """An expansion ROM answers only with its own enable bit set."""
    machine = desk()
    set_config(machine, "card", regs.ROM_ADDRESS, 4, MEM + 0x10000)

    machine.fabric.read(Space.MEM, MEM + 0x10000, 4)
    disabled = told(machine)
    set_config(machine, "card", regs.ROM_ADDRESS, 4, MEM + 0x10001)

    assert disabled == (FaultKind.DECODE_OFF, "card BAR 6 + 0x0", "")
    assert machine.fabric.read(Space.MEM, MEM + 0x10000, 4) == 0


def test_a_device_in_reset_state_holds_nothing() -> None:
    """A BAR register of zero was never programmed: it is not said to hold the low addresses."""
    machine = Machine([])
    machine.add("card", "root", "00.0", PlainModel(bars=(BarSpec(0, BarKind.MEM32, 0x1000),)))

    machine.fabric.read(Space.MEM, 0x10, 4)

    assert told(machine) == (FaultKind.NO_DECODER, "", "")
