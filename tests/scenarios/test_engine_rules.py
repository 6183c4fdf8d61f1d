"""Random machines keep the engine rules E01-E13 under every rule set, but for breaks that have a page in docs/findings."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from movsdk.bench import gallery
from movsdk.bench.cures import CURES
from movsdk.bench.player import Player
from movsdk.bench.scenario import EventSpec, Scenario
from movsdk.rescan.rules import RULES, by_name
from tests.scenarios.laws import Trial, bars
from tests.scenarios.stage import M, place, play_text
from tests.strategies import machines

FINDINGS = Path(__file__).resolve().parent.parent.parent / "docs" / "findings"
SERIES = ("v9", "v5", "v2")

# Every break that random machines have shown, by the page that explains it. Who breaks more has found something new.
ALLOWED = {
    "v9": {
        "E01 newcomer-over-live-device.md",
        "E02 window-that-is-not-there.md",
        "E03 lost-fixed-bars.md",
        "E03 lost-movable-bars.md",
        "E05 failed-rescan-not-undone.md",
        "E06 two-decoders-meanwhile.md",
        "E12 small-newcomer-sacrificed.md",
        "E13 not-idempotent.md",
    },
    "off": {
        "E01 newcomer-over-live-device.md",
        "E02 window-that-is-not-there.md",
        "E02 unpatched-window-never-opened.md",
        "E03 unpatched-sibling-cut-off.md",
        "E05 unpatched-sibling-cut-off.md",
        "E06 two-decoders-meanwhile.md",
        "E10 unpatched-sibling-cut-off.md",
        "E13 not-idempotent.md",
    },
}
ALLOWED["v5"] = ALLOWED["v2"] = ALLOWED["v9"] | {"E02 v5-window-stuck.md"}

random_machines = settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@pytest.mark.parametrize("rules", RULES)
@random_machines
@given(scenario=machines())
@example(scenario=gallery.load("f4-window-too-small").scenario)
@example(scenario=gallery.load("f8-unaware-cut-off").scenario)
@example(scenario=gallery.load("deep-qla2xxx").scenario)
def test_random_machines_keep_the_rules(rules: str, scenario: Scenario) -> None:
    """E01-E06, E08-E10, E12 and E13: what breaks has a page. v2 hides a newcomer that it gave up, which E12 forbids."""
    trial = Trial(scenario, by_name(rules)).run()

    assert {f"{rule} {page}" for rule, page in trial.breaks} - ALLOWED[rules] == set()


@pytest.mark.parametrize("page", sorted({line.split()[1] for lines in ALLOWED.values() for line in lines}))
def test_a_break_that_is_allowed_has_a_page(page: str) -> None:
    """No break is waved through that nobody has looked at."""
    assert (FINDINGS / page).is_file()


@random_machines
@given(scenario=machines(), rules=st.sampled_from(sorted(RULES)))
def test_the_same_machine_ends_the_same(scenario: Scenario, rules: str) -> None:
    """E11: played twice, every outcome is equal, and so is the log."""
    first, second = (list(Player(scenario, by_name(rules), "hardware").play()) for _ in range(2))

    assert [outcome.as_json() for outcome in first] == [outcome.as_json() for outcome in second]
    assert [[str(event) for event in one.report.timeline] for one in first] == [
        [str(event) for event in one.report.timeline] for one in second
    ]


@random_machines
@given(scenario=machines())
def test_with_a_rollback_a_rescan_that_failed_has_changed_nothing(scenario: Scenario) -> None:
    """E05 is a law of the better policy: under it every old BAR is where it was. The posted versions have no way back."""
    player = Player(scenario, CURES["v9 rollback"].rules, "hardware")
    before: dict[tuple[str, int], tuple[int, int, bool]] = {}
    for outcome in player.play():
        attempts = outcome.report.attempts
        if outcome.op != "boot" and attempts and not attempts[-1].is_accepted:
            now = bars(outcome.state)
            assert {key: now[key] for key, was in before.items() if was[2]} == {key: was for key, was in before.items() if was[2]}
        before = bars(outcome.state)


SWAP = """
format: 1
windows: [{type: mem, start: 0x80000000, last: 0x800fffff}]
reserve: {io: 0, mem: 0, pref: 0}
devices:
  - {id: port, slot: "01.0", kind: bridge, firmware: {bus: [0, 1, 1], mem: [0x80000000, 0x800fffff]}}
  - {id: one, on: port, slot: "00.0", driver: edu, load: true, bars: [{n: 0, type: mem32, size: 512K, firmware: 0x80080000}]}
  - {id: two, on: port, slot: "01.0", driver: edu, load: true, bars: [{n: 0, type: mem32, size: 512K, firmware: 0x80000000}]}
events: [{op: boot}, {op: rescan}]
"""


@pytest.mark.parametrize("rules", SERIES)
def test_two_bars_can_swap(rules: str) -> None:
    """E06: each goes where the other was, in a window with no byte to spare; both drivers work on their own card afterwards."""
    story = play_text(SWAP, rules)

    old, new = ([place(outcome, label) for label in ("one", "two")] for outcome in story.outcomes)
    assert new == old[::-1] == [(0x8000_0000, M // 2), (0x8008_0000, M // 2)]
    assert [(outcome.findings, outcome.breaches.broken) for outcome in story.outcomes] == [((), ()), ((), ())]


@pytest.mark.parametrize("rules", SERIES)
def test_a_device_is_known_by_itself_and_not_by_its_address(rules: str) -> None:
    """E07: what moved is told by device and BAR number; who stands at an old address later is somebody else."""
    story = play_text(SWAP, rules)
    again = story.player.step(EventSpec("rescan"))

    assert [(move.device, move.bar) for move in story.last.report.moves] == [("one", 0), ("two", 0)]
    assert again is not None
    assert again.report.moves == ()
