"""Operations and their cells."""

from __future__ import annotations

import pytest

from movsdk.explore.causes import Causes, bits_of
from movsdk.explore.footprint import ANY, Announced, Book, Mark, Op, Restart


def op(book: Book, label: str, reads: str = "", writes: str = "", **more: object) -> Op:
    """An operation whose cells are letters."""
    return book.op(Announced(label, tuple(reads), tuple(writes), **more))  # type: ignore[arg-type]  # fields by name


@pytest.mark.parametrize(
    ("first", "second", "dependent"),
    [
        (("x", ""), ("x", ""), False),
        (("x", ""), ("", "x"), True),
        (("", "x"), ("", "x"), True),
        (("", "x"), ("", "y"), False),
        (("x", "x"), ("x", ""), True),
        (("", ""), ("xy", "xy"), False),
    ],
)
def test_two_operations_depend_on_each_other_when_one_writes_what_the_other_uses(
    first: tuple[str, str], second: tuple[str, str], dependent: bool
) -> None:
    """Both ways round; two reads commute."""
    book = Book()
    one, other = op(book, "one", *first), op(book, "other", *second)
    assert (one.conflicts(other), other.conflicts(one)) == (dependent, dependent)


def test_equal_operations_are_one_object() -> None:
    """Comparing runs is comparing identities."""
    book = Book()
    assert op(book, "R", "x") is op(book, "R", "x")
    assert op(book, "R", "x") is not op(book, "R", "y")
    assert op(book, "R", "x") is not op(book, "R", "x", mark=Mark("release", "x"))


def test_a_touch_adds_cells() -> None:
    """The operation with more cells is another one, and counts as one that finds out where it leads."""
    book = Book(has_live=True)
    plain = op(book, "R", "x")
    assert book.merged(plain, ["x"], []) is plain
    more = book.merged(plain, ["y"], ["z"])
    assert (more.reads, more.writes, more.is_live) == (("x", "y"), ("z",), True)


@pytest.mark.parametrize(
    "more",
    [{"is_live": True}, {"is_idle": True}, {"is_guarded": True}, {"reads": (ANY,)}],
    ids=["live", "idle", "a guard without cells", "any"],
)
def test_a_new_kind_of_operation_makes_earlier_runs_worthless(more: dict[str, object]) -> None:
    """The exploration begins again with a book that knows of it."""
    book = Book()
    said = Announced("new", **more)  # type: ignore[arg-type]  # fields by name
    with pytest.raises(Restart):
        book.op(said)
    renewed = book.renewed()
    assert renewed.op(said).label == "new"


def test_what_looks_anywhere_depends_on_everything() -> None:
    """Also on an operation that names no cell at all."""
    book = Book(uses_any=True)
    anywhere, nothing = op(book, "look", is_guarded=True), op(book, "msleep")
    assert anywhere.conflicts(nothing)
    assert not nothing.conflicts(op(book, "other"))


def test_happens_before_is_what_must_not_be_turned_round() -> None:
    """Own order, dependent operations, and what follows from both; races are the pairs nothing stands between."""
    book, causes = Book(), Causes()
    ops = [
        op(book, "W x", "", "x"),
        op(book, "R x", "x"),
        op(book, "W y", "", "y"),
        op(book, "R xy", "xy"),
        op(book, "W x 2", "", "x"),
    ]
    causes.learn([0, 1, 1, 2, 0], ops, {}, book.cell_count)
    assert [bits_of(past) for past in causes.past] == [[0], [0, 1], [0, 1, 2], [0, 1, 2, 3], [0, 1, 2, 3, 4]]
    assert causes.rivals == [[], [0], [], [2], [3]]
    assert bits_of(causes.after(1)) == [2, 3, 4]
    causes.forget(2)
    assert (len(causes.past), causes.meeting(ops[4])) == (2, 0b11)
