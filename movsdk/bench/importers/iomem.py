"""Who has which addresses: the tree of ``/proc/iomem`` and ``/proc/ioports``.

Twin: ``r_show()`` in kernel/resource.c. Tells the host bridge's apertures, the map of what is not PCI, and what is busy inside.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Final

from attrs import define, field

from movsdk.address import Span
from movsdk.bench.importers.dump_lines import Text
from movsdk.bench.place import show

_LINE: Final = re.compile(r"( *)([0-9a-f]{1,16})-([0-9a-f]{1,16}) : ?(.*)")
_BUS: Final = re.compile(r"PCI Bus [0-9a-f]{4,8}:[0-9a-f]{2}")
_FUNCTION: Final = re.compile(r"[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]")
_INDENT: Final = 2
MOST_RANGES: Final = 2048


@define(eq=False)
class Range:
    """One line of the tree and what lies inside it."""

    span: Span
    name: str
    line: int
    inside: list[Range] = field(factory=list)

    @property
    def is_bus(self) -> bool:
        """A root aperture or a bridge window."""
        return _BUS.fullmatch(self.name) is not None

    @property
    def is_function(self) -> bool:
        """Named as a PCI function: a BAR, or a range that a quirk claimed for it."""
        return _FUNCTION.fullmatch(self.name) is not None

    def walk(self) -> Iterator[Range]:
        """This range and all inside, depth first."""
        stack = [self]
        while stack:
            each = stack.pop()
            yield each
            stack.extend(reversed(each.inside))


def read_ranges(text: Text) -> list[Range]:
    """Return the top-level ranges of the file; see `are_hidden` for one that was read without being root.

    Raises:
        BadInput: not such a file, or cut off; names file and line.
    """
    top: list[Range] = []
    stack: list[Range] = []
    for number, line in text:
        if not line:
            continue
        match = _LINE.fullmatch(line)
        if match is None or len(match[1]) % _INDENT:
            raise text.bad(number, f"not `first-last : name`, indented by twos: {show(line)}")
        start, last, depth = int(match[2], 16), int(match[3], 16), len(match[1]) // _INDENT
        if last < start:
            raise text.bad(number, f"ends ({last:#x}) before it starts ({start:#x})")
        if depth > len(stack):
            raise text.bad(number, "indented deeper than the line above allows; lines are missing")
        del stack[depth:]
        found = Range(Span(start, last), match[4], number)
        (stack[-1].inside if stack else top).append(found)
        stack.append(found)
        if len(stack) == 1 and len(top) > MOST_RANGES:
            raise text.bad(number, f"more than {MOST_RANGES} ranges side by side; that is the map of no machine")
    if not top:
        raise text.bad(1, "holds no range")
    if not text.has_end:
        raise text.bad(len(text.lines), "the last line has no end; the file was cut off, copy it whole")
    return top


def are_hidden(top: list[Range]) -> bool:
    """True if all addresses are zero: the kernel shows them to root only."""
    return all(each.span == Span(0, 0) for each in top)


def outermost_buses(ranges: list[Range]) -> Iterator[Range]:
    """Yield the ranges of buses (``PCI Bus 0000:00``) that lie in no other bus, in file order: what host bridges forward."""
    for each in ranges:
        if each.is_bus:
            yield each
        else:
            yield from outermost_buses(each.inside)


def busy(ranges: list[Range], bars: Collection[tuple[str, Span]]) -> Iterator[Range]:
    """Yield what is taken in the apertures by somebody else than the BARs, which are (function, span): board devices, quirks.

    A range that only wraps PCI ranges is no taker; nor is what lies inside a BAR.
    """
    for each in ranges:
        if each.is_bus:
            yield from busy(each.inside, bars)
        elif each.is_function:
            if (each.name, each.span) not in bars:
                yield each
        elif any(inner.is_bus or (inner.name, inner.span) in bars for inner in each.walk()):
            yield from busy(each.inside, bars)
        else:
            yield each
