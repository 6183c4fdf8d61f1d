"""Hot-plug slots: presence, status bits, events."""

from __future__ import annotations

from typing import Any

import pytest

from mockbus.bridge import Bridge
from mockbus.topology import Machine
from movsdk import pci_regs as regs
from movsdk.ops import SlotEvent
from movsdk.pci_regs import PcieType
from tests.mockbus.machines import Card, config, set_config

PRESENT, CHANGED = regs.EXP_SLTSTA_PDS, regs.EXP_SLTSTA_PDC | regs.EXP_SLTSTA_DLLSC


def _port(**options: Any) -> tuple[Machine, list[SlotEvent]]:
    """A root port at 01.0 with an empty slot; the events it sends."""
    machine = Machine([])
    machine.add_bridge("port", slot="01.0", firmware={"bus": (0, 1, 1)}, **options)
    machine.add("card", "port", "00.0", Card(), present=False)
    events: list[SlotEvent] = []
    machine.fabric.set_slot_handler(events.append)
    return machine, events


def _status(machine: Machine) -> int:
    express = machine.function("port").express
    assert express is not None
    return config(machine, "port", express.offset + regs.EXP_SLTSTA, 2)


def _clear(machine: Machine) -> None:
    express = machine.function("port").express
    assert express is not None
    set_config(machine, "port", express.offset + regs.EXP_SLTSTA, 2, 0xFFFF)


def test_plug_and_unplug_show_in_status_and_events() -> None:
    """Presence detect state follows the card, its changed bit waits for software, each change sends one event."""
    machine, events = _port(hotplug=True, pcie=PcieType.ROOT_PORT)
    seen = [_status(machine)]

    for change in (machine.plug, machine.unplug):
        change("card")
        seen.append(_status(machine))
        _clear(machine)
        seen.append(_status(machine))
    queued = list(events)
    machine.fabric.clock.run_pending()

    assert seen == [0, PRESENT | CHANGED, PRESENT, CHANGED, 0]
    assert queued == []
    assert events == [SlotEvent(0, 0x08, "presence", True), SlotEvent(0, 0x08, "presence", False)]


def test_plugging_twice_is_plugging_once() -> None:
    """What is present stays as it is: no second event, no power cycle."""
    machine, events = _port(hotplug=True, pcie=PcieType.ROOT_PORT)

    machine.plug("card")
    set_config(machine, "card", regs.INTERRUPT_LINE, 1, 9)
    machine.plug("card")
    machine.fabric.clock.run_pending()

    assert (len(events), config(machine, "card", regs.INTERRUPT_LINE, 1)) == (1, 9)


@pytest.mark.parametrize(
    ("options", "count"),
    [
        pytest.param({"hotplug": True}, 1, id="conventional hot-plug bridge"),
        pytest.param({"hotplug": False}, 0, id="no slot"),
        pytest.param({"hotplug": False, "pcie": PcieType.ROOT_PORT}, 0, id="port without a slot"),
    ],
)
def test_only_hotplug_slots_send_events(options: dict[str, Any], count: int) -> None:
    """A bridge without a hot-plug slot says nothing; one without PCI Express registers still tells the kernel."""
    machine, events = _port(**options)

    machine.plug("card")
    machine.fabric.clock.run_pending()

    assert len(events) == count


def test_a_card_present_at_power_on_is_no_change() -> None:
    """What sits in the slot from the start shows as present, without changed bits and events."""
    machine = Machine([])
    machine.add_bridge("port", slot="01.0", hotplug=True, pcie=PcieType.ROOT_PORT)
    machine.add("card", "port", "00.0", Card())

    assert _status(machine) == PRESENT
    assert machine.fabric.clock.next_due() is None


def test_the_event_names_the_bus_of_now() -> None:
    """Bus numbers may change: the event carries the number the port has when it is delivered."""
    machine = Machine([])
    machine.add_bridge("up", slot="01.0", firmware={"bus": (0, 1, 3)})
    machine.add_bridge("down", "up", "02.0", hotplug=True, firmware={"bus": (1, 2, 2)})
    machine.add("card", "down", "00.0", Card(), present=False)
    events: list[SlotEvent] = []
    machine.fabric.set_slot_handler(events.append)

    machine.plug("card")
    set_config(machine, "up", regs.SECONDARY_BUS, 1, 3)
    machine.fabric.clock.run_pending()

    assert events == [SlotEvent(3, 0x10, "presence", True)]


def test_the_attention_button_is_a_request() -> None:
    """Pressing it sets the status bit and sends an event; presence does not change."""
    machine, events = _port(hotplug=True, pcie=PcieType.ROOT_PORT)
    port = machine.function("port")
    assert isinstance(port, Bridge)
    assert port.slot is not None

    port.slot.press_button()
    machine.fabric.clock.run_pending()

    assert (_status(machine), events) == (regs.EXP_SLTSTA_ABP, [SlotEvent(0, 0x08, "button", False)])


def test_a_port_that_went_tells_nothing() -> None:
    """An event on its way dies with the port that wanted to send it."""
    machine, events = _port(hotplug=True, pcie=PcieType.ROOT_PORT)

    machine.plug("card")
    machine.unplug("port")
    machine.fabric.clock.run_pending()

    assert events == []


def test_a_dumped_port_is_hotplug_by_its_own_bytes() -> None:
    """Slot registers of a dump work as if declared."""
    source, _ = _port(hotplug=True, pcie=PcieType.ROOT_PORT)
    dump = source.function("port").config.initial
    machine = Machine([])
    machine.add_bridge("port", slot="01.0", config=dump)
    machine.add("card", "port", "00.0", Card(), present=False)

    machine.plug("card")

    assert _status(machine) == PRESENT | CHANGED
    assert machine.fabric.clock.next_due() == 0
