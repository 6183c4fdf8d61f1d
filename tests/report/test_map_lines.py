"""Tables as lines."""

from __future__ import annotations

from movsdk.report.map_lines import address_map, agreement, columns, one_map
from tests.report.states import CARD, bar, function, window

PORT = function("port", "00:01.0", window(8, "mem", "mem", 0x10_0000), buses=[1, 1])
BEFORE = [PORT, function("card", "01:00.0", bar(at=0x10_0000))]
AFTER = [PORT, function("card", "01:00.0", bar(at=0x10_4000), bar(2, "mem|pref|64", None))]
TITLES = ("before", "after")


def test_columns_where_they_fit() -> None:
    """No blanks at the end of a line; what moved and what has no place stand out."""
    lines = address_map(BEFORE, AFTER, TITLES)

    assert [line.text for line in lines] == [
        "                      before             after",
        "port    window mem    00100000-001fffff  00100000-001fffff",
        "  card  BAR 0 mem32   00100000-00100fff  00104000-00104fff  moved",
        "  card  BAR 2 pref64  -                  -                  no place",
    ]
    assert [line.style for line in lines] == ["bold", "", "yellow", "red"]


def test_two_lines_a_row_where_columns_do_not_fit() -> None:
    """A narrow terminal shows everything, too."""
    lines = [line.text for line in address_map(BEFORE, AFTER, TITLES, width=50)]

    assert lines == [
        "before -> after",
        "port window mem",
        "  00100000-001fffff",
        " card BAR 0 mem32",
        "   00100000-00100fff -> 00104000-00104fff  moved",
        " card BAR 2 pref64",
        "   -  no place",
    ]
    assert max(map(len, lines)) <= 50


def test_one_state_has_one_column() -> None:
    """There is no before."""
    assert [line.text for line in one_map([CARD], "after boot")] == [
        "                   after boot",
        "card  BAR 0 mem32  00001000-00001fff",
    ]


def test_a_machine_without_addresses_says_so() -> None:
    """Rather than a head with nothing below."""
    assert (
        [line.text for line in one_map([], "x")]
        == [line.text for line in address_map([], [], TITLES)]
        == ["nothing has an address"]
    )


def test_numbers_stand_on_the_right() -> None:
    """Those columns that are named."""
    lines = columns([("name", "n"), ("a", "10"), ("bc", "5")], ["", "", ""], right=(1,))
    assert [line.text for line in lines] == ["name   n", "a     10", "bc     5"]


def test_agreement_is_red_where_something_differs() -> None:
    """A row for each kernel."""
    lines = agreement({("linux", "v9"): (3, 0), ("linux", "off"): (1, 2)})

    assert [line.text for line in lines] == [
        "kernel  rules  vectors  agree  differ",
        "linux   v9           3      3       0",
        "linux   off          3      1       2",
    ]
    assert [line.style for line in lines] == ["bold", "", "red"]
