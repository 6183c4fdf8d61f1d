"""Outcomes in words."""

from __future__ import annotations

import errno
from typing import Any

from movsdk.address import Span
from movsdk.errors import BadInput, PciError
from movsdk.layout.table import MEM, MEM_64, PREF
from movsdk.report import text
from movsdk.report.line import Line
from movsdk.rescan.report import Attempt, FailedPlace, RescanReport
from movsdk.trace import BarMove, Event, What
from tests.report.states import bar, function, window

OLD, NEW = Span(0x1000, 0x1FFF), Span(0x8000, 0x8FFF)
BIG = FailedPlace("card", 2, 64 << 20, MEM | PREF | MEM_64)


def entry(identity: str, bdf: str, *resources: dict[str, Any], **words: Any) -> dict[str, Any]:
    return function(identity, bdf, *resources, **({"driver": None, "added": True, "bars_disabled": False} | words))


PORT = entry("port", "00:01.0", window(8, "mem", "mem", 0x10_0000, 2 << 20), driver="port", buses=[1, 1])
CARD = entry("card", "01:00.0", bar(), driver="nvme")


def words(report: RescanReport, **options: Any) -> list[str]:
    return [line.text.strip() for line in text.event_lines(report, [PORT, CARD], **options)]


def test_nothing_is_said_where_nothing_happened() -> None:
    """One line, and one accepted attempt is not worth telling."""
    quiet = RescanReport("rescan", "v9", 0, attempts=(Attempt(1, True, True, True, ()),))
    assert words(quiet) == ["nothing changed"]


def test_who_sleeps_and_who_wakes_is_said() -> None:
    """An event that did what it should is not nothing; one that failed says why."""
    assert words(RescanReport("suspend", "v9", 0)) == ["asleep"]
    assert words(RescanReport("resume", "v9", 0)) == ["awake"]
    assert words(RescanReport("sleep", "v9", 0)) == ["the machine sleeps"]
    assert words(RescanReport("wake", "v9", 0)) == ["the machine is awake"]
    assert words(RescanReport("suspend", "v9", -16)) == ["rc -16 (EBUSY)"]


def test_what_could_not_be_done_says_why() -> None:
    """A trouble that the scenario asks for and that the device cannot have."""
    note = Event(0, What.NOTE, "card", "card: BAR 5 has no place", BadInput("card: BAR 5 has no place"))
    assert words(RescanReport("force", "v9", -22, timeline=(note,))) == ["rc -22 (EINVAL): card: BAR 5 has no place"]


def test_what_did_not_fall_asleep_says_why() -> None:
    """What the kernel noted about a device that stays awake; another event's errors are the drivers' own."""
    error = PciError(errno.EBUSY, "card: 1 need it awake")
    note = Event(0, What.NOTE, "card", "1 need it awake", error)
    assert words(RescanReport("suspend", "v9", -16, timeline=(note,))) == ["rc -16 (EBUSY): 1 need it awake"]
    assert words(RescanReport("hotadd", "v9", -19, timeline=(note,))) == ["rc -19 (ENODEV)"]


def test_who_goes_is_named_before_who_comes() -> None:
    """A link that bounced removes a card and finds it again, in this order."""
    bounced = RescanReport("link", "v9", 0, found=("card",), removed=("card",))
    assert words(bounced) == ["removed: card", "found: card"]


