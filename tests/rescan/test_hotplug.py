"""The hot-plug driver: presence, the button and its five seconds, links, surprise, power faults; and the lock it waits for."""

from __future__ import annotations

import pytest

from mockbus import Machine
from movsdk.bench.world import make_world
from movsdk.clock import NS_PER_MS
from movsdk.kernel.binding import register_driver
from movsdk.ops import SlotEvent, Space
from movsdk.pci_regs import Led, PcieType
from movsdk.rescan.hotplug import SlotState
from movsdk.rescan.rules import RULES
from movsdk.trace import What
from tests.rescan.chassis import APERTURES, FULL, Card, Chassis, Movable


# --- presence ------------------------------------------------------------------------------------------------
def test_a_card_that_is_put_in_is_added() -> None:
    """Presence and link change; the hot-add is a rescan of the whole domain (patch 17)."""
    chassis = Chassis.of()

    chassis.world.machine.plug("card")
    chassis.run()

    assert chassis.said() == ["Card present", "Link Up"]
    assert chassis.driver.calls == ["done", "probe 0000:01:00.0"]
    assert [report.op for report in chassis.reports] == ["hotadd"]
    assert chassis.slots.state_of(chassis.port) is SlotState.ON
    log = next(event for event in chassis.world.system.trace.of(What.LOG) if "pciehp" in event.text)
    assert (log.who, log.text) == ("port", "pcieport 0000:00:01.0: pciehp: Slot(0): Card present")


@pytest.mark.parametrize("pcie", [PcieType.ROOT_PORT, None], ids=["express", "conventional"])
def test_a_card_that_is_torn_out_is_removed(pcie: PcieType | None) -> None:
    """Surprise: the driver's remove hears of it afterwards; nothing else moves."""
    chassis = Chassis.of(pcie=pcie, card=True)

    chassis.world.machine.unplug("card")
    chassis.run()

    assert chassis.said() == (["Card not present"] if pcie is None else ["Link Down", "Card not present"])
    assert chassis.driver.calls == ["remove 0000:01:00.0"]
    assert not chassis.is_known


def test_a_conventional_slot_knows_presence_only() -> None:
    """A card that joins another is added; the bus is cleared when the last one is gone."""
    chassis = Chassis.of(pcie=None, card=True)
    machine = chassis.world.machine
    machine.add("second", "port", "03.0", Card(), present=False)

    machine.plug("second")
    chassis.run()
    both = chassis.world.find("second") is not None and chassis.is_known
    machine.unplug("card")
    chassis.run()
    one = chassis.is_known
    machine.unplug("second")
    chassis.run()

    assert (both, one, chassis.is_known, chassis.world.find("second")) == (True, True, False, None)


def test_another_card_in_the_same_moment() -> None:
    """Out and in again before anybody looked: what was on goes off first, for it may be another card."""
    chassis = Chassis.of(card=True)

    chassis.world.machine.unplug("card")
    chassis.world.machine.plug("card")
    chassis.run()

    assert chassis.said() == ["Link Down", "Card not present", "Card present", "Link Up"]
    assert chassis.driver.calls == ["remove 0000:01:00.0", "done", "probe 0000:01:00.0"]


def test_an_event_of_nobody_is_nothing() -> None:
    """A port that the kernel does not know, or an event that the registers know nothing of."""
    chassis = Chassis.of()

    chassis.slots.handle(SlotEvent(9, 0, "presence", True))
    chassis.slots.handle(SlotEvent(0, 0x08, "presence", True))

    assert (chassis.said(), chassis.reports) == ([], [])


