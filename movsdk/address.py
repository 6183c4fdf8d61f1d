"""Names of places: a function on the bus, its path through the slots, a span of addresses.

Pure values; they know no device and no table.
"""

from __future__ import annotations

import re

from attrs import field, frozen

from movsdk.errors import BadInput

_BDF = re.compile(r"(?:([0-9a-fA-F]{4,8}):)?([0-9a-fA-F]{2}):([0-9a-fA-F]{2})\.([0-7])")


@frozen(order=True)
class Bdf:
    """Bus, device and function as the kernel prints them: ``0000:02:01.0``.

    A `Bdf` may change when buses are renumbered; `SlotPath` is the stable name.

    >>> str(Bdf.parse("02:01.0")), Bdf.parse("0001:02:01.0").domain
    ('0000:02:01.0', 1)
    """

    domain: int
    bus: int
    device: int
    function: int

    @classmethod
    def parse(cls, text: str) -> Bdf:
        """Read ``[dddd:]bb:dd.f``. Raises `BadInput` naming the text."""
        match = _BDF.fullmatch(text.strip())
        if match is None or int(match[3], 16) > 31:
            raise BadInput(f"{text!r} is not a PCI address; write it as dddd:bb:dd.f")
        return cls(int(match[1] or "0", 16), int(match[2], 16), int(match[3], 16), int(match[4]))

    @classmethod
    def of(cls, bus: int, devfn: int, domain: int = 0) -> Bdf:
        """Build from the numbers a config cycle carries."""
        return cls(domain, bus, devfn >> 3, devfn & 7)

    @property
    def devfn(self) -> int:
        """Device and function as a config cycle carries them."""
        return self.device << 3 | self.function

    @property
    def short(self) -> str:
        """Without the domain, as the golden vectors write it: ``02:01.0``."""
        return f"{self.bus:02x}:{self.device:02x}.{self.function}"

    @property
    def slot(self) -> str:
        """Device and function only: ``01.0``."""
        return f"{self.device:02x}.{self.function}"

    def __str__(self) -> str:
        return f"{self.domain:04x}:{self.short}"


@frozen(order=True)
class SlotPath:
    """Where a function sits, said by slots from the root bus down; survives renumbering of buses.

    >>> str(SlotPath(0, ("1c.0", "00.0")))
    '0000:1c.0/00.0'
    """

    domain: int
    slots: tuple[str, ...]

    def child(self, slot: str) -> SlotPath:
        """Return the path of the function in `slot` below this bridge."""
        return SlotPath(self.domain, (*self.slots, slot))

    def __str__(self) -> str:
        return f"{self.domain:04x}:" + "/".join(self.slots)


@frozen(order=True)
class Span:
    """A closed range of addresses, in bytes: `start` to `last`, both inside.

    >>> span = Span.sized(0xE0000000, 0x1000)
    >>> str(span), span.size, Span(0, 9).overlaps(Span(9, 20))
    ('[0xe0000000-0xe0000fff]', 4096, True)
    """

    start: int
    last: int = field()

    @last.validator
    def _not_empty(self, _attribute: object, value: int) -> None:
        if value < self.start or self.start < 0:
            raise BadInput(f"[{self.start:#x}-{value:#x}] is not a span: its last byte lies before its first")

    @classmethod
    def sized(cls, start: int, size: int) -> Span:
        """Return the span of `size` bytes that begins at `start`."""
        return cls(start, start + size - 1)

    @property
    def size(self) -> int:
        """Length in bytes."""
        return self.last - self.start + 1

    def __contains__(self, address: int) -> bool:
        return self.start <= address <= self.last

    def contains(self, other: Span) -> bool:
        """True if every byte of `other` lies inside."""
        return self.start <= other.start and other.last <= self.last

    def overlaps(self, other: Span) -> bool:
        """True if at least one byte belongs to both."""
        return self.start <= other.last and other.start <= self.last

    def __str__(self) -> str:
        return f"[{self.start:#x}-{self.last:#x}]"
