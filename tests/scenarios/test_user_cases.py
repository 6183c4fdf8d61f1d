"""Users' cases: what each saw comes out under `off`, with the numbers of the report; and what becomes of it with the series."""

from __future__ import annotations

import re

import pytest
from attrs import evolve

from movsdk.bench import gallery
from movsdk.bench.player import Outcome
from movsdk.bench.scenario import BridgeSpec, EndpointSpec, EventSpec, Scenario
from movsdk.bench.user_cases import CASES, RULES, verdict
from movsdk.trace import What
from tests.scenarios.stage import IO_WINDOW, MEM_WINDOW, PREF_WINDOW, K, M, bars, driver, entry, place, play, play_named

G = 1 << 30

# case, then off, v2, v5, v9
TABLE = {
    "user-01-rtx2070-sonnet": ("7 BARs of 4 functions nowhere", "gpu BAR 0, 1 nowhere", "gpu BAR 0, 1 nowhere", "works"),
    "user-02-mbp-2016": ("0a:00.0 BAR 1 nowhere", "0a:00.0 BAR 0, 1 nowhere", "0a:00.0 BAR 0, 1 nowhere", "works"),
    "user-06-t2-rtx3060": ("gpu BAR 1 nowhere", "gpu BAR 0, 1 nowhere", "gpu BAR 0, 1 nowhere", "works"),
    "user-06-t2-recipe": ("works", "gpu-shrunk BAR 0, 3 nowhere", "gpu-shrunk BAR 0, 3 nowhere", "works"),
    "user-07-kata-xl710": ("xl710 BAR 0 nowhere", "works", "works", "works"),
    "user-08-kata-p4": ("p4 BAR 0, 1, 3 nowhere", "works", "works", "works"),
    "user-09-sound-card-bar2": ("works", "works", "works", "works"),
    "user-11-xps-9370": ("new BAR 2 nowhere", "works", "works", "works"),
    "user-14-rvvm-1g": ("gpu BAR 1 nowhere", "gpu BAR 1 nowhere", "gpu BAR 1 nowhere", "gpu BAR 0, 1 nowhere"),
    "nested-docks": ("works", "dock2-usb not found", "dock2-usb not found", "dock2-usb not found"),
}


@pytest.mark.parametrize("name", CASES)
def test_what_becomes_of_each_case(name: str) -> None:
    """Under every kernel; the page prints the same table."""
    scenario = gallery.load(name).scenario

    assert tuple(verdict(scenario, rules) for rules in RULES) == TABLE[name]


@pytest.mark.parametrize("name", [name for name in CASES if name.startswith("user-")])
def test_each_says_what_was_seen_and_what_is_assumed(name: str) -> None:
    """A number of the report and one of ours must not be mistaken for each other."""
    about = gallery.load(name).scenario.about

    assert ("Seen:" in about, "Assumed" in about, "--rules off:" in about, "v9" in about) == (True, True, True, True)


def test_a_card_that_is_cut_off_is_told() -> None:
    """An address alone is not a BAR that works: the verdict in the middle of the recipe."""
    scenario = gallery.load("user-06-t2-recipe").scenario

    assert verdict(evolve(scenario, events=scenario.events[:7]), "off") == "gpu-shrunk cut off"


def log(outcome: Outcome) -> list[str]:
    """The kernel's messages, without the device's domain."""
    return [re.sub(r"^\S+ 0000:", "", event.text) for event in outcome.report.timeline if event.what is What.LOG]


def window(outcome: Outcome, label: str, number: int) -> tuple[int, int] | None:
    """First and last address of a window."""
    found = place(outcome, label, number)
    return None if found is None else (found[0], sum(found) - 1)


# --- with the numbers of the reports -----------------------------------------------------------------------
def test_case_1_wants_what_the_report_says() -> None:
    """io, mem and pref of 02:01.0 as found; 0x01800000 and 0x18000000 wanted, in a first try and in a second."""
    story = play_named("user-01-rtx2070-sonnet", "off")
    wanted = [
        f"02:01.0: bridge window [mem size {size}]: can't assign; no space" for size in ("0x18000000 64bit pref", "0x01800000")
    ]

    assert entry(story.boot, "02:01.0")["buses"] == [0x04, 0x24]
    assert [window(story.boot, "02:01.0", number) for number in (IO_WINDOW, MEM_WINDOW, PREF_WINDOW)] == [
        (0x2000, 0x3FFF),
        (0xD100_0000, 0xD17F_FFFF),
        (0xC100_0000, 0xD0FF_FFFF),
    ]
    assert [line for line in log(story.last) if line in wanted] == wanted
    assert log(story.last).count("06:00.0: BAR 1 [mem size 0x10000000 64bit pref]: can't assign; no space") == 2


