"""`mmap.mmap` while a session is on: the real one, except that maps of register BARs pass accesses to the model where they can.

Twin: mmap(2) of resourceN. Indexing, slicing, read() and write() are exact on every Python. What goes through the buffer protocol
(struct, memoryview, ctypes, numpy) is seen from Python 3.12 on, when the buffer is released; before, at the next call of os.
"""

from __future__ import annotations

import errno
import mmap
import os
import sys
from collections.abc import Callable
from typing import Any

from movsdk.bench.sysfs.register_window import RegisterWindow
from movsdk.bench.sysfs.window import Window

REAL = mmap.mmap
_WRITABLE = 1  # PyBUF_WRITABLE

Lookup = Callable[[int], "Window | bool | None"]


class SysfsMmap(REAL):
    """A real mapping. `lookup(descriptor)` says whose: a window, None (no BAR), or False (a BAR that cannot be mapped)."""

    lookup: Lookup

    def __new__(cls, fileno: int, *arguments: Any, **named: Any) -> SysfsMmap:
        """Map; raises EINVAL for a BAR without an address."""
        window = cls.lookup(fileno)
        if window is False:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        kind = _RegisterMmap if isinstance(window, RegisterWindow) and cls is SysfsMmap else cls
        made = REAL.__new__(kind, fileno, *arguments, **named)
        if isinstance(made, _RegisterMmap) and isinstance(window, RegisterWindow):
            made.window, made.base = window, named.get("offset", 0)
            window.refresh()
        return made


class _RegisterMmap(SysfsMmap):
    """Registers from `base` on."""

    window: RegisterWindow
    base: int

    # --- exact accesses ----------------------------------------------------------------------------
    def _load(self, start: int, stop: int) -> bytes:
        self.window.carry()
        parts = [self.window.read(self.base + at, size).to_bytes(size, "little") for at, size in _pieces(start, stop)]
        return b"".join(parts)

    def _store(self, start: int, data: bytes) -> None:
        self.window.carry()
        for at, size in _pieces(start, start + len(data)):
            value = int.from_bytes(data[at - start : at - start + size], "little")
            self.window.write(self.base + at, size, value)

    def __getitem__(self, key: Any) -> Any:
        if not isinstance(key, slice):
            return self._load(*self._one(key))[0]
        start, stop, step = key.indices(len(self))
        if step == 1:
            return self._load(start, max(start, stop))
        return bytes(self._load(at, at + 1)[0] for at in range(start, stop, step))

    def __setitem__(self, key: Any, value: Any) -> None:
        if not isinstance(key, slice):
            self._store(self._one(key)[0], bytes((value,)))
            return
        start, stop, step = key.indices(len(self))
        data = bytes(value)
        if len(data) != len(range(start, stop, step)):
            raise IndexError("mmap slice assignment is wrong size")
        if step == 1:
            self._store(start, data)
            return
        for at, byte in zip(range(start, stop, step), data, strict=True):
            self._store(at, bytes((byte,)))

    def _one(self, index: Any) -> tuple[int, int]:
        at = range(len(self))[index]
        return at, at + 1

    def read(self, n: int | None = None) -> bytes:
        """Read at the position."""
        at = self.tell()
        end = len(self) if n is None or n < 0 else min(len(self), at + n)
        self.seek(end)
        return self._load(at, end)

    def read_byte(self) -> int:
        """Read one byte at the position."""
        return self.read(1)[0]

    def write(self, data: Any) -> int:
        """Write at the position."""
        at, data = self.tell(), bytes(data)
        if at + len(data) > len(self):
            raise ValueError("data out of range")
        self.seek(at + len(data))
        self._store(at, data)
        return len(data)

    def write_byte(self, byte: int) -> None:
        """Write one byte at the position."""
        self.write(bytes((byte,)))

    def flush(self, *arguments: int) -> None:
        """Carry what was written by other roads to the device, and show what it has."""
        self.window.refresh()

    def close(self) -> None:
        """Carry what was written by other roads to the device, and unmap."""
        if not self.closed:
            self.window.carry()
        super().close()

    # --- the buffer protocol -------------------------------------------------------------------------
    if sys.version_info >= (3, 12):

        def __buffer__(self, flags: int, /) -> memoryview:
            """Somebody takes a view: to write, or to read what the registers hold now."""
            if flags & _WRITABLE:
                self.window.carry()
            else:
                self.window.refresh()
            return super().__buffer__(flags)

        def __release_buffer__(self, view: memoryview, /) -> None:
            """The view is given back: pass on what was written."""
            view.release()
            self.window.carry()


def _pieces(start: int, stop: int) -> list[tuple[int, int]]:
    """Aligned accesses of 1, 2, 4 and 8 bytes that cover a range."""
    found = []
    while start < stop:
        size = next(size for size in (8, 4, 2, 1) if not start & (size - 1) and start + size <= stop)
        found.append((start, size))
        start += size
    return found
