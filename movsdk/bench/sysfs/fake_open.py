"""open() of an attribute: file objects of the standard `io` layers over one raw file.

Twin: what CPython's ``open()`` builds over a descriptor. The raw file makes one call of the kernel for each call of it, so that
``open(path, "w").write("1")`` stores once, and errors come where they come on a real machine.
"""

from __future__ import annotations

import errno
import os
from io import BufferedRandom, BufferedReader, BufferedWriter, RawIOBase, TextIOWrapper, UnsupportedOperation
from typing import IO, Any, Final

from movsdk.bench.sysfs.open_file import OpenFile

_LETTERS: Final = {"r": os.O_RDONLY, "w": os.O_WRONLY | os.O_TRUNC, "a": os.O_WRONLY | os.O_APPEND, "x": os.O_EXCL | os.O_WRONLY}
_BUFFER: Final = 8192


def flags_of(mode: str) -> int:
    """The ``os.O_*`` flags of an open() mode. Raises ValueError for a bad one."""
    letters = [letter for letter in mode if letter in _LETTERS]
    if len(letters) != 1 or set(mode) - set("rwaxbt+") or ("b" in mode and "t" in mode):
        raise ValueError(f"invalid mode: {mode!r}")
    flags = _LETTERS[letters[0]]
    return flags & ~os.O_WRONLY | os.O_RDWR if "+" in mode else flags


class RawAttr(RawIOBase):
    """An open attribute as a raw file on the descriptor `number`, which `closer` gives back."""

    def __init__(self, file: OpenFile, number: int, name: object, mode: str, closer: Any) -> None:
        self._file = file
        self._number = number
        self._closer = closer
        self.name = name
        self.mode = mode

    def readable(self) -> bool:
        """Whether it was opened for reading."""
        return self._file.can_read

    def writable(self) -> bool:
        """Whether it was opened for writing."""
        return self._file.can_write

    def seekable(self) -> bool:
        """Always."""
        return True

    def fileno(self) -> int:
        """Its descriptor, which is real."""
        return self._number

    def readinto(self, buffer: Any) -> int:
        """One read()."""
        if not self.readable():
            raise UnsupportedOperation("not readable")
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def write(self, data: Any) -> int:
        """One write()."""
        if not self.writable():
            raise UnsupportedOperation("not writable")
        return self._file.write(bytes(data))

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """One lseek()."""
        return self._file.seek(offset, whence)

    def truncate(self, size: int | None = None) -> int:
        """Accepted without effect, as in sysfs."""
        return self._file.position if size is None else size

    def close(self) -> None:
        """Close, and give the descriptor back if it is ours."""
        if not self.closed:
            try:
                super().close()
            finally:
                if self._closer is not None:
                    self._closer(self._number)


def file_object(
    raw: RawAttr, mode: str, buffering: int, encoding: str | None, errors: str | None, newline: str | None
) -> IO[Any]:
    """What open() returns for `raw`."""
    is_binary = "b" in mode
    if is_binary and (encoding is not None or errors is not None or newline is not None):
        raise ValueError("binary mode doesn't take an encoding, errors or newline argument")
    if buffering == 0:
        if not is_binary:
            raise ValueError("can't have unbuffered text I/O")
        return raw  # type: ignore[return-value]
    size = buffering if buffering > 1 else _BUFFER
    buffered: Any
    if "+" in mode:
        buffered = BufferedRandom(raw, size)
    elif raw.writable():
        buffered = BufferedWriter(raw, size)
    else:
        buffered = BufferedReader(raw, size)
    if is_binary:
        found: IO[Any] = buffered
        return found
    text = TextIOWrapper(buffered, encoding, errors, newline, buffering == 1)
    text.mode = mode  # type: ignore[misc]
    return text


def refuse_exclusive(flags: int, path: object) -> None:
    """O_EXCL and a file that is there. Raises EEXIST."""
    if flags & os.O_EXCL:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