def test_case_1_has_the_wanted_windows_under_v9() -> None:
    """Just as large as the unpatched kernel wanted them; the host's own controllers move for it."""
    last = play_named("user-01-rtx2070-sonnet", "v9").last

    assert [size for _, size in filter(None, (place(last, "02:01.0", n) for n in (PREF_WINDOW, MEM_WINDOW)))] == [384 * M, 24 * M]
    assert {move.device for move in last.report.moves} == {"nhi", "usb"}


@pytest.mark.parametrize("name", ["user-01-rtx2070-sonnet", "user-02-mbp-2016", "user-06-t2-rtx3060"])
@pytest.mark.parametrize("rules", ["v2", "v5"])
def test_v2_and_v5_take_every_display_controller_for_fixed(name: str, rules: str) -> None:
    """The cause: as a 3D controller (class 0302) the same card has a place for every BAR."""
    scenario = gallery.load(name).scenario
    devices = [evolve(spec, class_code=0x030200) if spec.class_code == 0x030000 else spec for spec in scenario.devices]

    assert "BAR 0, 1 nowhere" in verdict(scenario, rules)
    assert verdict(evolve(scenario, devices=tuple(devices)), rules) == "works"


def test_case_2_has_a_driver_and_no_bar_1() -> None:
    """2 MiB of prefetchable window at 05:01.0, then none; the driver is bound all the same and sees a BAR of 0M."""
    story = play_named("user-02-mbp-2016", "off")

    assert window(story.boot, "05:01.0", PREF_WINDOW) == (0xC020_0000, 0xC03F_FFFF)
    assert place(story.last, "05:01.0", PREF_WINDOW) is None
    assert [entry(story.last, label)["bdf"] for label in ("08:00.0", "09:04.0", "0a:00.0")] == ["08:00.0", "09:04.0", "0a:00.0"]
    assert driver(story.last, "0a:00.0") == "movable"
    assert [number for (label, number), found in bars(story.last).items() if label == "0a:00.0" and found] == [0, 3, 5, 6]


def test_case_6_only_that_order_helps() -> None:
    """The bridge's prefetchable window is disabled; shrinking alone gives addresses that nobody passes on; removing it helps."""
    first = play_named("user-06-t2-rtx3060", "off")
    recipe = play_named("user-06-t2-recipe", "off")
    shrunk = next(outcome for outcome in recipe.outcomes if outcome.op == "rescan")

    assert place(first.boot, "port", PREF_WINDOW) is not None
    assert place(first.last, "port", PREF_WINDOW) is None
    assert place(shrunk, "gpu-shrunk", 1) is not None
    assert entry(shrunk, "port")["registers"]["pref"] is None
    assert "E02 port: pref window is closed in its registers, the kernel believes [0x92000000-0x97ffffff]" in map(
        str, shrunk.findings
    )
    assert recipe.last.findings == ()
    assert place(recipe.last, "gpu-shrunk", 1) == (0x9400_0000, 64 * M)


def test_case_7_is_half_a_card() -> None:
    """BAR 3 at 0xfe600000, BAR 0 nowhere. A slot event instead of a rescan by hand opens the window anew."""
    story = play_named("user-07-kata-xl710", "off")
    scenario = story.player.scenario
    by_slot = evolve(scenario, events=(*scenario.events[:-1], EventSpec("hotadd", "00:05.0")))

    assert [window(story.last, "00:05.0", number) for number in (IO_WINDOW, MEM_WINDOW)] == [
        (0x1000, 0x1FFF),
        (0xFD80_0000, 0xFD9F_FFFF),
    ]
    assert (place(story.last, "xl710", 0), place(story.last, "xl710", 3)) == (None, (0xFE60_0000, 32 * K))
    assert verdict(by_slot, "off") == "works"


