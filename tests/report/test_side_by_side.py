"""Two runs next to each other stay readable in 80 columns."""

from __future__ import annotations

from movsdk.report.side_by_side import side_by_side

ROWS = [("BAR 0", "[0xe0000000-0xe01fffff]", "no place"), ("driver", "edu", "edu")]


def test_each_side_has_its_column() -> None:
    """Names, then what the one run came to, then the other."""
    lines = [line.text for line in side_by_side(ROWS, ("with", "without"), 60)]

    assert lines == [
        "        with                       without",
        "BAR 0   [0xe0000000-0xe01fffff]    no place",
        "driver  edu                        edu",
    ]


def test_long_facts_are_wrapped_inside_their_column() -> None:
    """No line is wider than asked for, and nothing is lost."""
    rows = [("a rather long name of a fact", "one two three four five six seven", "eight nine ten eleven twelve")]

    lines = [line.text for line in side_by_side(rows, ("with", "without"), 50)]

    assert max(map(len, lines)) <= 50
    assert set(" ".join(lines[1:]).split()) >= {"seven", "twelve", "fact"}


def test_a_row_that_differs_stands_out() -> None:
    """The eye finds what the patch changed."""
    head, differs, same = side_by_side(ROWS, ("with", "without"))

    assert (head.style, differs.style, same.style) == ("bold", "yellow", "")


def test_nothing_to_compare_is_only_a_head() -> None:
    """An experiment without facts does not break the report."""
    assert [line.text.split() for line in side_by_side([], ("with", "without"))] == [["with", "without"]]
