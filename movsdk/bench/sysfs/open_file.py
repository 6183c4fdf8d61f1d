"""A file of the view that somebody opened: what read, write and lseek do to it.

Twin: fs/kernfs/file.c and fs/sysfs/file.c. Knows no descriptor number; the back ends have those.
"""

from __future__ import annotations

import errno
import os

from attrs import define, field

from movsdk.bench.sysfs.node import PAGE, Attr

_ACCESS = os.O_RDONLY | os.O_WRONLY | os.O_RDWR


@define(eq=False)
class OpenFile:
    """An attribute opened with `flags` (``os.O_*``).

    Raises:
        OSError: EACCES if the attribute cannot be read or written so, even by root; later ENODEV once the device is gone.
    """

    attr: Attr
    flags: int
    position: int = field(default=0, init=False)
    _shown: bytes | None = field(default=None, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        attr = self.attr
        if self.can_read and (not attr.mode & 0o444 or not (attr.show or attr.read_at or attr.window)):
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))
        if self.can_write and (not attr.mode & 0o222 or not (attr.store or attr.write_at or attr.window)):
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))

    @property
    def can_read(self) -> bool:
        """Opened for reading."""
        return self.flags & _ACCESS != os.O_WRONLY

    @property
    def can_write(self) -> bool:
        """Opened for writing."""
        return self.flags & _ACCESS != os.O_RDONLY

    # --- at the position ---------------------------------------------------------------------------
    def read(self, count: int) -> bytes:
        """Up to `count` bytes from the position on."""
        data = self.pread(count, self.position)
        self.position += len(data)
        return data

    def write(self, data: bytes) -> int:
        """Write at the position; returns how many bytes were taken."""
        taken = self.pwrite(data, self.position)
        self.position += taken
        return taken

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Set the position; returns it. Raises EINVAL."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self.position, os.SEEK_END: self.attr.size}.get(whence)
        if base is None or base + offset < 0:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        self.position = base + offset
        return self.position

    # --- anywhere ----------------------------------------------------------------------------------
    def pread(self, count: int, offset: int) -> bytes:
        """Up to `count` bytes from `offset` on. Text is shown afresh whenever it is read from its start."""
        self._check(self.can_read)
        _check_offset(offset)
        attr = self.attr
        if attr.show is not None:
            if not offset or self._shown is None:
                self._shown = attr.show().encode()[:PAGE]
            return self._shown[offset : offset + count]
        if attr.read_at is None:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        count = max(0, min(count, attr.size - offset))
        return attr.read_at(offset, count) if count else b""

    def pwrite(self, data: bytes, offset: int) -> int:
        """Write at `offset`; returns how many bytes were taken."""
        self._check(self.can_write)
        _check_offset(offset)
        attr = self.attr
        if attr.store is not None:
            if data:
                attr.store(bytes(data[:PAGE]))
            return min(len(data), PAGE)
        if attr.write_at is None:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        if not data:
            return 0
        if offset >= attr.size:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
        return attr.write_at(offset, bytes(data[: attr.size - offset]))

    def _check(self, allowed: bool) -> None:
        if not allowed:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        if not self.attr.is_alive():
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))


def _check_offset(offset: int) -> None:
    if offset < 0:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
