"""Whatever people do to a slot, once it is quiet the kernel knows exactly what has power in it."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rescan.chassis import FULL, Chassis

ACTS = st.sampled_from(["plug", "unplug", "button", "link", "rescan", "10 ms", "3 s", "short"])


def act(chassis: Chassis, what: str) -> None:
    """One thing that somebody does."""
    machine = chassis.world.machine
    if what == "plug":
        machine.plug("card")
    elif what == "unplug":
        machine.unplug("card")
    elif what == "button":
        chassis.slot.press_button()
    elif what == "link":
        chassis.slot.retrain()
    elif what == "rescan":
        chassis.world.engine.rescan()
    elif what == "short":
        chassis.slot.short()
    chassis.run({"10 ms": 10, "3 s": 3_000}.get(what, 0))


@settings(max_examples=60)
@given(acts=st.lists(ACTS, max_size=12), present=st.booleans())
def test_a_plain_slot_is_known_as_it_is(acts: list[str], present: bool) -> None:
    """Without a button and without a power controller: a card is there and bound, or it is not there."""
    chassis = Chassis.of(card=present)

    for what in acts:
        if what not in ("button", "short"):
            act(chassis, what)
    chassis.run(20_000)

    assert chassis.is_known == chassis.slot.present
    card = chassis.world.find("card")
    assert card is None or (card.driver is not None and card.bar_span(0) is not None)
    assert not chassis.slots.is_busy


@settings(max_examples=60)
@given(acts=st.lists(ACTS, max_size=12), present=st.booleans())
def test_a_slot_with_everything_never_believes_in_a_dark_card(acts: list[str], present: bool) -> None:
    """Who is known has power and a place; nobody is paused; a slot that nobody touches is quiet after five seconds."""
    chassis = Chassis.of(*FULL, card=present)

    for what in acts:
        act(chassis, what)
    chassis.run(20_000)

    assert not chassis.is_known or chassis.slot.is_link_up
    assert not chassis.slots.is_busy
    assert [device.label for device in chassis.world.system.devices() if device.is_paused] == []
    lights = chassis.lights()
    assert lights[0].name != "BLINK"
