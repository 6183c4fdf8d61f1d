"""One object of a document, read key by key; what is not as it should be becomes a `BadInput` with its place.

Knows sorts of values (numbers, words, lists), not the keys of a scenario.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, Final, TypeVar, overload

from movsdk.address import Span
from movsdk.bench.place import Place, show
from movsdk.bench.sizes import parse_number

MAX_ADDRESS: Final = (1 << 64) - 1
LONGEST_TEXT: Final = 4096
_LINE_ENDS: Final = dict.fromkeys(map(ord, "\n\r\t"))
_T = TypeVar("_T")


class Fields:
    """The keys of one object. Every reader takes the key and what it means when absent (no default: it must be there)."""

    __slots__ = ("place", "values")

    def __init__(self, values: object, place: Place, known: Collection[str]) -> None:
        """Raises `BadInput` if `values` is no object or has a key that is not `known`."""
        if not isinstance(values, dict):
            raise place.bad(f"{show(values)} is not an object; write {{{', '.join(list(known)[:3])}, ...}}")
        for key in values:
            if key not in known:
                raise place.at(str(key)).unknown(str(key), known)
        self.values: dict[str, Any] = values
        self.place = place

    def __contains__(self, key: str) -> bool:
        return key in self.values

    def __getitem__(self, key: str) -> Any:
        """The raw value; it must be there."""
        try:
            return self.values[key]
        except KeyError:
            raise self.place.bad(f"{key!r} is missing") from None

    def bad(self, key: str, problem: str) -> Exception:
        """The error for the value of `key`."""
        return self.place.at(key).bad(f"{show(self.values.get(key))} {problem}")

    @overload
    def number(self, key: str, *, high: int = ..., low: int = ...) -> int: ...
    @overload
    def number(self, key: str, default: _T, *, high: int = ..., low: int = ...) -> int | _T: ...
    def number(self, key: str, default: object = ..., *, high: int = MAX_ADDRESS, low: int = 0) -> object:
        """A number from `low` to `high`."""
        if default is not ... and key not in self.values:
            return default
        return to_number(self[key], self.place, key, high=high, low=low)

    @overload
    def text(self, key: str, *, is_prose: bool = ...) -> str: ...
    @overload
    def text(self, key: str, default: _T, *, is_prose: bool = ...) -> str | _T: ...
    def text(self, key: str, default: object = ..., *, is_prose: bool = False) -> object:
        """Printable text; `is_prose` may have several lines."""
        if default is not ... and key not in self.values:
            return default
        value = self[key]
        if not isinstance(value, str):
            raise self.bad(key, "is not text; put it in quotes")
        if not value or len(value) > LONGEST_TEXT:
            raise self.bad(key, f"must be 1 to {LONGEST_TEXT} characters long")
        if not (value.translate(_LINE_ENDS) if is_prose else value).isprintable():
            raise self.bad(key, "has characters that cannot be printed")
        return value

    def flag(self, key: str, default: bool) -> bool:
        """true or false."""
        value = self.values.get(key, default)
        if not isinstance(value, bool):
            raise self.bad(key, "must be true or false")
        return value

    def word(self, key: str, known: Collection[str], default: str | None = None) -> str:
        """One of the `known` words."""
        if default is not None and key not in self.values:
            return default
        value = self[key]
        if not isinstance(value, str) or value not in known:
            raise self.place.at(key).unknown(value, known, what="value")
        return value

    def items(self, key: str, required: bool = False) -> Iterator[tuple[Any, Place]]:
        """The items of a list, each with its place; none if the key is absent and not required."""
        if key not in self.values and not required:
            return
        value = self[key]
        if not isinstance(value, list):
            raise self.bad(key, "is not a list; write [...]")
        place = self.place.at(key)
        for index, item in enumerate(value):
            yield item, place.at(index)

    def numbers(self, key: str, count: int, high: int) -> tuple[int, ...] | None:
        """A list of `count` numbers up to `high`, None if absent."""
        if key not in self.values:
            return None
        value = self[key]
        if not isinstance(value, list) or len(value) != count:
            raise self.bad(key, f"must be a list of {count} numbers")
        place = self.place.at(key)
        return tuple(to_number(item, place, index, high=high) for index, item in enumerate(value))

    def span(self, high: int = MAX_ADDRESS) -> Span:
        """`start` and `last` of this object."""
        start, last = self.number("start", high=high), self.number("last", high=high)
        if last < start:
            raise self.bad("last", f"lies below start ({start:#x}); `last` is the last byte inside")
        return Span(start, last)


def to_number(value: object, place: Place, key: str | int, *, high: int = MAX_ADDRESS, low: int = 0) -> int:
    """Return `value` as a number from `low` to `high`, or raise naming `key` at `place`."""
    try:
        number = parse_number(value)
    except ValueError as error:
        raise place.at(key).bad(f"{show(value)} {error}") from None
    if not low <= number <= high:
        raise place.at(key).bad(f"{show(value)} is out of range; it must be {low:#x} to {high:#x}")
    return number
