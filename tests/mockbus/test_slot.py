"""Hot-plug slots: presence, status bits, events."""

from __future__ import annotations

from typing import Any

import pytest

from mockbus.topology import Machine
from movsdk import pci_regs as regs
from movsdk.ops import SlotEvent
from movsdk.pci_regs import PcieType
from tests.mockbus.machines import Card, config, set_config
from tests.mockbus.slots import answers, clear, control, heard, is_link_active, port, slot_of, status

PRESENT, CHANGED = regs.EXP_SLTSTA_PDS, regs.EXP_SLTSTA_PDC | regs.EXP_SLTSTA_DLLSC


def test_plug_and_unplug_show_in_status_and_events() -> None:
    """Presence detect state follows the card, its changed bit waits for software, each change sends one event."""
    machine, events = port(hotplug=True, pcie=PcieType.ROOT_PORT)
    seen = [status(machine)]

    for change in (machine.plug, machine.unplug):
        change("card")
        seen.append(status(machine))
        clear(machine)
        seen.append(status(machine))
    queued = list(events)
    machine.fabric.clock.run_pending()

    assert seen == [0, PRESENT | CHANGED, PRESENT, CHANGED, 0]
    assert queued == []
    assert events == [SlotEvent(0, 0x08, "presence", True), SlotEvent(0, 0x08, "presence", False)]


def test_plugging_twice_is_plugging_once() -> None:
    """What is present stays as it is: no second event, no power cycle."""
    machine, events = port(hotplug=True, pcie=PcieType.ROOT_PORT)

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
    machine, events = port(**options)

    machine.plug("card")
    machine.fabric.clock.run_pending()

    assert len(events) == count


def test_a_card_present_at_power_on_is_no_change() -> None:
    """What sits in the slot from the start shows as present, without changed bits and events."""
    machine = Machine([])
    machine.add_bridge("port", slot="01.0", hotplug=True, pcie=PcieType.ROOT_PORT)
    machine.add("card", "port", "00.0", Card())

    assert status(machine) == PRESENT
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
    machine, events = port(hotplug=True, pcie=PcieType.ROOT_PORT)

    slot_of(machine).press_button()
    machine.fabric.clock.run_pending()

    assert (status(machine), events) == (regs.EXP_SLTSTA_ABP, [SlotEvent(0, 0x08, "button", False)])


def test_a_port_that_went_tells_nothing() -> None:
    """An event on its way dies with the port that wanted to send it."""
    machine, events = port(hotplug=True, pcie=PcieType.ROOT_PORT)

    machine.plug("card")
    machine.unplug("port")
    machine.fabric.clock.run_pending()

    assert events == []


def test_a_dumped_port_is_hotplug_by_its_own_bytes() -> None:
    """Slot registers of a dump work as if declared."""
    source, _ = port(hotplug=True, pcie=PcieType.ROOT_PORT)
    dump = source.function("port").config.initial
    machine = Machine([])
    machine.add_bridge("port", slot="01.0", config=dump)
    machine.add("card", "port", "00.0", Card(), present=False)

    machine.plug("card")

    assert status(machine) == PRESENT | CHANGED
    assert machine.fabric.clock.next_due() == 0


# --- power, button, link ---------------------------------------------------------------------------------
FULL = {"hotplug": True, "pcie": PcieType.ROOT_PORT, "controls": ("button", "power", "indicators")}
FAULT, LINK = regs.EXP_SLTSTA_PFD, regs.EXP_SLTSTA_DLLSC


def test_the_capability_tells_what_the_slot_has() -> None:
    """Button, power controller, both indicators; a plain hot-plug slot has none of them. No command-completed events."""
    found = []
    for controls in ((), FULL["controls"]):
        machine, _ = port(**FULL | {"controls": controls})
        express = machine.function("port").express
        assert express is not None
        found.append(config(machine, "port", express.offset + regs.EXP_SLTCAP, 4))

    assert found == [0x40060, 0x4007B]


