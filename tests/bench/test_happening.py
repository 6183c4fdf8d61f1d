"""What events do: slots that tell and hands that do not, power, and time."""

from __future__ import annotations

from typing import Any

import pytest

from movsdk.bench.player import Outcome, Player
from movsdk.bench.scenario_schema import parse
from movsdk.clock import NS_PER_MS
from movsdk.rescan.rules import RULES
from movsdk.trace import What

BAR = [{"n": 0, "type": "mem32", "size": "1M"}]
FULL = ["button", "power", "indicators"]
SLEEPY = {"size": 256, "0x00": "36 1b 01 00 06 00 10 00 00 00 04 06 00 00 01 00", "0x34": "40", "0x40": "01 00 03 00 08 00 00 00"}

DOZY = {"size": 256, "0x00": "34 12 e8 11 00 00 10 00 00 00 00 02", "0x34": "40", "0x40": "01 00 03 00 08 00 00 00"}


def play(*events: dict[str, Any], rules: str = "v9") -> tuple[Player, list[Outcome]]:
    """A port with everything, a port with a card, a conventional bridge, and two cards to put in."""
    port = {"kind": "bridge", "hotplug": True, "pcie": "root-port"}
    card = {"slot": "00.0", "driver": "movable", "bars": BAR}
    scenario = parse(
        {
            "reserve": {"io": 0, "mem": 0, "pref": 0},
            "windows": [{"type": "mem", "start": 0xE000_0000, "last": 0xE0FF_FFFF}],
            "devices": [
                {"id": "full", "slot": "01.0", "controls": FULL, **port},
                {"id": "plain", "slot": "02.0", **port},
                {"id": "dumped", "slot": "03.0", "kind": "bridge", "prefetchable": None, "io": False, "config": SLEEPY},
                {"id": "new", "on": "full", "present": False, **card},
                {"id": "old", "on": "plain", **card},
                {"id": "dozy", "on": "dumped", "config": DOZY, **card},
            ],
            "events": [{"op": "boot"}, *events],
        }
    )
    player = Player(scenario, RULES[rules])
    return player, list(player.play())


def said(outcome: Outcome) -> list[str]:
    """The hot-plug driver's lines of one event."""
    log = (event.text for event in outcome.report.timeline if event.what is What.LOG)
    return [text.split("Slot(0): ")[1] for text in log if "Slot(0): " in text]


def hooks(outcome: Outcome) -> list[str]:
    """Calls as words."""
    return [" ".join(call) for call in outcome.hooks]


@pytest.mark.parametrize("rules", RULES)
def test_who_is_gone_is_named(rules: str) -> None:
    """Torn out, removed by hand with what is behind it, or removed and added again: then it is found as well. In --json too."""
    _, (boot, pulled, by_hand) = play({"op": "pull", "id": "old"}, {"op": "remove", "id": "dumped"}, rules=rules)
    _, (_, bounced) = play({"op": "link", "id": "plain"}, rules=rules)

    assert [outcome.report.removed for outcome in (boot, pulled, by_hand)] == [(), ("old",), ("dumped", "dozy")]
    assert (bounced.report.removed, bounced.report.found) == (("old",), ("old",))
    assert by_hand.as_json()["removed"] == ["dumped", "dozy"]


# --- slots -----------------------------------------------------------------------------------------------
def test_the_button_in_a_scenario() -> None:
    """Pressed, pressed again after two seconds, pressed for good: five seconds later the card is there."""
    player, (_, first, second, third) = play(
        {"op": "plug", "id": "new"},
        {"op": "button", "id": "full", "ms": 2000},
        {"op": "button", "id": "full"},
        {"op": "button", "id": "full"},
    )

    assert said(first) == ["Attention button pressed", "Powering on due to button press"]
    assert said(second) == ["Attention button pressed", "Action canceled due to button press"]
    assert said(third) == ["Attention button pressed", "Powering on due to button press", "Card present"]
    assert hooks(first) == hooks(second) == []
    assert hooks(third) == ["prepare old", "prepare dozy", "done old", "done dozy", "probe new rc=0"]
    assert (third.rc, third.report.op, third.report.found) == (0, "button", ("new",))
    assert player.world.system.ops.clock.now == 7100 * NS_PER_MS


def test_pulling_is_heard_and_unplugging_is_not() -> None:
    """The same hand; only the slot's word differs."""
    player, (_, pulled) = play({"op": "pull", "id": "old"})
    deaf, (_, rescan) = play({"op": "unplug", "id": "old"}, {"op": "rescan"})

    assert (said(pulled), hooks(pulled)) == (["Link Down", "Card not present"], ["remove old"])
    assert player.world.find("old") is None
    assert said(rescan) == []
    assert deaf.world.find("old") is not None


