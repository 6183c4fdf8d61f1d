"""A root port with an empty slot, what its registers show, and what it said. Twin: a slot on the table with a logic probe."""

from __future__ import annotations

from typing import Any

from mockbus.bridge import Bridge
from mockbus.slot import Slot
from mockbus.topology import Machine
from movsdk import pci_regs as regs
from movsdk.ops import SlotEvent
from tests.mockbus.machines import Card, config, set_config


def port(**options: Any) -> tuple[Machine, list[SlotEvent]]:
    """A root port at 01.0 with an empty slot; the events it sends."""
    machine = Machine([])
    machine.add_bridge("port", slot="01.0", firmware={"bus": (0, 1, 1)}, **options)
    machine.add("card", "port", "00.0", Card(), present=False)
    events: list[SlotEvent] = []
    machine.fabric.set_slot_handler(events.append)
    return machine, events


def status(machine: Machine) -> int:
    """Slot Status."""
    express = machine.function("port").express
    assert express is not None
    return config(machine, "port", express.offset + regs.EXP_SLTSTA, 2)


def clear(machine: Machine) -> None:
    """Acknowledge all events."""
    express = machine.function("port").express
    assert express is not None
    set_config(machine, "port", express.offset + regs.EXP_SLTSTA, 2, 0xFFFF)


def control(machine: Machine, value: int) -> None:
    """Write Slot Control."""
    express = machine.function("port").express
    assert express is not None
    set_config(machine, "port", express.offset + regs.EXP_SLTCTL, 2, value)


def is_link_active(machine: Machine) -> bool:
    """Link Status says so."""
    express = machine.function("port").express
    assert express is not None
    return bool(config(machine, "port", express.offset + regs.EXP_LNKSTA, 2) & regs.EXP_LNKSTA_DLLLA)


def slot_of(machine: Machine) -> Slot:
    """The slot of the port."""
    port = machine.function("port")
    assert isinstance(port, Bridge)
    assert port.slot is not None
    return port.slot


def answers(machine: Machine) -> bool:
    """Whether the card has power."""
    return machine.function("card").present


def heard(machine: Machine, events: list[SlotEvent]) -> list[str]:
    """What was said since the last time."""
    machine.fabric.clock.run_pending()
    words = [f"{event.what}{'' if event.present else ' (empty)'}" for event in events]
    events.clear()
    return words
