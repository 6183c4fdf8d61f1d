"""The slot registers as a hot-plug driver reads and writes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mockbus.bridge import Bridge
from movsdk import pci_regs as regs
from movsdk.kernel.slot_registers import SlotRegisters
from movsdk.pci_regs import Led, PcieType
from tests.kernel.board import Board

FULL = ("button", "power", "indicators")


def slot(*controls: str, **facts: Any) -> tuple[Board, SlotRegisters]:
    """A port with such a slot, and a card beside it."""
    board = Board()
    board.bridge("port", "01.0", hotplug=True, pcie=PcieType.ROOT_PORT, controls=controls, firmware={"bus": (0, 1, 1)}, **facts)
    board.card("card", "00.0", on="port", present=False)
    board.scan()
    found = SlotRegisters.of(board["port"])
    assert found is not None
    return board, found


def control(board: Board, registers: SlotRegisters) -> int:
    """Slot Control as silicon has it."""
    return board.registers("port", registers.at + regs.EXP_SLTCTL, 2)


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param({}, id="a conventional bridge"),
        pytest.param({"hotplug": True}, id="a conventional hot-plug bridge"),
        pytest.param({"pcie": PcieType.ROOT_PORT}, id="a port without a slot"),
    ],
)
def test_who_has_no_slot_registers(facts: dict[str, Any]) -> None:
    """Only hot-plug capable slots of PCI Express ports count."""
    board = Board()
    board.bridge("port", "01.0", **facts)
    board.scan()

    assert SlotRegisters.of(board["port"]) is None


def test_what_the_capability_says() -> None:
    """Number, button, power controller."""
    _, plain = slot()
    _, full = slot(*FULL)

    assert [(each.number, each.has_button, each.has_power_controller) for each in (plain, full)] == [
        (0, False, False),
        (0, True, True),
    ]


def test_presence_link_and_events() -> None:
    """Events are acknowledged by being taken; a port that is gone has none."""
    board, registers = slot()
    before = (registers.is_occupied, registers.is_link_up, registers.take_events())

    board.machine.plug("card")
    after = (registers.is_occupied, registers.is_link_up, registers.take_events(), registers.take_events())
    board.machine.unplug("port")
    gone = (registers.is_occupied, registers.is_link_up, registers.take_events(), registers.has_power_fault)

    assert before == (False, False, 0)
    assert after == (True, True, regs.EXP_SLTSTA_PDC | regs.EXP_SLTSTA_DLLSC, 0)
    assert gone == (False, False, 0, False)


@pytest.mark.parametrize(
    ("controls", "enabled"),
    [
        pytest.param((), regs.EXP_SLTCTL_PDCE, id="presence"),
        pytest.param(("button",), regs.EXP_SLTCTL_ABPE, id="the button instead"),
    ],
)
def test_which_events_are_asked_for(controls: tuple[str, ...], enabled: int) -> None:
    """Link and power fault always."""
    board, registers = slot(*controls)

    registers.enable_events()

    assert control(board, registers) == enabled | regs.EXP_SLTCTL_DLLSCE | regs.EXP_SLTCTL_HPIE | regs.EXP_SLTCTL_PFDE


def test_power_and_lights() -> None:
    """Both indicators are two bits of Slot Control, power is one; None leaves a light alone."""
    board, registers = slot(*FULL)

    acts: list[Callable[[], None]] = [
        lambda: registers.set_power(on=False),
        lambda: registers.show(power=Led.BLINK, attention=Led.OFF),
        lambda: registers.show(attention=Led.ON),
        lambda: registers.set_power(on=True),
        lambda: registers.show(),
    ]
    seen = []
    for act in acts:
        act()
        seen.append((control(board, registers), registers.is_powered))

    assert seen == [(0x400, False), (0x6C0, False), (0x640, False), (0x240, True), (0x240, True)]


def test_a_slot_without_them_is_left_alone() -> None:
    """No power controller, no lights: nothing is written."""
    board, registers = slot()

    registers.set_power(on=False)
    registers.show(power=Led.ON, attention=Led.ON)

    assert (control(board, registers), registers.is_powered) == (0, True)


def test_turning_on_acknowledges_an_old_fault() -> None:
    """Else the next look would take it for a new one."""
    board, registers = slot(*FULL)
    board.machine.plug("card")
    port = board.machine.function("port")
    assert isinstance(port, Bridge)
    assert port.slot is not None
    port.slot.short()
    board.machine.unplug("card")
    faulty = registers.has_power_fault
    registers.set_power(on=False)

    registers.set_power(on=True)

    assert (faulty, registers.has_power_fault) == (True, False)
