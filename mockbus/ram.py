"""Memory behind a BAR: real, sparse pages that appear when they are touched.

Twin: a card's on-board memory. Lazy twice: nothing is mapped before the first access, and then 64 GiB cost only what is written.
"""

from __future__ import annotations

import os
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import mmap


class Ram:
    """`size` bytes of zeroed memory, mapped on first use; shared through `fd` where the system has memfd."""

    __slots__ = ("__weakref__", "_fd", "_map", "_view", "name", "size")

    def __init__(self, size: int, name: str = "ram") -> None:
        self.size = size
        self.name = name
        self._fd: int | None = None
        self._map: mmap.mmap | None = None
        self._view: memoryview | None = None

    @property
    def is_mapped(self) -> bool:
        """True once somebody touched it."""
        return self._view is not None

    @property
    def view(self) -> memoryview:
        """All the bytes, writable; shares memory with every other user of this BAR."""
        if self._view is None:
            self._view = self._mapped()
        return self._view

    @property
    def fd(self) -> int | None:
        """A file descriptor of the same memory, or None without memfd. It dies with this object: dup it to keep it."""
        _ = self.view
        return self._fd

    def _mapped(self) -> memoryview:
        import mmap  # noqa: PLC0415  only a device whose memory is touched pays for it

        flags = getattr(mmap, "MAP_NORESERVE", 0x4000 if hasattr(os, "memfd_create") else 0)
        if hasattr(os, "memfd_create"):
            self._fd = os.memfd_create(self.name, os.MFD_CLOEXEC)
            weakref.finalize(self, os.close, self._fd)
            os.ftruncate(self._fd, self.size)
            self._map = mmap.mmap(self._fd, self.size, flags=mmap.MAP_SHARED | flags)
        else:
            self._map = mmap.mmap(-1, self.size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | flags)
        return memoryview(self._map)

    def read(self, offset: int, size: int) -> int:
        """Load `size` bytes, little endian."""
        view = self._view or self.view
        return int.from_bytes(view[offset : offset + size], "little")

    def write(self, offset: int, size: int, value: int) -> None:
        """Store `size` bytes, little endian."""
        view = self._view or self.view
        view[offset : offset + size] = value.to_bytes(size, "little")
