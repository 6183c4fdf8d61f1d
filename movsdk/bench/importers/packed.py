"""What bug trackers pack: one file in gzip, bzip2 or xz, and files in a zip archive.

Bounded: what unpacks to more than a dump can hold is refused before it is unpacked whole. Tar archives are `files.ArchiveFiles`.
"""

from __future__ import annotations

import bz2
import lzma
import os
import stat
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from movsdk.bench.importers.dump_lines import MAX_FILE
from movsdk.bench.importers.files import MOST_BYTES, MOST_FILES, Files
from movsdk.errors import BadInput

_ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")
_OPENERS: Final[tuple[tuple[bytes, str, Callable[[], Any]], ...]] = (
    (b"\x1f\x8b", "gzip", lambda: zlib.decompressobj(wbits=31)),
    (b"BZh", "bzip2", bz2.BZ2Decompressor),
    (b"\xfd7zXZ\0", "xz", lzma.LZMADecompressor),
)
_OTHERS: Final = (
    (b"\x28\xb5\x2f\xfd", "zstd", "zstd -d"),
    (b"7z\xbc\xaf\x27\x1c", "7z", "7z x"),
    (b"Rar!", "rar", "unrar x"),
    (b"%PDF-", "PDF", "pdftotext"),
)
_STEP: Final = 1 << 20
_LINK_TYPE: Final = 16


def is_zip(path: Path) -> bool:
    """True if the file begins as a zip archive."""
    try:
        with path.open("rb") as stream:
            return stream.read(4) in _ZIP
    except OSError:
        return False


def unpacked(path: Path, data: bytes) -> bytes:
    """Return what was packed in `data`; plain data as it is.

    Raises:
        BadInput: more than `dump_lines.MAX_FILE` bytes, cut off, damaged, or packed by what Python cannot unpack.
    """
    for magic, name, opener in _OPENERS:
        if data.startswith(magic):
            return _opened(path, data, name, opener)
    for magic, name, tool in _OTHERS:
        if data.startswith(magic):
            raise BadInput(f"{path}: is a {name} file, which is not read; unpack it first: {tool} {path.name}")
    return data


def _opened(path: Path, data: bytes, name: str, opener: Callable[[], Any]) -> bytes:
    found, rest = bytearray(), data
    try:
        while rest:  # one member after the other, as `cat a.gz b.gz` makes them
            member = opener()
            while not member.eof:
                piece = member.decompress(rest, _STEP)
                rest = getattr(member, "unconsumed_tail", b"")
                found += piece
                if len(found) > MAX_FILE:
                    raise BadInput(f"{path}: unpacks to more than {MAX_FILE >> 20} MiB; that is no dump of one machine")
                if not piece and not rest and not member.eof:
                    raise EOFError("its end is missing")
            rest = member.unused_data.lstrip(b"\0")
    except (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError) as error:
        raise BadInput(f"{path}: cannot be unpacked ({name}): {error}; it may be cut off or damaged") from None
    return bytes(found)


class ZipFiles(Files):
    """In a zip archive."""

    def __init__(self, place: Path) -> None:
        """Raises `BadInput` if it cannot be unpacked, or is too big."""
        self.place = place
        self._data: dict[str, bytes] = {}
        self._links: dict[str, str] = {}
        try:
            with zipfile.ZipFile(place) as archive:
                self._unpack(archive)
        except (OSError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, ValueError, NotImplementedError) as error:
            raise BadInput(f"{place}: not an archive that can be unpacked: {error}; it may be cut off") from None
        except RuntimeError:  # what zipfile says of a password
            raise BadInput(f"{place}: is locked with a password; unpack it, and give the folder") from None

    def _unpack(self, archive: zipfile.ZipFile) -> None:
        total = 0
        members = [member for member in archive.infolist() if not member.is_dir()]
        if len(members) > MOST_FILES:
            raise BadInput(f"{self.place}: more than {MOST_FILES} files; pack one dump")
        for member in members:
            name = os.path.normpath("/" + member.filename.replace("\\", "/"))[1:]
            with archive.open(member) as stream:
                data = stream.read(MAX_FILE + 1)  # what the member's header says of its size may be wrong
            total += len(data)
            if len(data) > MAX_FILE:
                raise BadInput(f"{self.path(name)}: longer than {MAX_FILE >> 20} MiB; that is no dump of one machine")
            if total > MOST_BYTES:
                raise BadInput(f"{self.place}: unpacks to more than {MOST_BYTES >> 20} MiB; that is no dump of one machine")
            if stat.S_ISLNK(member.external_attr >> _LINK_TYPE):
                self._links[name] = data.decode(errors="replace")
            else:
                self._data[name] = data

    def names(self) -> list[str]:
        """Sorted, not in the archive's order."""
        return sorted({*self._data, *self._links})

    def read(self, name: str) -> bytes | None:
        """As packed."""
        return self._data.get(name)

    def link(self, name: str) -> str | None:
        """As packed."""
        return self._links.get(name)