def test_a_link_event_makes_a_silent_card_known_and_a_known_one_new() -> None:
    """Down and up again; what is added after a removal counts as one event."""
    _, (_, gone, came, bounced) = play(
        {"op": "pull", "id": "old"}, {"op": "plug", "id": "old"}, {"op": "link", "id": "plain"}, {"op": "link", "id": "plain"}
    )

    assert hooks(gone) == ["remove old"]
    moved = ["prepare dozy", "done dozy", "probe old rc=0"]
    assert (said(came), hooks(came)) == (["Card present", "Link Up"], moved)
    assert (said(bounced), hooks(bounced)) == (["Link Down", "Card present", "Link Up"], ["remove old", *moved])
    assert [len(outcome.report.attempts) for outcome in (gone, came, bounced)] == [0, 1, 1]


def test_a_power_fault_in_a_scenario() -> None:
    """The card is gone until it is pulled and put in again."""
    player, outcomes = play(
        {"op": "plug", "id": "new"},
        {"op": "hotadd", "id": "full"},
        {"op": "power_fault", "id": "full"},
        {"op": "button", "id": "full"},
        {"op": "pull", "id": "new"},
        {"op": "plug", "id": "new"},
        {"op": "button", "id": "full"},
    )

    added, fault, again, _, last = outcomes[1:]
    assert hooks(added)[-1] == "probe new rc=0"
    assert said(fault) == ["Power fault", "Link Down", "Card present", "Power fault"]
    assert hooks(fault) == ["remove new"]
    assert said(again)[-2:] == ["Card present", "Power fault"]
    assert hooks(last)[-1] == "probe new rc=0"
    assert [outcome.breaches.broken for outcome in outcomes if outcome.breaches.broken] == []
    assert player.referee.findings == []


def test_a_slot_that_a_dump_does_not_have() -> None:
    """Its bytes have the last word."""
    _, (_, outcome) = play({"op": "button", "id": "dumped"})

    assert (outcome.rc, said(outcome)) == (-19, [])


@pytest.mark.parametrize("rules", ["v9", "off"])
def test_a_card_in_a_dark_slot_needs_its_hotplug_driver(rules: str) -> None:
    """A rescan by hand finds nothing where the power is off; hotadd turns it on."""
    player, _ = play({"op": "plug", "id": "new"}, {"op": "rescan"}, rules=rules)
    found = player.world.find("new")
    hot, (_, outcome) = play({"op": "plug", "id": "new"}, {"op": "hotadd", "id": "full"}, rules=rules)

    assert found is None
    assert (outcome.rc, hot.world.find("new") is not None) == (0, True)


def test_adding_what_is_not_there() -> None:
    """An empty slot, and a port that the kernel does not know."""
    _, (_, empty) = play({"op": "hotadd", "id": "full"})
    _, (_, _, unknown) = play({"op": "remove", "id": "full"}, {"op": "hotadd", "id": "full"})

    assert (empty.rc, unknown.rc) == (-19, -19)


# --- power and time -------------------------------------------------------------------------------------------
def test_a_device_that_sleeps_while_its_bar_moves() -> None:
    """``power/control``: auto lets it sleep, on wakes it, and the bridge above with it. Its BAR is where it is now."""
    player, outcomes = play(
        {"op": "suspend", "id": "dozy"},
        {"op": "suspend", "id": "dumped", "state": "d3cold"},
        {"op": "pull", "id": "old"},
        {"op": "rescan"},
        {"op": "wait", "ms": 500},
        {"op": "resume", "id": "dozy"},
    )

    assert [outcome.rc for outcome in outcomes] == [0] * 7
    states = [event.text for event in outcomes[2].report.timeline if "power state" in event.text]
    assert states == ["power state D0 -> D3HOT", "power state D3HOT -> D3COLD"]
    assert [move.device for move in outcomes[4].report.moves] == ["dozy"]
    assert [str(finding) for finding in player.referee.findings] == []
    assert [outcome.breaches.broken for outcome in outcomes if outcome.breaches.broken] == []
    dozy = player.world.find("dozy")
    assert dozy is not None
    span = dozy.bar_span(0)
    assert span is not None
    assert dozy.config_read(0x10, 4) == span.start == 0xE000_0000


def test_sleeping_devices_that_are_not_there() -> None:
    """A negative errno, no more."""
    _, outcomes = play({"op": "remove", "id": "old"}, {"op": "suspend", "id": "old"}, {"op": "resume", "id": "old"})

    assert [outcome.rc for outcome in outcomes[2:]] == [-19, -19]