# --- the button ---------------------------------------------------------------------------------------------------
def test_the_button_asks_and_five_seconds_later_the_card_is_on() -> None:
    """The power light blinks meanwhile; putting the card in alone did nothing."""
    chassis = Chassis.of(*FULL)
    chassis.world.machine.plug("card")
    chassis.run()
    silent = chassis.said()

    chassis.slot.press_button()
    chassis.run(4_999)
    blinking = (chassis.is_known, chassis.slots.is_busy, chassis.lights()[0], chassis.slots.state_of(chassis.port))
    chassis.run(200)

    assert silent == []
    assert blinking == (False, True, Led.BLINK, SlotState.BLINKING_ON)
    assert chassis.said() == ["Attention button pressed", "Powering on due to button press", "Card present"]
    assert (chassis.is_known, chassis.slots.is_busy, chassis.lights()) == (True, False, (Led.ON, Led.OFF))


def test_pressing_again_cancels() -> None:
    """On and off alike; the light says what stays."""
    chassis = Chassis.of(*FULL)
    chassis.world.machine.plug("card")
    for _ in range(2):
        chassis.slot.press_button()
        chassis.run(1_000)
    off = (chassis.said()[-1], chassis.lights()[0])
    chassis.run(10_000)
    stays_off = chassis.is_known
    chassis.slot.press_button()
    chassis.run(6_000)
    for _ in range(2):
        chassis.slot.press_button()
        chassis.run(1_000)
    chassis.run(10_000)

    assert off == ("Action canceled due to button press", Led.OFF)
    assert not stays_off
    assert (chassis.is_known, chassis.lights()[0]) == (True, Led.ON)
    assert chassis.said()[-2:] == ["Attention button pressed", "Action canceled due to button press"]


def test_the_button_of_a_slot_that_is_on_turns_it_off() -> None:
    """Five seconds, then orderly removal, then power; the card stays in its slot."""
    chassis = Chassis.of(*FULL, card=True)

    chassis.slot.press_button()
    chassis.run(6_100)

    assert chassis.said() == ["Attention button pressed", "Powering off due to button press"]
    assert chassis.driver.calls == ["remove 0000:01:00.0"]
    assert (chassis.slot.present, chassis.slot.is_link_up, chassis.lights()[0]) == (True, False, Led.OFF)
    assert list(chassis.world.machine.fabric.faults) == []


def test_a_card_torn_out_while_the_light_blinks() -> None:
    """Nobody waits for the five seconds any more."""
    chassis = Chassis.of(*FULL, card=True)
    chassis.slot.press_button()
    chassis.run(1_000)

    chassis.world.machine.unplug("card")
    chassis.run(500)
    early = chassis.is_known
    chassis.run(20_000)

    assert not early
    assert chassis.driver.calls == ["remove 0000:01:00.0"]
    assert not chassis.slots.is_busy


def test_a_button_without_a_card() -> None:
    """Five seconds later there is still nothing: the light goes off again."""
    chassis = Chassis.of(*FULL)

    chassis.slot.press_button()
    chassis.run(6_000)

    assert (chassis.reports, chassis.lights()[0], chassis.slots.is_busy) == ([], Led.OFF, False)


# --- power and link ---------------------------------------------------------------------------------------------------
def test_empty_slots_have_no_power() -> None:
    """Taken over at boot: a card that is put in stays dark until somebody asks."""
    assert not Chassis.of(*FULL).slot.is_powered
    assert Chassis.of(*FULL, card=True).slot.is_powered
    assert Chassis.of().slot.is_powered


def test_a_link_that_bounces_takes_the_driver_along() -> None:
    """Down: what was there is removed. Up again: it is added anew."""
    chassis = Chassis.of(card=True)

    chassis.slot.retrain()
    chassis.run()

    assert chassis.said() == ["Link Down", "Card present", "Link Up"]
    assert chassis.driver.calls == ["remove 0000:01:00.0", "done", "probe 0000:01:00.0"]


def test_a_power_fault_removes_the_card_and_one_more_try_fails() -> None:
    """The card is shorted: power goes on once more, trips again, and stays off with the attention light on."""
    chassis = Chassis.of("power", "indicators", card=True)

    chassis.slot.short()
    chassis.run(5_000)

    assert chassis.said() == ["Power fault", "Link Down", "Card present", "Power fault"]
    assert chassis.driver.calls == ["remove 0000:01:00.0"]
    assert chassis.lights() == (Led.OFF, Led.ON)
    assert (chassis.is_known, chassis.slot.is_powered) == (False, False)


