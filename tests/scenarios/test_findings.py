"""The pages of docs/findings tell the truth: their numbers are counted, their machines break, and the changed rule mends them."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from movsdk.bench.cures import CURES
from movsdk.bench.meanwhile import Meanwhile
from movsdk.bench.player import Player
from movsdk.bench.scenario import EventSpec
from movsdk.bench.scenario_schema import parse
from movsdk.bench.yaml_text import read_yaml
from movsdk.cli.main import main
from movsdk.rescan.rules import V9, by_name
from movsdk.rescan.rules.record import Rules
from tests.golden.promises import count, steps
from tests.scenarios.stage import Story, bars, driver, entry, place, play

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDER = ROOT / "docs" / "findings"
PAGES = sorted(path.name for path in FOLDER.glob("*.md") if path.name != "index.md")
M = 1 << 20


@cache
def counted(rules: str) -> Counter[str]:
    """The numbers of one kernel's recordings."""
    return count(steps(rules))


def machine(page: str, number: int = 0, rules: Rules | None = None) -> Story:
    """A scenario of a page, played; with the rules its page uses unless told otherwise."""
    text = re.findall(r"```yaml\n(.*?)```", (FOLDER / page).read_text(), re.DOTALL)[number]
    value, _ = read_yaml(text, page)
    assert isinstance(value, dict)
    return play(parse(value.get("scenario", value), page), rules or value.get("rules", "v9"), "hardware")


# --- numbers -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("page", PAGES)
def test_a_page_says_how_often_as_counted_from_the_recordings(page: str) -> None:
    """Every row with a name from the counter has the three kernels' numbers."""
    rows = re.findall(r"^\| `([\w -]+)`: .* \| (\d+) \| (\d+) \| (\d+) \|$", (FOLDER / page).read_text(), re.MULTILINE)

    assert rows
    for name, *numbers in rows:
        assert [int(number) for number in numbers] == [counted(rules)[name] for rules in ("v9", "v5", "off")], name