def test_case_8_has_nothing() -> None:
    """BAR 1, BAR 3 and BAR 0, in the order of the report; under v9 the card is complete and nothing else moves."""
    last = play_named("user-08-kata-p4", "off").last

    assert entry(last, "p4")["bdf"] == "01:02.0"
    assert [line for line in log(last) if line.endswith("no space")] == [
        "01:02.0: BAR 1 [mem size 0x10000000 64bit pref]: can't assign; no space",
        "01:02.0: BAR 3 [mem size 0x02000000 64bit pref]: can't assign; no space",
        "01:02.0: BAR 0 [mem size 0x01000000]: can't assign; no space",
    ]
    assert play_named("user-08-kata-p4", "v9").last.report.moves == ()


def test_case_9_firmwares_windows_have_no_byte_too_many() -> None:
    """Sums as found, one free MiB; unpatched they stay, v9 lays the same sizes out anew and moves every BAR for nothing."""
    off, v9 = play_named("user-09-sound-card-bar2", "off"), play_named("user-09-sound-card-bar2", "v9")
    ports = [spec.id for spec in off.player.scenario.devices if isinstance(spec, BridgeSpec) and spec.on == "05:00.0"]
    sizes, sizes_then = ([place(story.last, port, MEM_WINDOW) or (0, 0) for port in ports] for story in (off, v9))

    assert window(off.last, "05:00.0", MEM_WINDOW) == (0xD480_0000, 0xDBFF_FFFF)
    assert sum(size for _, size in sizes) == 119 * M
    assert off.last.report.moves == ()
    assert place(off.last, "11:00.0", 2) == (0xD800_0000, 64 * M)
    assert [size for _, size in sizes_then] == [size for _, size in sizes]
    assert v9.last.report.lost == ()
    assert len(v9.last.report.moves) == len([found for found in bars(v9.last).values() if found])


def test_case_11_has_no_2_mib_beside_672() -> None:
    """The message at boot, and a neighbour with nothing in it; a slot event costs the controller its BARs (finding E03)."""
    story = play_named("user-11-xps-9370", "off")
    scenario = story.player.scenario
    by_slot = play(evolve(scenario, events=(*scenario.events[:-1], EventSpec("hotadd", "04:02.0"))), "off")

    assert window(story.boot, "04:04.0", MEM_WINDOW) == (0xC400_0000, 0xD9FF_FFFF)
    assert window(story.boot, "04:04.0", PREF_WINDOW) == (0x8000_0000, 0xA9FF_FFFF)
    assert "04:02.0: bridge window [mem size 0x00200000 64bit pref]: can't assign; no space" in log(story.boot)
    assert story.last.findings == ()
    assert {(finding.rule, finding.device) for finding in by_slot.last.findings} == {("E03", "nhi")}
    assert place(play_named("user-11-xps-9370", "v9").last, "04:04.0", PREF_WINDOW) == (0x8020_0000, 672 * M)


# --- case 14: a proof --------------------------------------------------------------------------------------
def needed(scenario: Scenario, *cards: str) -> int:
    """Bytes of memory that the BARs of these cards take, wherever they are."""
    specs = [spec for spec in scenario.devices if isinstance(spec, EndpointSpec) and spec.id in cards]
    return sum(bar.size for spec in specs for bar in spec.bars)


def test_case_14_no_placement_exists() -> None:
    """The sum of the newcomer's BARs alone is more than there is: no order, no moving, no rules can help."""
    scenario = gallery.load("user-14-rvvm-1g").scenario
    space = sum(window.span.size for window in scenario.windows)

    assert (needed(scenario, "gpu"), space) == (0x4100_0000, 0x4000_0000)


def test_case_14_not_even_the_large_bar_alone() -> None:
    """A BAR is aligned to its size: 1 GiB can lie at 0x40000000 only, and takes the byte that any other BAR would need."""
    scenario = gallery.load("user-14-rvvm-1g").scenario
    (window,) = scenario.windows
    starts = [start for start in range(0, 1 << 32, G) if window.span.start <= start and start + G - 1 <= window.span.last]

    assert starts == [window.span.start]
    assert needed(scenario, "net") > window.span.size - G == 0
