"""Files by name, wherever they are: below a folder, in a tar archive, or in this machine's /sys.

Bounded: a folder of a hundred thousand files, or an archive that unpacks to gigabytes, is refused. Follows no link out of a walk.
"""

from __future__ import annotations

import os
import re
import stat
import tarfile
import zlib
from abc import ABC, abstractmethod
from lzma import LZMAError
from pathlib import Path
from typing import Final

from movsdk.bench.importers.dump_lines import MAX_FILE
from movsdk.errors import BadInput

MOST_FILES: Final = 200_000
MOST_BYTES: Final = 128 << 20
BDF: Final = re.compile(r"[0-9a-fA-F]{4,8}:[0-9a-fA-F]{2}:[01][0-9a-fA-F]\.[0-7]")
_NOT_BELOW: Final = frozenset(
    ("power", "msi_irqs", "link", "kernel", "module", "fs", "class", "block", "firmware", "virtual", "net", "drm")
)
_DEVICE_FILES: Final = [
    "config",
    "resource",
    "vendor",
    "device",
    "class",
    "revision",
    "subsystem_vendor",
    "subsystem_device",
    "uevent",
    "driver",
    "physfn",
    "resource0_resize",
    "resource1_resize",
    "resource2_resize",
    "resource3_resize",
    "resource4_resize",
    "resource5_resize",
]


class Files(ABC):
    """Names relative to `place`, with ``/`` between."""

    place: Path

    @abstractmethod
    def names(self) -> list[str]:
        """All regular files and links, sorted. Raises `BadInput` if there are too many."""

    @abstractmethod
    def read(self, name: str) -> bytes | None:
        """The contents of a file, None if it cannot be read."""

    @abstractmethod
    def link(self, name: str) -> str | None:
        """Where a link leads, None if it is none."""

    def path(self, name: str) -> Path:
        """What to call a file in messages."""
        return self.place / name


class FolderFiles(Files):
    """Below a folder."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def names(self) -> list[str]:
        """Walks, and follows no links."""
        found: list[str] = []
        for folder, below, files in os.walk(self.place, onerror=None):
            inside = os.path.relpath(folder, self.place)
            prefix = "" if inside == "." else f"{inside}/"
            links = [name for name in below if os.path.islink(os.path.join(folder, name))]
            below[:] = sorted(name for name in below if name not in _NOT_BELOW or not BDF.search(inside))
            found += [prefix + name for name in (*files, *links)]
            if len(found) > MOST_FILES:
                raise BadInput(f"{self.place}: more than {MOST_FILES} files; name the folder of one dump")
        return sorted(found)

    def read(self, name: str) -> bytes | None:
        """Regular files only: a pipe would wait for somebody to write."""
        path = self.place / name
        try:
            if not stat.S_ISREG(path.stat().st_mode):
                return None
            with path.open("rb") as stream:
                return stream.read(MAX_FILE + 1)
        except OSError:
            return None

    def link(self, name: str) -> str | None:
        """As readlink says."""
        try:
            return os.readlink(self.place / name)
        except OSError:
            return None


class LiveFiles(FolderFiles):
    """The /sys of a running machine: only what stands in bus/pci/devices, through its links."""

    def names(self) -> list[str]:
        """The few files of each device that are read; reading them changes nothing."""
        devices = self.place / "bus" / "pci" / "devices"
        try:
            found = sorted(entry for entry in os.listdir(devices) if BDF.fullmatch(entry))
        except OSError:
            return []
        return [
            f"bus/pci/devices/{entry}/{name}" for entry in found for name in _DEVICE_FILES if (devices / entry / name).exists()
        ]


class ArchiveFiles(Files):
    """In a tar archive, compressed or not."""

    def __init__(self, place: Path) -> None:
        """Raises `BadInput` if it is no archive, or too big."""
        self.place = place
        self._data: dict[str, bytes] = {}
        self._links: dict[str, str] = {}
        total = 0
        try:
            with tarfile.open(place, "r:*") as archive:
                for member in archive:
                    name = os.path.normpath("/" + member.name)[1:]
                    if member.issym():
                        self._links[name] = member.linkname
                    elif member.isfile():
                        total += member.size
                        if member.size > MAX_FILE or total > MOST_BYTES:
                            raise BadInput(
                                f"{place}: unpacks to more than {MOST_BYTES >> 20} MiB; that is no dump of one machine"
                            )
                        stream = archive.extractfile(member)
                        self._data[name] = stream.read(MAX_FILE + 1) if stream is not None else b""
                    if len(self._data) + len(self._links) > MOST_FILES:
                        raise BadInput(f"{place}: more than {MOST_FILES} files; pack one dump")
        except (OSError, tarfile.TarError, EOFError, zlib.error, LZMAError, ValueError) as error:
            raise BadInput(f"{place}: not an archive that can be unpacked: {error}; it may be cut off") from None

    def names(self) -> list[str]:
        """Sorted, not in the archive's order."""
        return sorted({*self._data, *self._links})

    def read(self, name: str) -> bytes | None:
        """Without the zeros that tar adds to sysfs files, whose size it does not know beforehand."""
        data = self._data.get(name)
        is_text = data is not None and not name.endswith("/config")
        return data.rstrip(b"\0") if data is not None and is_text else data

    def link(self, name: str) -> str | None:
        """As packed."""
        return self._links.get(name)
