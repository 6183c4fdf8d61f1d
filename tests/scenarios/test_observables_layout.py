"""Observables of kernel-facts §4 that no other test asserts: reserved space, partial newcomers, ports, drivers that come and go.

docs/reference/observables.md names the test of each of the 64.
"""

from __future__ import annotations

import pytest

from movsdk.bench.scenario import EventSpec
from movsdk.kernel.binding import attach, unbind
from movsdk.rescan.rules import RULES
from movsdk.trace import What
from tests.rescan.stories import B, M, card, late, played, player, port
from tests.scenarios.stage import driver, entry, place

SERIES = ("v9", "v5", "v2")


@pytest.mark.parametrize("rules", RULES)
def test_reserved_pieces_of_an_aperture_are_never_used(rules: str) -> None:
    """Observable 31 (v8 on, and modelled for all): what firmware or the board keeps is a neighbour like any other."""
    pieces = [(B + M, B + 3 * M - 1), (B + 6 * M, B + 7 * M - 1)]
    _, outcomes = played(
        rules,
        port("hp"),
        card("old", on="hp"),
        port("hq", slot="02.0"),
        late(card("new", 2 * M, on="hq")),
        size=8 * M,
        reserved=[{"type": "mem", "start": start, "last": last} for start, last in pieces],
        events="boot, plug new, hotadd hq, rescan",
    )

    for outcome in outcomes:
        for device in outcome.state:
            for resource in device["resources"]:
                if resource["assigned"]:
                    assert not any(start <= resource["last"] and resource["start"] <= last for start, last in pieces)
    assert place(outcomes[-1], "new") == (B + 4 * M, 2 * M)


@pytest.mark.parametrize("rules", SERIES)
def test_a_newcomer_may_come_out_with_some_of_its_bars(rules: str) -> None:
    """Observable 39: nobody requires the BARs of a newcomer, so one has a place and the other not; it cannot be enabled."""
    bars = [{"n": 0, "type": "mem32", "size": M}, {"n": 1, "type": "io", "size": 256}]
    _, outcomes = played(
        rules,
        port("hp"),
        card("old", on="hp"),
        late(card("new", on="hp", slot="01.0", bars=bars)),
        size=4 * M,
        events="boot, plug new, hotadd hp",
    )
    after = outcomes[-1]

    assert (place(after, "new", 0), place(after, "new", 1)) == ((B + M, M), None)
    assert (after.report.given_up, driver(after, "new")) == ((), None)
    assert place(after, "old") == (B, M)


@pytest.mark.parametrize(("port_driver", "newcomer"), [("port", (B, 4 * M)), ("fixed", None)])
def test_the_bar_of_a_switch_port_blocks_a_newcomer_without_portdrvs_hook(
    port_driver: str, newcomer: tuple[int, int] | None
) -> None:
    """Observable 53: in the middle of the aperture stands a register BAR of a switch port that nobody uses."""
    register = {"n": 0, "type": "mem32", "size": M, "firmware": B + 2 * M}
    firmware = {"bus": [0, 1, 3], "mem": [B, B + 6 * M - 1]}
    _, outcomes = played(
        "v9",
        port("rp", firmware=firmware),
        port("dn", on="rp", driver=port_driver, bars=[register]),
        late(card("new", 4 * M, on="dn")),
        size=6 * M,
        events="boot, plug new, hotadd dn",
    )

    assert driver(outcomes[0], "dn") == port_driver
    assert place(outcomes[-1], "new") == newcomer


def test_of_a_card_with_a_partial_answer_only_some_bars_move() -> None:
    """Observable 54: BAR 0 must stay, BAR 1 makes room; the driver is paused once for both."""
    bars = [{"n": 0, "type": "mem32", "size": M, "firmware": B}, {"n": 1, "type": "mem32", "size": M, "firmware": B + 2 * M}]
    firmware = {"bus": [0, 1, 1], "mem": [B, B + 4 * M - 1]}
    _, outcomes = played(
        "v9",
        port("hp", firmware=firmware),
        card("gpu", on="hp", driver="mixed", fixed_bars=[0], bars=bars),
        late(card("new", 2 * M, on="hp", slot="01.0")),
        size=8 * M,
        events="boot, plug new, hotadd hp",
    )
    after = outcomes[-1]

    assert [(move.device, move.bar) for move in after.report.moves] == [("gpu", 1)]
    assert (place(after, "gpu", 0), place(after, "new")) == ((B, M), (B + 2 * M, 2 * M))
    assert [hook for hook in after.hooks if hook[1] == "gpu"] == [["prepare", "gpu"], ["done", "gpu"]]


