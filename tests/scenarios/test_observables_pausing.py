"""Observables of kernel-facts §4 that no other test asserts: hooks once, unaware drivers undisturbed, registers written when.

docs/reference/observables.md names the test of each of the 64.
"""

from __future__ import annotations

import pytest

from movsdk.bench.player import Player
from movsdk.bench.scenario import EventSpec
from movsdk.kernel.pcidev import view_of
from movsdk.ops import Space
from movsdk.trace import What
from tests.rescan.stories import M, card, late, played, player, port


@pytest.mark.parametrize(("rules", "attempts"), [("v9", 4), ("v5", 2), ("v2", 2)])
def test_hooks_are_called_once_however_many_attempts(rules: str, attempts: int) -> None:
    """Observable 7: every driver with hooks in the domain, also where its BARs stay and the kernel tries again."""
    _, outcomes = played(
        rules,
        port("hp"),
        card("one", on="hp"),
        port("other", slot="02.0"),
        card("two", on="other"),
        late(card("new", 16 * M, on="hp", slot="01.0")),
        size=4 * M,
        events="boot, plug new, hotadd hp",
    )
    hotadd = outcomes[-1]

    assert len(hotadd.report.attempts) == attempts
    paused = [hook for hook in hotadd.hooks if hook[0] in ("prepare", "done")]
    assert paused == [["prepare", "one"], ["prepare", "two"], ["done", "one"], ["done", "two"]]
    assert hotadd.report.moves == ()


def reads_at_each_step(rules: str) -> dict[str, bool]:
    """A rescan that moves others; whether a card without hooks answers right before each step, by name of the step."""
    table = player(
        rules,
        port("hp"),
        card("unaware", on="hp", driver="fixed"),
        card("other", on="hp", slot="01.0"),
        port("late", slot="02.0"),
        late(card("new", 8 * M, on="late")),
        events="boot, plug new, hotadd late",
    )
    boot, plug, hotadd = table.scenario.events
    table.step(boot)
    table.step(plug)
    device = table.world.find("unaware")
    assert device is not None
    address = view_of(device).resource_start(0)
    answers: dict[str, bool] = {}

    def look(step: str) -> None:
        claims = table.world.machine.fabric.claims(Space.MEM, address)
        answers[step] = [claim.label for claim in claims] == ["unaware"]

    table.world.engine.before_step = look
    outcome = table.step(hotadd)
    look("afterwards")
    assert outcome is not None
    assert (outcome.report.moves, outcome.report.paused) != ((), ())
    assert view_of(device).resource_start(0) == address
    return answers


def test_an_unaware_driver_is_undisturbed() -> None:
    """Observable 8 (v6 on): no hook, no change of its BAR, and its registers answer at every step of the rescan."""
    assert set(reads_at_each_step("v9").values()) == {True}


@pytest.mark.parametrize("rules", ["v5", "v2"])
def test_until_v5_an_unaware_driver_is_cut_off_for_a_while(rules: str) -> None:
    """Observable 9: windows are closed when they are released, and open again when the bridges are written at the end."""
    answers = reads_at_each_step(rules)

    dark = [step for step, is_there in answers.items() if not is_there]
    assert dark == ["attempts", "bridges"]


def written(table: Player, event: EventSpec) -> list[str]:
    """What the event writes, as ``hp windows`` and ``card BAR 0``, and ``attempt`` at the end of each attempt."""
    outcome = table.step(event)
    assert outcome is not None
    found = []
    for entry in outcome.report.timeline:
        if entry.what is What.WRITE:
            found.append(f"{entry.who} {entry.text.partition(' <-')[0].replace(' register', '')}")
        elif entry.what is What.ATTEMPT:
            found.append("attempt")
    return found


def test_bars_are_written_in_each_attempt_and_windows_once_at_the_end() -> None:
    """Observable 49: known bridges from leaf to root after all attempts; a BAR whenever it gets a place."""
    table = player(
        "v9",
        port("rp"),
        port("hp", on="rp"),
        card("card", on="hp"),
        late(card("new", 16 * M, on="hp", slot="01.0")),
        size=4 * M,
        events="boot, plug new, hotadd hp",
    )
    *first, hotadd = table.scenario.events
    for event in first:
        table.step(event)

    found = written(table, hotadd)

    assert found == [*["attempt"] * 3, "card BAR 0", "attempt", "hp windows", "rp windows"]


def test_an_accepted_attempt_writes_each_bar_once() -> None:
    """Observable 49: one write a BAR, one a bridge; nothing is written before the last driver is quiet."""
    table = player("v9", port("hp"), card("a", on="hp"), card("b", 2 * M, on="hp", slot="01.0"), events="boot, rescan")
    boot, rescan = table.scenario.events
    table.step(boot)

    assert written(table, rescan) == ["b BAR 0", "a BAR 0", "attempt", "hp windows"]
