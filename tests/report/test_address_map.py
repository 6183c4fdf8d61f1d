"""The address map as rows."""

from __future__ import annotations

from typing import Any

import pytest

from movsdk.report.address_map import MapRow, depths, rows, show
from tests.report.states import CARD, bar, function, window


def change(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> list[str]:
    return [row.change for row in rows(before, after)]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param([CARD], [CARD], [""], id="the same place"),
        pytest.param([CARD], [function("card", "00:01.0", bar(at=0x4000))], ["moved"], id="moved"),
        pytest.param([CARD], [function("card", "00:01.0", bar(size=0x2000))], ["resized"], id="resized"),
        pytest.param([], [CARD], ["new"], id="a newcomer"),
        pytest.param([CARD], [], ["removed"], id="gone"),
        pytest.param([CARD], [function("card", "00:01.0", bar(at=None))], ["lost"], id="lost its place"),
        pytest.param([CARD], [function("card", "00:01.0")], ["lost"], id="wiped, as unpatched kernels do"),
        pytest.param([function("card", "00:01.0", bar(at=None))], [CARD], ["placed"], id="found a place"),
        pytest.param([], [function("card", "00:01.0", bar(at=None))], ["no place"], id="found none"),
    ],
)
def test_each_bar_says_what_became_of_it(before: list[dict[str, Any]], after: list[dict[str, Any]], expected: list[str]) -> None:
    """A BAR that lost its place is not one whose device was removed."""
    assert change(before, after) == expected


def test_a_window_opens_and_closes() -> None:
    """It is nobody's loss; one that has no place at all is no row."""
    closed = function("port", "00:01.0", window(8, "mem", "mem", None), buses=[1, 1])
    opened = function("port", "00:01.0", window(8, "mem", "mem", 0x10_0000), buses=[1, 1])

    assert change([closed], [opened]) == ["opened"]
    assert change([opened], [closed]) == ["closed"]
    assert change([closed], [closed]) == []


@pytest.mark.parametrize(
    ("resource", "kind"),
    [
        (bar(0, "mem"), "BAR 0 mem32"),
        (bar(2, "mem|pref|64"), "BAR 2 pref64"),
        (bar(2, "mem|64|unset", None), "BAR 2 mem64"),
        (bar(4, "io"), "BAR 4 io"),
        (bar(6, "mem|pref", kind="rom"), "ROM"),
        (window(7, "io", "io", 0x1000), "window io"),
        (window(9, "pref", "mem|pref|64", 0x10_0000), "window pref64"),
        (window(9, "pref", "mem|pref", 0x10_0000), "window pref"),
    ],
)
def test_a_resource_is_called_as_in_a_scenario(resource: dict[str, Any], kind: str) -> None:
    """What is read here can be written there."""
    assert [row.kind for row in rows([], [function("x", "00:01.0", resource)])] == [kind]


def test_rows_follow_the_tree() -> None:
    """What lies behind a bridge is one deeper; what was removed comes last."""
    port = function("port", "00:01.0", window(8, "mem", "mem", 0x10_0000), buses=[1, 1])
    behind = function("behind", "01:00.0", bar(at=0x10_0000))
    gone = function("gone", "00:02.0", bar(at=0x20_0000))

    assert list(rows([gone], [port, behind])) == [
        MapRow(0, "port", "window mem", None, (0x10_0000, 0x1F_FFFF), "new"),
        MapRow(1, "behind", "BAR 0 mem32", None, (0x10_0000, 0x10_0FFF), "new"),
        MapRow(0, "gone", "BAR 0 mem32", (0x20_0000, 0x20_0FFF), None, "removed"),
    ]


def test_odd_bus_numbers_are_no_trap() -> None:
    """Two bridges that claim one bus, and one that leads to its own: the first is believed, nothing goes round in a circle."""
    state = [
        function("a", "00:01.0", buses=[1, 2]),
        function("x", "01:00.0"),
        function("b", "00:02.0", buses=[1, 1]),
        function("c", "01:01.0", buses=[1, 1]),
    ]

    assert depths(state) == [0, 1, 0, 1]


def test_places_are_written_as_proc_iomem_does() -> None:
    """Hex without 0x, eight digits at least."""
    assert (show((0x1000, 0x1FFF)), show((1 << 32, (1 << 32) + 15)), show(None)) == (
        "00001000-00001fff",
        "100000000-10000000f",
        "-",
    )