def test_a_driver_that_is_unloaded_lets_its_bar_move_and_loaded_again_holds_it() -> None:
    """Observable 57: the same card is fixed while an unaware driver is bound, and movable while nobody is."""
    firmware = {"bus": [0, 1, 1], "mem": [B + 4 * M, B + 6 * M - 1]}
    bars = [{"n": 0, "type": "mem32", "size": M, "firmware": B + 5 * M}]
    table = player("v9", port("hp", firmware=firmware), card("nic", on="hp", driver="fixed", bars=bars), size=8 * M)
    boot = table.step(EventSpec("boot"))
    bound = table.step(EventSpec("rescan"))
    nic = table.world.find("nic")
    assert nic is not None

    unbind(table.world.system, nic)
    unloaded = table.step(EventSpec("rescan"))
    attach(table.world.system, nic)
    removed_and_back = table.step(EventSpec("rescan"))

    spans = [place(outcome, "nic") for outcome in (boot, bound, unloaded, removed_and_back) if outcome is not None]
    assert spans == [(B + 5 * M, M), (B + 5 * M, M), (B, M), (B, M)]
    assert removed_and_back is not None
    assert removed_and_back.report.fixed[0][:2] == ("nic", 0)


@pytest.mark.parametrize("rules", SERIES)
def test_a_gap_is_closed_by_the_next_rescan_and_not_before(rules: str) -> None:
    """Observable 62: a card that is gone leaves a hole; removal moves nobody, the rescan compacts what may move."""
    _, outcomes = played(
        rules,
        port("hp"),
        card("first", on="hp"),
        card("second", on="hp", slot="01.0"),
        events="boot, remove first, rescan",
    )

    assert [place(outcome, "second") for outcome in outcomes] == [(B + M, M), (B + M, M), (B, M)]
    assert entry(outcomes[-1], "hp")["resources"][0]["last"] == B + M - 1


@pytest.mark.parametrize("rules", SERIES)
def test_a_prefetchable_fixed_bar_may_sit_in_a_memory_window(rules: str) -> None:
    """Observable 28: where the bridge has no prefetchable window, it stays in the other one over every rescan."""
    bars = [{"n": 0, "type": "pref64", "size": M}]
    _, outcomes = played(
        rules,
        port("hp"),
        card("fixed", on="hp", driver="fixed", bars=bars),
        late(card("new", 2 * M, on="hp", slot="01.0")),
        events="boot, rescan, plug new, hotadd hp",
    )

    assert [place(outcome, "fixed") for outcome in outcomes] == [(B, M)] * 3
    assert entry(outcomes[-1], "fixed")["resources"][0]["parent"] == "hp:8"


@pytest.mark.parametrize(("rules", "refused"), [("v9", 3), ("v5", 1), ("v2", 1)])
def test_each_refused_attempt_is_told_before_the_next(rules: str, refused: int) -> None:
    """Observable 38: as many lines as retries, each naming what had no place; the last one names nobody who had one before."""
    _, outcomes = played(
        rules,
        port("hp"),
        card("old", on="hp"),
        late(card("new", 16 * M, on="hp", slot="01.0")),
        size=4 * M,
        events="boot, plug new, hotadd hp",
    )
    report = outcomes[-1].report

    told = [event.detail for event in report.timeline if event.what is What.ATTEMPT]
    assert told == list(report.attempts)
    assert [attempt.is_accepted for attempt in report.attempts] == [False] * refused + [True]
    assert all(attempt.failed for attempt in report.attempts[:-1])
    assert all(failed.device != "old" for failed in report.attempts[-1].failed)