def test_a_slot_without_power_keeps_its_card_dark() -> None:
    """The card is present, nobody answers; it powers up when Slot Control says so, and the link with it."""
    machine, events = port(**FULL)
    control(machine, regs.EXP_SLTCTL_PCC)

    machine.plug("card")
    dark = (status(machine), answers(machine), is_link_active(machine), heard(machine, events))
    clear(machine)
    control(machine, 0)
    lit = (status(machine), answers(machine), is_link_active(machine), heard(machine, events))

    assert dark == (PRESENT | regs.EXP_SLTSTA_PDC, False, False, ["presence"])
    assert lit == (PRESENT | LINK, True, True, ["link"])


def test_turning_power_off_takes_the_link_down() -> None:
    """The card stays present; other bits of Slot Control change nothing; what was off is off."""
    machine, events = port(**FULL)
    machine.plug("card")
    clear(machine)
    heard(machine, events)

    control(machine, regs.EXP_SLTCTL_PDCE)
    same = (answers(machine), heard(machine, events))
    control(machine, regs.EXP_SLTCTL_PCC | regs.EXP_SLTCTL_PDCE)
    off = (status(machine), answers(machine), is_link_active(machine), heard(machine, events))
    machine.unplug("card")
    pulled = (status(machine), heard(machine, events))

    assert same == (True, [])
    assert off == (PRESENT | LINK, False, False, ["link"])
    assert pulled == (LINK | regs.EXP_SLTSTA_PDC, ["presence (empty)"])


def test_a_shorted_card_trips_the_power_controller_again_and_again() -> None:
    """Until it is pulled: then another card works. A slot without a controller does not notice."""
    machine, events = port(**FULL)
    machine.plug("card")
    clear(machine)
    heard(machine, events)

    slot_of(machine).short()
    tripped = (status(machine), answers(machine), heard(machine, events))
    clear(machine)
    control(machine, regs.EXP_SLTCTL_PCC)
    control(machine, 0)
    again = (status(machine), answers(machine), heard(machine, events))
    machine.unplug("card")
    clear(machine)
    control(machine, regs.EXP_SLTCTL_PCC)
    control(machine, 0)
    machine.plug("card")

    assert tripped == (PRESENT | FAULT | LINK, False, ["power-fault"])
    assert again == (PRESENT | FAULT, False, ["power-fault"])
    assert answers(machine)
    plain, none = port(hotplug=True, pcie=PcieType.ROOT_PORT)
    plain.plug("card")
    heard(plain, none)
    slot_of(plain).short()
    assert (answers(plain), heard(plain, none)) == (True, [])


def test_a_link_that_goes_down_resets_the_card() -> None:
    """Software's settings are gone when it is up again; an empty slot only notes the change."""
    machine, events = port(hotplug=True, pcie=PcieType.ROOT_PORT)
    machine.plug("card")
    set_config(machine, "card", regs.INTERRUPT_LINE, 1, 9)
    clear(machine)
    heard(machine, events)

    slot_of(machine).retrain()
    after = (config(machine, "card", regs.INTERRUPT_LINE, 1), status(machine), heard(machine, events))
    machine.unplug("card", told=False)
    slot_of(machine).retrain()

    assert after == (0, PRESENT | LINK, ["link"])
    assert heard(machine, events) == ["link (empty)"]


def test_nobody_need_be_told() -> None:
    """Presence shows; no changed bit, no event."""
    machine, events = port(hotplug=True, pcie=PcieType.ROOT_PORT)

    machine.plug("card", told=False)
    plugged = status(machine)
    machine.unplug("card", told=False)

    assert (plugged, status(machine), heard(machine, events)) == (PRESENT, 0, [])


def test_a_second_function_of_a_card_is_no_news_to_its_slot() -> None:
    """Slot registers know one card."""
    machine, events = port(hotplug=True, pcie=PcieType.ROOT_PORT)
    machine.add("second", "port", "00.1", Card(), present=False)
    machine.plug("card")
    first = heard(machine, events)

    machine.plug("second")

    assert (first, heard(machine, events)) == (["presence"], [])


def test_a_port_that_is_reset_gives_power_again() -> None:
    """Slot Control is zero after a reset: power is on."""
    machine, _ = port(**FULL)
    control(machine, regs.EXP_SLTCTL_PCC)
    machine.plug("card")

    machine.function("port").reset()

    assert answers(machine)
