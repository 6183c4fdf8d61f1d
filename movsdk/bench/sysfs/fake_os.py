"""`os` for the pyfakefs back end: as pyfakefs has it, but attributes are opened, read and written as the kernel would.

Twin: the system calls. Adds pread, pwrite and their like, which pyfakefs does not fake, and leaves numbers that are no fake
file's to the real system.
"""

from __future__ import annotations

import posix
from typing import Any

from pyfakefs.fake_filesystem import FakeFilesystem
from pyfakefs.fake_os import FakeOsModule

from movsdk.bench.sysfs.real_numbers import OpenAttr

_ADDED = ["pread", "pwrite", "readv", "writev", "preadv", "pwritev", "ftruncate", "fdopen", "isatty", "pipe"]


class SysfsOs(FakeOsModule):
    """Stands in for the module `os` while a session is on; the session is its file system's `movsdk_session`."""

    @staticmethod
    def dir() -> list[str]:
        """Names that are replaced in modules that imported them from os."""
        names: list[str] = FakeOsModule.dir()
        return names + _ADDED

    def __init__(self, filesystem: FakeFilesystem) -> None:
        super().__init__(filesystem)

    def _opened(self, number: Any) -> OpenAttr | None:
        session = getattr(self.filesystem, "movsdk_session", None)
        if session is None or FakeOsModule.use_original or not isinstance(number, int):
            return None
        found: OpenAttr | None = session.opened(number)
        return found

    def _is_fake(self, number: Any) -> bool:
        table = self.filesystem.open_files
        return not FakeOsModule.use_original and isinstance(number, int) and 0 <= number < len(table) and bool(table[number])

    def _file(self, number: int) -> Any:
        return self.filesystem.get_open_file(number).get_object()

    # --- opening and closing ----------------------------------------------------------------------
    def open(self, path: Any, flags: int, mode: int | None = None, *, dir_fd: int | None = None) -> int:
        """open(2)."""
        session = getattr(self.filesystem, "movsdk_session", None)
        if session is not None and not FakeOsModule.use_original:
            where = self._path_with_dir_fd(path, self.open, dir_fd)
            fake = session.attribute_at(where)
            if fake is not None:
                number: int = session.open(fake, flags, where)
                return number
        number = super().open(path, flags, mode, dir_fd=dir_fd)
        return number

    def close(self, fd: int) -> None:
        """close(2)."""
        if self._is_fake(fd):
            super().close(fd)
        else:
            posix.close(fd)

    def pipe(self) -> tuple[int, int]:
        """A real pipe, so that sub-processes work."""
        read_end, write_end = posix.pipe()
        return read_end, write_end

    # --- reading and writing ------------------------------------------------------------------------
    def read(self, fd: int, n: int) -> bytes:
        """read(2)."""
        opened = self._opened(fd)
        if opened is not None:
            return opened.file.read(n)
        data: bytes = super().read(fd, n) if self._is_fake(fd) else posix.read(fd, n)
        return data

    def write(self, fd: int, contents: Any) -> int:
        """write(2)."""
        opened = self._opened(fd)
        if opened is not None:
            return opened.file.write(bytes(contents))
        taken: int = super().write(fd, contents) if self._is_fake(fd) else posix.write(fd, contents)
        return taken

    def lseek(self, fd: int, pos: int, whence: int) -> int:
        """lseek(2)."""
        opened = self._opened(fd)
        if opened is not None:
            return opened.file.seek(pos, whence)
        if not self._is_fake(fd):
            return posix.lseek(fd, pos, whence)
        super().lseek(fd, pos, whence)
        return pos

    def pread(self, fd: int, n: int, offset: int) -> bytes:
        """pread(2)."""
        opened = self._opened(fd)
        if opened is not None:
            return opened.file.pread(n, offset)
        if not self._is_fake(fd):
            return posix.pread(fd, n, offset)
        contents: bytes = self._file(fd).byte_contents or b""
        return contents[offset : offset + n]

    def pwrite(self, fd: int, data: Any, offset: int) -> int:
        """pwrite(2)."""
        opened = self._opened(fd)
        if opened is not None:
            return opened.file.pwrite(bytes(data), offset)
        if not self._is_fake(fd):
            return posix.pwrite(fd, data, offset)
        file = self._file(fd)
        contents = bytearray(file.byte_contents or b"").ljust(offset, b"\0")
        contents[offset : offset + len(data)] = data
        file.set_contents(bytes(contents))
        return len(data)

    def readv(self, fd: int, buffers: Any) -> int:
        """readv(2)."""
        return _scatter(self.read(fd, sum(len(memoryview(each).cast("B")) for each in buffers)), buffers)

    def writev(self, fd: int, buffers: Any) -> int:
        """writev(2)."""
        return self.write(fd, b"".join(bytes(each) for each in buffers))

    def preadv(self, fd: int, buffers: Any, offset: int, flags: int = 0) -> int:
        """preadv(2)."""
        return _scatter(self.pread(fd, sum(len(memoryview(each).cast("B")) for each in buffers), offset), buffers)

    def pwritev(self, fd: int, buffers: Any, offset: int, flags: int = 0) -> int:
        """pwritev(2)."""
        return self.pwrite(fd, b"".join(bytes(each) for each in buffers), offset)

    # --- the rest -----------------------------------------------------------------------------------
    def fstat(self, fd: int) -> Any:
        """fstat(2)."""
        return super().fstat(fd) if self._is_fake(fd) else posix.fstat(fd)

    def dup(self, fd: int) -> int:
        """dup(2)."""
        number: int = super().dup(fd) if self._is_fake(fd) else posix.dup(fd)
        return number

    def ftruncate(self, fd: int, length: int) -> None:
        """Accepted without effect on an attribute, as in sysfs."""
        if not self._is_fake(fd):
            posix.ftruncate(fd, length)
        elif self._opened(fd) is None:
            self._file(fd).size = length

    def isatty(self, fd: int) -> bool:
        """No attribute is a terminal."""
        return False if self._opened(fd) is not None else posix.isatty(fd)


def _scatter(data: bytes, buffers: Any) -> int:
    at = 0
    for buffer in buffers:
        view = memoryview(buffer).cast("B")
        piece = data[at : at + len(view)]
        view[: len(piece)] = piece
        at += len(piece)
    return at
