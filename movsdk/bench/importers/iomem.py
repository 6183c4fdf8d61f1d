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

_LINE: Final = re.compile(r"([ \t]*)([0-9a-f]{1,16})-([0-9a-f]{1,16}) : ?(.*)")
_BUS: Final = re.compile(r"PCI Bus [0-9a-f]{4,8}:[0-9a-f]{2}")
_FUNCTION: Final = re.compile(r"[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]")
_FIRMWARE: Final = re.compile(r"reserved|System RAM|ACPI|Unknown|Unusable|Soft|Persistent|RAM|PCI (?:MMCONFIG|ECAM)|pnp ", re.I)
_INDENT: Final = 2
_DEEPEST: Final = 64  # Linux prints 8 levels
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
    rows = [(match[1], Range(_span(text, number, match), match[4], number)) for number, match in _matches(text)]
    indents = {indent for indent, _each in rows}
    base = min(map(len, indents), default=0)
    is_indented = max(map(len, indents), default=0) > base + 1 and not any("\t" in indent for indent in indents)
    for indent, found in rows:
        if is_indented:
            _check_indent(text, found.line, len(indent) - base, len(stack))
            del stack[(len(indent) - base) // _INDENT :]
        else:  # somebody's editor or browser took the indentation; what lies inside is inside
            while stack and not stack[-1].span.contains(found.span):
                stack.pop()
        (stack[-1].inside if stack else top).append(found)
        stack.append(found)
        if len(top) > MOST_RANGES or (len(stack) > _DEEPEST and not are_hidden(top)):
            raise text.bad(
                found.line, f"more than {MOST_RANGES} ranges side by side, or {_DEEPEST} inside one another; no machine's"
            )
    if not top:
        raise text.bad(1, "holds no range")
    if not text.has_end:
        raise text.bad(len(text.lines), "the last line has no end; the file was cut off, copy it whole")
    return top


def _matches(text: Text) -> Iterator[tuple[int, re.Match[str]]]:
    for number, line in text:
        if line:
            match = _LINE.fullmatch(line)
            if match is None:
                raise text.bad(number, f"not `first-last : name`, indented by twos: {show(line)}")
            yield number, match


def _span(text: Text, number: int, match: re.Match[str]) -> Span:
    start, last = int(match[2], 16), int(match[3], 16)
    if last < start:
        raise text.bad(number, f"ends ({last:#x}) before it starts ({start:#x})")
    return Span(start, last)


def _check_indent(text: Text, number: int, blanks: int, above: int) -> None:
    if blanks % _INDENT:
        raise text.bad(number, f"not `first-last : name`, indented by twos: {show(text.lines[number - 1])}")
    if blanks // _INDENT > above:
        raise text.bad(number, "indented deeper than the line above allows; lines are missing")


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


def host_windows(ranges: list[Range], own: Collection[str]) -> list[Range]:
    """Return what a host bridge forwards where it is not called a bus: ``pcie@10000000`` of a device tree, a VMD, Hyper-V.

    Such a range directly holds what is on the root bus or what is behind its bridges, which are called as in `own`.
    """
    found = list(_direct_holders(ranges, own))
    names = {each.name for each in found}
    return found + [each for each in ranges if each.name in names and each not in found and not each.inside]


def _direct_holders(ranges: list[Range], own: Collection[str]) -> Iterator[Range]:
    for each in ranges:
        is_host = not each.is_bus and not each.is_function and _FIRMWARE.match(each.name) is None
        if is_host and any(inner.name in own for inner in each.inside):
            yield each
        else:
            yield from _direct_holders(each.inside, own)


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
