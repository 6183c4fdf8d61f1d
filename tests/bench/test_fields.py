"""Objects read key by key."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from movsdk.bench.fields import Fields
from movsdk.bench.place import Place
from movsdk.errors import BadInput


def fields(**values: object) -> Fields:
    return Fields(values, Place("m", "here"), tuple(values) or ("key",))


@pytest.mark.parametrize(
    ("read", "message"),
    [
        (lambda: Fields([], Place("m", "here"), ("a", "b")), "m: here: [] is not an object; write {a, b, ...}"),
        (lambda: Fields({"c": 1}, Place("m", "here"), ("abc", "def")), 'm: here.c: unknown key "c"; known: abc, def'),
        (lambda: fields().number("key"), "m: here: 'key' is missing"),
        (lambda: fields(a="64MB").number("a"), 'm: here.a: "64MB" is not a number; write 4096, 64M (K, M, G or T) or 0xfe000000'),
        (lambda: fields(a=True).number("a"), "m: here.a: true is not a number; write 4096, 64M (K, M, G or T) or 0xfe000000"),
        (lambda: fields(a=256).number("a", high=255), "m: here.a: 256 is out of range; it must be 0x0 to 0xff"),
        (lambda: fields(a=4).text("a"), "m: here.a: 4 is not text; put it in quotes"),
        (lambda: fields(a="").text("a"), 'm: here.a: "" must be 1 to 4096 characters long'),
        (lambda: fields(a="a\nb").text("a"), 'm: here.a: "a\\nb" has characters that cannot be printed'),
        (lambda: fields(a="\ud800").text("a", is_prose=True), 'm: here.a: "\\ud800" has characters that cannot be printed'),
        (lambda: fields(a=1).flag("a", False), "m: here.a: 1 must be true or false"),
        (lambda: fields(a="men").word("a", ("mem", "io")), "m: here.a: unknown value \"men\"; did you mean 'mem'?"),
        (lambda: list(fields(a={}).items("a")), "m: here.a: {} is not a list; write [...]"),
        (lambda: fields(a=[1]).numbers("a", 2, 9), "m: here.a: [1] must be a list of 2 numbers"),
        (
            lambda: fields(a=[1, "x"]).numbers("a", 2, 9),
            'm: here.a[1]: "x" is not a number; write 4096, 64M (K, M, G or T) or 0xfe000000',
        ),
        (lambda: fields(start=9, last=8).span(), "m: here.last: 8 lies below start (0x9); `last` is the last byte inside"),
    ],
)
def test_a_wrong_value_is_named_with_its_place_and_the_remedy(read: Callable[[], object], message: str) -> None:
    """Where, what, and what to do instead."""
    with pytest.raises(BadInput) as caught:
        read()

    assert str(caught.value) == message


def test_defaults_stand_in_for_absent_keys_only() -> None:
    """A key that is there is read, whatever its default."""
    assert fields().number("key", 7) == 7
    assert fields(key="1K").number("key", 7) == 1024
    assert fields().text("key", None) is None
    assert fields(a="two\nlines").text("a", is_prose=True) == "two\nlines"
    assert list(fields().items("key")) == []