@pytest.mark.parametrize("page", PAGES)
def test_a_page_says_what_a_changed_rule_did_as_measured(page: str) -> None:
    """Every "N → M" stands in benchmarks/rule_changes.txt under the same change, and N is what was counted."""
    blocks = (ROOT / "benchmarks" / "rule_changes.txt").read_text().split("\n\n")
    measured = {block.partition(":")[0]: dict(re.findall(r"^  (\S.*?) +(\d+ -> \d+)$", block, re.MULTILINE)) for block in blocks}
    text = (FOLDER / page).read_text()
    head = re.search(r"^\| \| (`(?:v9|v5|off) .*`) \|$", text, re.MULTILINE)

    assert head is not None
    changes = [name.strip("` ") for name in head[1].split("|")]
    rows = re.findall(r"^\| `([\w ]+)` \|(.* → .*)\|$", text, re.MULTILINE)
    assert rows
    for key, cells in rows:
        for change, cell in zip(changes, cells.split("|"), strict=True):
            if cell.strip():
                assert cell.strip().replace("→", "->") == measured[change][key], f"{change}: {key}"
                if key in counted(change.split()[0]):
                    assert int(cell.split()[0]) == counted(change.split()[0])[key]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_can_be_sent_as_it_is(page: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A machine that `movsdk run` plays, lspci -tv and iomem of two moments, cause, numbers, the scripts that print them."""
    text = (FOLDER / page).read_text()
    sections = [section.partition("\n")[0] for section in text.split("\n## ")[1:]]
    shown = "".join(re.findall(r"```console\n\$ python -m movsdk.bench.evidence (.*?)```", text, re.DOTALL))
    (tmp_path / "machine.yaml").write_text(re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)[0])

    assert (sections[0], sections[-3:]) == ("The smallest machine", ["The cause", "How often", "With one rule changed"])
    assert min(map(shown.count, ("\nafter ", "-[0000:00]-", " : PCI Bus 0000:00\n"))) >= 2
    assert {"python benchmarks/count_findings.py", "python benchmarks/rule_changes.py"} <= set(
        re.findall(r"`(python .*?)`", text)
    )
    assert main(["run", str(tmp_path / "machine.yaml")]) == 0
    assert capsys.readouterr().out.startswith("== ")


def test_the_index_names_every_page_with_its_numbers() -> None:
    """A finding that is not in the index is not found; each "N → M" there stands on its page."""
    rows = re.findall(r"^\| (E\d\d.*?) \| \[.*?\]\((.*?)\) \|.*\| (\d+ → \d+): ", (FOLDER / "index.md").read_text(), re.MULTILINE)

    assert sorted(page for _, page, _ in rows) == PAGES
    assert [page for _, page, change in rows if change not in (FOLDER / page).read_text()] == []


# --- machines -----------------------------------------------------------------------------------------------------------
# page, scenario of it, what the referee finds at the end, changes that mend it
BREAKS = [
    ("newcomer-over-live-device.md", ["E03 g", "E01 new"], ["v9 notices fixed BARs", "v9 fixed BARs first"]),
    ("lost-fixed-bars.md", ["E03 card"], []),
    ("lost-movable-bars.md", ["E03 a", "E03 b"], ["v9 keeps alignment", "v9 rollback"]),
    ("small-newcomer-sacrificed.md", ["E12 small", "E12 big"], ["v9 biggest first"]),
    ("v5-wrong-index.md", ["E03 g"], ["v5 right index"]),
    ("v5-window-stuck.md", ["E03 card", "E02 port"], ["v5 one alignment"]),
    ("unpatched-sibling-cut-off.md", ["E03 card"], []),
    ("window-that-is-not-there.md", ["E02 card"], ["v9 no power-on windows", "v5 no power-on windows"]),
    ("unpatched-window-never-opened.md", ["E02 new", "E02 port"], []),
    ("failed-rescan-not-undone.md", ["E03 x"], []),
]


@pytest.mark.parametrize(("page", "found", "cures"), BREAKS, ids=lambda value: value if isinstance(value, str) else "")
def test_the_smallest_machine_breaks_and_the_changed_rule_mends_it(page: str, found: list[str], cures: list[str]) -> None:
    """Nobody who worked loses anything with the change, and nobody shares an address."""
    assert [f"{finding.rule} {finding.device}" for finding in machine(page).last.findings] == found
    for name in cures:
        mended = machine(page, rules=CURES[name].rules)
        old = {key for key in bars(mended.boot) if place(mended.boot, *key) is not None}
        assert all(place(mended.last, *key) is not None for key in old), name
        assert [finding for finding in mended.last.findings if finding.rule != "E12"] == [], name


def test_a_change_that_notices_needs_somebody_to_give_up() -> None:
    """The lost fixed BAR is noticed then, but no attempt does better, and nobody is new."""
    story = machine("lost-fixed-bars.md", rules=CURES["v9 notices fixed BARs"].rules)

    assert [attempt.is_accepted for attempt in story.last.report.attempts] == [False] * 3
    assert [finding.rule for finding in story.last.findings] == ["E03"]


def test_the_small_newcomer_gets_its_bar_if_the_biggest_goes_first() -> None:
    """And the other one is the only one given up."""
    story = machine("small-newcomer-sacrificed.md", rules=CURES["v9 biggest first"].rules)

    assert (place(story.last, "small"), story.last.report.given_up) == ((0x8010_0000, M), ("big",))
    assert driver(story.last, "small") == "movable"


@pytest.mark.parametrize(("number", "moved"), [(0, ["card:0"]), (1, ["card:0", "new:1"])])
def test_a_rescan_without_a_change_moves_bars(number: int, moved: list[str]) -> None:
    """The last event of both machines; one more rescan would find nothing to do."""
    story = machine("not-idempotent.md", number)
    again = story.player.world.engine.rescan()

    assert sorted(f"{move.device}:{move.bar}" for move in story.last.report.moves) == moved
    assert again.moves == ()


def test_without_power_on_windows_the_dock_moves_nobody() -> None:
    """The hot-add of the empty dock leaves the card where it is, and so does the rescan."""
    story = machine("not-idempotent.md", 0, CURES["v9 no power-on windows"].rules)

    assert {place(outcome, "card") for outcome in story.outcomes} == {(0x8000_0000, 4096)}


def test_with_the_series_the_card_next_door_keeps_its_bar() -> None:
    """The newcomer that cannot fit is left without, and that is all."""
    story = machine("unpatched-sibling-cut-off.md", rules=V9)

    assert (place(story.last, "card"), place(story.last, "new")) == ((0x8000_0000, M), None)
    assert story.last.findings == ()


@pytest.mark.parametrize("rules", ["v9", "v5", "v2", "off"])
def test_a_window_that_is_not_there_is_used_under_all_rules(rules: str) -> None:
    """The BAR is put there, and another rescan leaves it there."""
    story = machine("window-that-is-not-there.md", rules=by_name(rules))
    again = story.player.step(EventSpec("rescan"))

    assert again is not None
    assert [[finding.rule for finding in outcome.findings] for outcome in (story.last, again)] == [["E02"], ["E02"]]


def test_a_stuck_window_stands_in_the_registers_where_ram_is() -> None:
    """What sizing left in it is written to the bridge; another rescan changes nothing."""
    story = machine("v5-window-stuck.md")
    again = story.player.step(EventSpec("rescan"))

    assert again is not None
    for outcome in (story.last, again):
        assert entry(outcome, "port")["registers"]["pref"] == [0x10_0000, 0x1F_FFFF]
        assert place(outcome, "card") is None


def test_a_failed_rescan_gives_away_the_place_of_the_bar_that_it_lost() -> None:
    """y had no reason to move and is where x was; with the rollback nobody is anywhere else."""
    story, mended = (machine("failed-rescan-not-undone.md", rules=rules) for rules in (V9, CURES["v9 rollback"].rules))

    assert (place(story.boot, "x"), place(story.last, "x")) == ((0x8040_0000, 2 * M), None)
    assert (place(story.boot, "y"), place(story.last, "y")) == ((0x8080_0000, M), (0x8040_0000, M))
    assert bars(mended.last) == bars(mended.boot)


@pytest.mark.parametrize(("rules", "sharing"), [("v9", ["one BAR 0 and two BAR 0"]), ("v5", []), ("v2", []), ("off", [])])
def test_two_cards_share_an_address_while_they_swap(rules: str, sharing: list[str]) -> None:
    """With the windows open, as since v6; before and after nobody shares, and both drivers are paused."""
    story = machine("two-decoders-meanwhile.md", rules=by_name(rules))
    player = Player(story.player.scenario, by_name(rules), "hardware")
    watch = Meanwhile(player.world)

    passing = [watch.take() for event in player.scenario.events if player.step(event)]

    assert [[str(pair).partition(" answered")[0] for pair in pairs] for pairs in passing] == [[], sharing]
    assert not any(pair.unaware for pairs in passing for pair in pairs)


def test_with_the_series_every_window_is_opened() -> None:
    """The machine of the unpatched kernel's closed window, under v9."""
    assert machine("unpatched-window-never-opened.md", rules=V9).last.findings == ()


@pytest.mark.parametrize("name", CURES)
def test_a_cure_changes_one_rule_set_and_says_what(name: str) -> None:
    """The name tells the rules it starts from; a clause tells the change; at most the mark goes with it."""
    cure = CURES[name]

    assert cure.rules.name == name
    assert name.startswith(("v9 ", "v5 "))
    assert cure.function in ("accept", "place", "size", "release", "forget", "fallback", "mark, fallback")
    assert len(cure.change.split()) > 4