def test_another_card_works_after_a_power_fault() -> None:
    """The fault goes with the card."""
    chassis = Chassis.of("power", "indicators", card=True)
    chassis.slot.short()
    chassis.run(5_000)

    chassis.world.machine.unplug("card")
    chassis.run(1_000)
    chassis.world.machine.plug("card")
    chassis.run(1_000)

    assert chassis.is_known
    assert chassis.lights() == (Led.ON, Led.OFF)


# --- the lock ---------------------------------------------------------------------------------------------------------
def test_an_event_during_a_rescan_waits_for_the_lock() -> None:
    """A card comes while a driver takes its time to pause. The rescan finds it; the slot's word afterwards is no news."""
    chassis = Chassis.of()
    chassis.driver.pause_ms = 10

    chassis.world.system.ops.clock.call_later(5 * NS_PER_MS, lambda: chassis.world.machine.plug("card"))
    report = chassis.world.engine.rescan()
    inside = chassis.is_known
    chassis.run()

    assert (report.found, inside, chassis.is_known) == (("card",), True, True)
    assert (chassis.said(), chassis.driver.calls) == (["Card present", "Link Up"], ["done", "probe 0000:01:00.0"])
    assert chassis.slots.state_of(chassis.port) is SlotState.ON


def test_the_five_seconds_may_end_during_a_rescan() -> None:
    """The removal waits."""
    chassis = Chassis.of(*FULL, card=True)
    chassis.driver.pause_ms = 3_000
    chassis.slot.press_button()
    chassis.run(4_000)

    chassis.world.engine.rescan()
    after_rescan = chassis.is_known
    chassis.run(2_000)

    assert (after_rescan, chassis.is_known) == (True, False)
    assert chassis.driver.calls[-1] == "remove 0000:01:00.0"


# --- by hand ------------------------------------------------------------------------------------------------------------
def test_without_a_hotplug_driver_a_rescan_by_hand_finds_the_card() -> None:
    """Any bridge will do; nobody said anything."""
    machine = Machine(APERTURES)
    machine.add_bridge("bridge", slot="01.0")
    machine.add("card", "bridge", "00.0", Card(), present=False)
    world = make_world(machine, APERTURES, RULES["v9"])
    driver = Movable()
    register_driver(world.system, driver)
    world.engine.boot()

    machine.plug("card")
    world.engine.rescan()

    assert driver.calls == ["probe 0000:01:00.0"]


@pytest.mark.parametrize(("rules", "command"), [("v9", 0x6), ("v5", 0x6), ("v2", 0x6)])
def test_hot_plug_into_a_bridge_that_firmware_did_not_enable(rules: str, command: int) -> None:
    """Patch 16: the chain of ports gets memory decode and bus mastering, upstream first, and the card answers."""
    machine = Machine(APERTURES)
    machine.add_bridge("top", slot="01.0", firmware={"bus": (0, 1, 2)})
    machine.add_bridge("port", "top", "00.0", hotplug=True, firmware={"bus": (1, 2, 2)})
    machine.add("card", "port", "00.0", Card(), present=False)
    world = make_world(machine, APERTURES, RULES[rules])
    driver = Movable()
    register_driver(world.system, driver)
    world.engine.boot()
    port = world.find("port")
    assert port is not None
    for label in ("top", "port"):
        assert machine.function(label).command & 0x6 == 0

    machine.plug("card")
    report = world.engine.hotadd(port)

    assert (report.rc, driver.calls) == (0, ["probe 0000:02:00.0"])
    assert [machine.function(label).command for label in ("top", "port")] == [command, command]
    card = world.find("card")
    assert card is not None
    span = card.bar_span(0)
    assert span is not None
    assert [claim.label for claim in machine.fabric.claims(Space.MEM, span.start)] == ["card"]