def test_an_event_is_told_in_order() -> None:
    """Gone, found, paused, bound, tried, then the results: moved, lost, no place and why, findings, I/O, and what was broken."""
    report = RescanReport(
        "hotadd",
        "v9",
        -19,
        moves=(BarMove("card", 0, OLD, NEW), BarMove("card", 1, OLD, None)),
        given_up=("late",),
        unplaced=(BIG,),
        attempts=(Attempt(1, True, True, False, (BIG,)), Attempt(2, True, False, True, ())),
        paused=("card", "disk"),
        found=("late",),
        removed=("early", "earlier"),
        boot_rescan=True,
        timeline=(Event(0, What.HOOK, "late", "probe by nvme: rc=-22: late: BAR 0 is not assigned", -22),),
    )

    told = words(
        report,
        hooks=[["prepare", "card"], ["done", "card"], ["probe", "card", "rc=0"], ["probe", "late", "rc=-22"]],
        findings=["E03 card: lost BAR 1", "E12 late: given up"],
        io=["I/O on card: fine"],
        faults=["no-bus-master: ..."],
        reported=["card: gone"],
        broken=["card: touched"],
    )

    assert told == [
        "rc -19 (ENODEV)",
        "a BAR had no place at boot: rescan with movable BARs before drivers bind",
        "removed: early, earlier",
        "found: late",
        "paused: card, disk",
        "bound: nvme to card",
        "attempt 1 (everything, with hot-plug reserve): not accepted; no place for card BAR 2 [mem size 0x04000000 64bit pref]",
        "attempt 2 (everything, no reserve): accepted",
        "probe failed: nvme: rc=-22: late: BAR 0 is not assigned",
        "moved: card BAR 0: [0x1000-0x1fff] -> [0x8000-0x8fff]",
        "lost: card BAR 1: [0x1000-0x1fff] -> unassigned",
        "no place: card BAR 2 [mem size 0x04000000 64bit pref] (64 MiB); the windows of port above it: mem 2 MiB",
        "given up: late (E12: with its BARs a device that worked would have lost its own)",
        "finding: E03 card: lost BAR 1",
        "I/O on card: fine",
        "fault: no-bus-master: ...",
        "reported: card: gone",
        "contract broken: card: touched",
    ]


def test_why_there_was_no_place_below_the_root() -> None:
    """There the windows are the host bridge's."""
    report = RescanReport("boot", "v9", 0, unplaced=(FailedPlace("port", 8, 1 << 20, MEM),))
    assert words(report) == ["no place: port bridge window [mem size 0x00100000] (1 MiB); the root windows have no such hole"]


def test_many_things_are_cut_and_counted() -> None:
    """A machine with a thousand devices does not scroll the reason away."""
    report = RescanReport(
        "rescan",
        "v9",
        0,
        moves=tuple(BarMove(f"d{n}", 0, OLD, NEW) for n in range(30)),
        paused=tuple(f"d{n}" for n in range(30)),
    )

    told = words(report)

    assert told[0].endswith("d11 and 18 more")
    assert (len(told), told[-1]) == (22, "and 10 more moves")


def test_the_topology_is_a_tree_with_drivers() -> None:
    """A younger sibling keeps the line going; what a device has given up is said."""
    state = [
        PORT,
        CARD,
        entry("late", "01:01.0", bars_disabled=True),
        entry("00:02.0", "00:02.0", added=False, bars_disabled=None),
    ]

    assert [line.text for line in text.topology(state)] == [
        "bus 00",
        "├─ 00:01.0 port     port  bus 01-01",
        "│  ├─ 01:00.0 card  nvme",
        "│  └─ 01:01.0 late  -                BARs given up",
        "└─ 00:02.0          -                not added",
    ]


def test_the_log_has_the_kernels_stamps() -> None:
    """Seconds since boot, six digits; only log lines."""
    events = (Event(1_610_000, What.LOG, "x", "pci 0000:00:04.0: BAR 0: assigned"), Event(2, What.NOTE, "x", "no"))
    report = RescanReport("boot", "v9", 0, timeline=events)

    assert text.log_lines(report) == [Line("[    0.001610] pci 0000:00:04.0: BAR 0: assigned", "dim", 15)]


def test_one_scenario_of_many_is_one_line() -> None:
    """What there was, how often, and the first of each."""
    line = text.summary_line("h01", "v9", {"broken contract": [], "difference": ["here"], "finding": ["E01 a: x", "E01 b: y"]})
    assert line.text == "h01 [v9]: 1 difference: here; 2 findings: E01 a: x; ..."


def test_findings_are_counted_by_promise() -> None:
    """Each rule in words; one that we do not know by its number."""
    assert text.promises(["E03 a: x", "E01 b: y", "E03 c: z"]) == "E01 two live decoders: 1, E03 a working BAR lost: 2"
    assert text.promises(["E99 a: x"]) == "E99: 1"
