"""The view as files of a fake file system: every lookup asks the view, nothing is stored.

Twin: the inodes that kernfs makes of its nodes. Opening is `fake_open`'s; nobody can create or remove anything here, as in sysfs.
"""

from __future__ import annotations

import errno
import os
import stat
import weakref
from typing import Any

from pyfakefs.fake_file import FakeDirectory, FakeFile
from pyfakefs.fake_filesystem import FakeFilesystem

from movsdk.bench.sysfs.node import Attr, Folder, Link, Node


class FakeAttr(FakeFile):
    """One attribute."""

    def __init__(self, name: str, attr: Attr, filesystem: FakeFilesystem) -> None:
        super().__init__(name, stat.S_IFREG | attr.mode, contents="", filesystem=filesystem)
        self.attr = attr
        self.st_size = attr.size

    @property
    def byte_contents(self) -> bytes | None:
        """What it shows now; empty if it shows nothing."""
        return self.attr.show().encode() if self.attr.show is not None else b""

    def set_contents(self, contents: Any, encoding: str | None = None) -> bool:
        """Refused: whoever writes opens it first."""
        raise OSError(errno.EPERM, "written only through an open file", self.name)


class FakeFolder(FakeDirectory):
    """One folder of the view."""

    def __init__(self, name: str, folder: Folder, filesystem: FakeFilesystem) -> None:
        self._made: dict[str, tuple[Node, FakeFile]] = {}
        self._folder = folder
        super().__init__(name, 0o755, filesystem)

    @property
    def entries(self) -> dict[str, FakeFile]:
        """What is in it now; the same object for the same node."""
        nodes = self._folder.entries() if self._folder.is_alive() else {}
        made = {}
        for name, node in nodes.items():
            known = self._made.get(name)
            if known is None or known[0] is not node:
                known = (node, self._new(name, node))
            made[name] = known
        self._made = made
        return {name: fake for name, (_, fake) in made.items()}

    @property
    def ordered_dirs(self) -> list[str]:
        """Names in the view's order."""
        return list(self.entries)

    @property
    def size(self) -> int:
        """Nothing of it takes space."""
        return 0

    @size.setter
    def size(self, st_size: int) -> None:
        raise OSError(errno.EISDIR, "is a folder", self.name)

    def add_entry(self, path_object: FakeFile) -> None:
        """Refused, as in sysfs."""
        code = errno.EPERM if stat.S_ISDIR(path_object.st_mode) else errno.EACCES
        raise OSError(code, os.strerror(code), self.name)

    def remove_entry(self, pathname_name: str, recursive: bool = True) -> None:
        """Refused, as in sysfs."""
        raise OSError(errno.EPERM, os.strerror(errno.EPERM), pathname_name)

    def _new(self, name: str, node: Node) -> FakeFile:
        fake = fake_of(name, node, self.filesystem)
        fake.parent_dir = weakref.ref(self)
        self.filesystem.last_ino += 1
        fake.st_ino = self.filesystem.last_ino
        fake.st_dev = self.st_dev
        fake.st_nlink += 1
        return fake


def fake_of(name: str, node: Node, filesystem: FakeFilesystem) -> FakeFile:
    """The fake file system's object for a node."""
    if isinstance(node, Attr):
        return FakeAttr(name, node, filesystem)
    if isinstance(node, Link):
        return FakeFile(name, stat.S_IFLNK | 0o777, contents=node.target, filesystem=filesystem)
    return FakeFolder(name, node, filesystem)
