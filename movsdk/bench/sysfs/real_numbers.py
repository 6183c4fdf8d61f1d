"""Real descriptor numbers for fake open files, so that mmap(), numpy and anything in C may be handed one.

Each open of the fake file system reserves a real descriptor of the same number: of the memory behind a BAR, or of /dev/null.
Twin: none. Leans on two names of pyfakefs that may change: `add_open_file` and `close_open_file`.
"""

from __future__ import annotations

import posix
from typing import Any

from attrs import define, field
from pyfakefs.fake_filesystem import FakeFilesystem

from movsdk.bench.sysfs.fake_files import FakeAttr
from movsdk.bench.sysfs.memory_file import close_quietly
from movsdk.bench.sysfs.open_file import OpenFile

_STANDARD = 3


@define(eq=False)
class OpenAttr:
    """An attribute in the fake file system's table of open files."""

    file: OpenFile
    fake: FakeAttr
    filesystem: FakeFilesystem = field(repr=False)

    def get_object(self) -> FakeAttr:
        """The file it is open on."""
        return self.fake

    def close_fd(self, number: int) -> None:
        """Close one of its descriptors."""
        self.filesystem.close_open_file(number)

    def close(self) -> None:
        """Somebody puts another file on its number: nothing to flush."""

    def read(self, count: int) -> bytes:
        """Read at its position."""
        return self.file.read(count)


@define(eq=False)
class RealNumbers:
    """Installed on one fake file system; `release()` closes every number that is still reserved."""

    filesystem: Any
    _reserved: set[int] = field(factory=set, init=False, repr=False)
    _add: Any = field(init=False, repr=False)
    _close: Any = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._add, self._close = self.filesystem.add_open_file, self.filesystem.close_open_file
        self.filesystem.add_open_file = self.add
        self.filesystem.close_open_file = self.close

    def add(self, opened: Any, new_fd: int = -1) -> int:
        """Reserve a real number for `opened`, or put it on `new_fd` (dup2)."""
        if 0 <= new_fd < _STANDARD or (new_fd >= 0 and new_fd not in self._reserved and _is_open(new_fd)):
            number: int = self._add(opened, new_fd)
            return number
        source = _source(opened)
        if new_fd >= 0:
            posix.dup2(source, new_fd, False)
            posix.close(source)
            source = new_fd
        number = self._add(opened, source)
        self._reserved.add(number)  # after: what was open on the number gave it back just now
        return number

    def close(self, number: int) -> None:
        """Forget an open file and give its number back."""
        self._close(number)
        if number in self._reserved:
            self._reserved.discard(number)
            close_quietly(number)

    def retarget(self) -> None:
        """Let descriptors of BARs lead to where their BAR is now."""
        for number in self._reserved:
            for opened in self.filesystem.open_files[number] or ():
                if isinstance(opened, OpenAttr) and opened.file.attr.window is not None:
                    source = _source(opened)
                    posix.dup2(source, number, False)
                    posix.close(source)

    def opened(self, number: int) -> OpenAttr | None:
        """The attribute that is open on a number."""
        table = self.filesystem.open_files
        found = table[number] if 0 <= number < len(table) else None
        return found[0] if found and isinstance(found[0], OpenAttr) else None

    def release(self) -> None:
        """Close all."""
        for number in list(self._reserved):
            close_quietly(number)
        self._reserved.clear()


def _source(opened: Any) -> int:
    """A new real descriptor of what `opened` can be mapped to."""
    if isinstance(opened, OpenAttr) and opened.file.attr.window is not None:
        window = opened.file.attr.window.now()
        if window is not None:
            access = opened.file.flags & (posix.O_RDONLY | posix.O_WRONLY | posix.O_RDWR)
            return posix.open(f"/proc/self/fd/{window.file}", access | posix.O_CLOEXEC)
    return posix.open("/dev/null", posix.O_RDWR | posix.O_CLOEXEC)


def _is_open(number: int) -> bool:
    try:
        posix.fstat(number)
    except OSError:
        return False
    return True
