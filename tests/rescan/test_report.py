"""What a rescan did, as values."""

from __future__ import annotations

import pytest

from movsdk.address import Span
from movsdk.layout.placing import Try
from movsdk.layout.table import IO, MEM, MEM_64, PREF, Resource, Row, Segment
from movsdk.rescan.report import (
    Attempt,
    FailedPlace,
    RescanReport,
    assigned_spans,
    failed_places,
    fixed_bars,
    joined,
    unplaced_bars,
)
from movsdk.rescan.rules import by_name
from movsdk.trace import BarMove
from tests.layout.tables import new_placing
from tests.rescan.stories import B, M, card, played, port

MOVED = BarMove("a", 0, Span.sized(B, M), Span.sized(B + M, M))
LOST = BarMove("b", 2, Span.sized(B, M), None)


@pytest.mark.parametrize(
    ("failed", "text"),
    [
        pytest.param(FailedPlace("a", 0, M, MEM), "a BAR 0 [mem size 0x00100000]: no space", id="memory"),
        pytest.param(FailedPlace("a", 4, 0x100, IO), "a BAR 4 [io  size 0x0100]: no space", id="I/O"),
        pytest.param(FailedPlace("a", 6, 0x800, MEM | PREF), "a ROM [mem size 0x00000800 pref]: no space", id="ROM"),
        pytest.param(
            FailedPlace("p", 9, 1 << 33, MEM | PREF | MEM_64),
            "p bridge window [mem size 0x200000000 64bit pref]: no space",
            id="window",
        ),
    ],
)
def test_a_failed_place_reads_like_the_kernels_log(failed: FailedPlace, text: str) -> None:
    """Today's names of slots, today's spelling of resources."""
    assert str(failed) == text


@pytest.mark.parametrize(
    ("tries_failed", "expands", "accepted", "text"),
    [
        pytest.param(True, True, True, "attempt 1 (everything, with hot-plug reserve): accepted", id="first"),
        pytest.param(True, False, False, "attempt 1 (everything, no reserve): not accepted", id="second"),
        pytest.param(False, False, True, "attempt 1 (what worked before, and newcomers, no reserve): accepted", id="later"),
    ],
)
def test_an_attempt_says_what_it_asked_for(tries_failed: bool, expands: bool, accepted: bool, text: str) -> None:
    """One line, as the timeline shows it."""
    assert str(Attempt(1, tries_failed, expands, accepted, ())) == text


def test_what_was_lost_is_a_move_to_nowhere() -> None:
    """`lost` picks out the BARs that have no place any more."""
    assert RescanReport("rescan", "v9", 0, moves=(MOVED, LOST)).lost == (LOST,)


def test_where_bars_are() -> None:
    """By device and slot; windows and BARs without a place are left out."""
    table, _ = played("v9", port(), card("a"), card("big", 128 * M, on="root", slot="02.0"))

    spans = {(device.label, bar): span for (_, bar), (device, span) in assigned_spans(table.world.system).items()}

    assert spans == {("a", 0): Span.sized(B, M)}


def test_bars_that_must_stay_have_a_place() -> None:
    """A fixed BAR that lost its place has nothing to stay at."""
    table, _ = played(
        "v9", port(), card("f", driver="fixed"), card("g", driver="fixed", slot="01.0"), card("m", slot="02.0", driver="none")
    )
    moves = by_name("v9").moves
    assert moves is not None
    g = table.world.find("g")
    assert g is not None
    g.resources[0].detach()

    assert list(fixed_bars(table.world.system, moves)) == [("f", 0, Span.sized(B, M))]


def test_failed_places_are_listed_in_order() -> None:
    """Only what found no place, with the size that was asked for."""
    placing = new_placing()
    row = Row("a", Segment())
    for index, has_place in enumerate((True, False, False)):
        placing.tries.append(Try(Resource(index, row), MEM, 0, M << index, has_place))

    assert failed_places(placing) == (FailedPlace("a", 1, 2 * M, MEM), FailedPlace("a", 2, 4 * M, MEM))


def test_each_attempt_lists_its_own_failures() -> None:
    """Windows by name, newcomers and old hands; the one that is accepted lists none."""
    devices = [port(), card("a"), card("big", 128 * M, slot="01.0") | {"present": False}]
    _, outcomes = played("v9", *devices, events="boot, plug big, hotadd hp")

    failed = [[f"{one.device}:{one.index}" for one in attempt.failed] for attempt in outcomes[-1].report.attempts]

    assert failed == [["hp:8", "big:0", "a:0"]] * 3 + [[]]


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        pytest.param("v9", [("big", 0, 128 * M)], id="v9 keeps its size"),
        pytest.param("off", [("big", 0, 128 * M)], id="off forgets it, the attempt does not"),
    ],
)
def test_what_has_no_place(rules: str, expected: list[tuple[str, int, int]]) -> None:
    """BARs that are listed without a place, and those that an unpatched kernel wiped in this event."""
    _, (boot,) = played(rules, card("a", on="root", slot="01.0"), card("big", 128 * M, on="root", slot="02.0"))

    assert [(one.device, one.index, one.size) for one in boot.report.unplaced] == expected


def test_the_shadow_of_a_rom_is_not_missing_anywhere() -> None:
    """It has no place and needs none."""
    bars = [{"n": 0, "type": "mem32", "size": M, "firmware": B}, {"n": 6, "type": "rom", "size": 0x10000}]
    table, (boot,) = played("v9", card("vga", on="root", bars=bars) | {"class": 0x030000})

    assert [entry["n"] for entry in boot.state[0]["resources"]] == [0, 6]
    assert list(unplaced_bars(table.world.system, [])) == []


def test_two_events_make_one_report() -> None:
    """A removal and a hot-add of one slot: what happened is added up, what is at the end is the last one's."""
    one = RescanReport("remove", "v9", 0, moves=(LOST,), paused=("x",), unplaced=(FailedPlace("x", 0, M, MEM),))
    two = RescanReport("hotadd", "v9", -19, moves=(MOVED,), given_up=("new",))

    both = joined("button", "v9", [one, two])

    assert (both.op, both.rc, both.moves, both.paused) == ("button", -19, (LOST, MOVED), ("x",))
    assert (both.given_up, both.unplaced) == (("new",), ())
    assert joined("button", "v9", [one]).moves == (LOST,)
    assert joined("button", "v9", []) == RescanReport("button", "v9", 0)
