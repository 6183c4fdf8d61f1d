"""Files in memory (memfd) behind real mappings: make, copy, fill, and put another one under memory that is in use.

Twin: mm/memfd.c. Linux only. Uses `posix` and not `os`: below the pyfakefs back end `os` is the fake one.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import mmap
import os
import posix
from collections.abc import Iterator
from typing import Final

from mockbus.ram import Ram
from movsdk.errors import BadInput

IS_AVAILABLE: Final = hasattr(posix, "memfd_create")
FILL_WHOLE: Final = 16 << 20
"""Up to this size (bytes) all of a dead mapping reads all-ones; beyond, only what held data does, and its holes read zero."""

_CHUNK: Final = 1 << 20
_SEEK_DATA: Final = os.SEEK_DATA
_SEEK_HOLE: Final = os.SEEK_HOLE
_MAP_FIXED: Final = 0x10
_MAP_NORESERVE: Final = getattr(mmap, "MAP_NORESERVE", 0x4000)

Extent = tuple[int, int]
"""Bytes from the first number up to, not including, the second."""


def new_file(size: int, name: str) -> int:
    """A zeroed file of `size` bytes that costs nothing yet; returns its descriptor, the caller's to close."""
    descriptor = posix.memfd_create(name, posix.MFD_CLOEXEC)
    posix.ftruncate(descriptor, size)
    return descriptor


def data_extents(descriptor: int) -> Iterator[Extent]:
    """The parts of a file that hold data; what lies between reads zero."""
    at, size = 0, posix.fstat(descriptor).st_size
    while at < size:
        try:
            start = posix.lseek(descriptor, at, _SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:
                return
            raise
        at = posix.lseek(descriptor, start, _SEEK_HOLE)
        yield start, at


def copy(source: int, target: int) -> None:
    """Make `target` equal `source`, holes included; both have the same size."""
    size = posix.fstat(source).st_size
    posix.ftruncate(target, 0)
    posix.ftruncate(target, size)
    for start, end in list(data_extents(source)):
        for at in range(start, end, _CHUNK):
            posix.pwrite(target, posix.pread(source, min(_CHUNK, end - at), at), at)


def fill_with_ones(descriptor: int) -> list[Extent]:
    """Let a file read all-ones, as far as `FILL_WHOLE` goes; returns what was filled."""
    size = posix.fstat(descriptor).st_size
    extents = [(0, size)] if size <= FILL_WHOLE else list(data_extents(descriptor))
    for start, end in extents:
        for at in range(start, end, _CHUNK):
            posix.pwrite(descriptor, b"\xff" * min(_CHUNK, end - at), at)
    return extents


def changed_bytes(descriptor: int, filled: list[Extent]) -> Iterator[tuple[int, bytes]]:
    """Runs of bytes that somebody wrote since `fill_with_ones()` returned `filled`: (offset, bytes)."""
    for start, end in list(data_extents(descriptor)):
        for at in range(start, end, _CHUNK):
            data = posix.pread(descriptor, min(_CHUNK, end - at), at)
            yield from _runs(data, _expected(at, len(data), filled), at)


def _expected(at: int, length: int, filled: list[Extent]) -> bytes:
    expected = bytearray(length)
    for start, end in filled:
        low, high = max(start, at) - at, min(end, at + length) - at
        if low < high:
            expected[low:high] = b"\xff" * (high - low)
    return bytes(expected)


def _runs(data: bytes, expected: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    if data == expected:
        return
    start = None
    for index, (byte, other) in enumerate(zip(data, expected, strict=True)):
        if byte != other and start is None:
            start = index
        elif byte == other and start is not None:
            yield at + start, data[start:index]
            start = None
    if start is not None:
        yield at + start, data[start:]


def rebase(ram: Ram, descriptor: int) -> None:
    """Put the file `descriptor` under the memory of `ram`: every view of it shows the file from now on, at the same address.

    The former file lives on in the mappings that others have of it. Raises `BadInput` where there is no memfd.
    """
    own = ram.fd
    if own is None:
        raise BadInput(f"{ram.name}: BAR memory cannot be shared here; it needs memfd_create (Linux)")
    library = ctypes.CDLL(None, use_errno=True)
    library.mmap.restype = ctypes.c_void_p
    library.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
    anchor = ctypes.c_char.from_buffer(ram.view)
    address = ctypes.addressof(anchor)
    flags = mmap.MAP_SHARED | _MAP_FIXED | _MAP_NORESERVE
    found = library.mmap(address, ram.size, mmap.PROT_READ | mmap.PROT_WRITE, flags, descriptor, 0)
    del anchor
    if found != address:
        code = ctypes.get_errno()
        raise OSError(code, f"{ram.name}: {os.strerror(code)}")
    posix.dup2(descriptor, own, inheritable=False)


def close_quietly(descriptor: int) -> None:
    """Close a descriptor; one that is closed already is fine."""
    with contextlib.suppress(OSError):
        posix.close(descriptor)
