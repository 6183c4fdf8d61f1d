"""A dump file as lines of text, or the one line that says why it is none.

Takes whatever somebody copied out of a terminal: CRLF, a byte-order mark, UTF-16, Latin-1, colours, trailing blanks; what mails
do to it is undone in `mangled`. Knows no format; see `kinds`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from attrs import frozen

from movsdk.bench.importers.mangled import plain, without_encoding, without_numbers
from movsdk.bench.place import show
from movsdk.errors import BadInput

MAX_FILE: Final = 32 << 20
_MAX_LINE: Final = 4096
_COLOURS: Final = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")
_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")


def bad(path: Path | str, line: int, problem: str) -> BadInput:
    """The error for a line (from 1) of a dump file."""
    return BadInput(f"{path}:{line}: {problem}", path=str(path), line=line)


@frozen
class At:
    """Where a fact comes from: a file, and a line in it (0 = the whole file)."""

    path: Path
    line: int = 0

    def bad(self, problem: str) -> BadInput:
        """The error for what stands here."""
        return bad(self.path, self.line, problem) if self.line else BadInput(f"{self.path}: {problem}", path=str(self.path))

    def __str__(self) -> str:
        return f"{self.path}:{self.line}" if self.line else str(self.path)

    @property
    def short(self) -> str:
        """Without the folder."""
        return f"{self.path.name}:{self.line}" if self.line else self.path.name


@frozen
class Text:
    """The lines of one file, without their ends. `has_end`: the last line has one, so that it was not cut in the middle."""

    path: Path
    lines: tuple[str, ...]
    has_end: bool = True

    def __iter__(self) -> Iterator[tuple[int, str]]:
        return enumerate(self.lines, start=1)

    def at(self, line: int) -> At:
        """The place of a line."""
        return At(self.path, line)

    def bad(self, line: int, problem: str) -> BadInput:
        """The error for a line."""
        return bad(self.path, line, problem)


def read_data(path: Path) -> bytes:
    """Return the bytes of the file, one more than it may have if it is too big. Raises `BadInput` if it cannot be read."""
    try:
        with open(path, "rb", opener=_without_waiting) as stream:
            return stream.read(MAX_FILE + 1)
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}; a dump holds it") from None


def _without_waiting(path: str, flags: int) -> int:
    """Open a pipe though nobody has its other end open: it reads as empty. A writer, as of ``<(lspci -vv)``, is waited for."""
    number = os.open(path, flags | os.O_NONBLOCK)
    os.set_blocking(number, True)
    return number


def text_of(path: Path, data: bytes) -> Text:
    """Return the lines in the bytes of a file, or out of an archive; `path` is what messages call them.

    Raises:
        BadInput: empty, too big, or no text.
    """
    if len(data) > MAX_FILE:
        raise BadInput(f"{path}: longer than {MAX_FILE >> 20} MiB; that is no dump of one machine")
    if not data.strip():
        raise BadInput(f"{path}: is empty")
    if data.startswith(_UTF16):
        data = data.decode("utf-16", errors="replace").encode()
    ends = b"\n" if b"\n" in data else b"\r"
    rows = without_encoding([row.rstrip(b"\r") for row in data.removeprefix(b"\xef\xbb\xbf").split(ends)])
    lines = tuple(without_numbers([_line(raw, path, number) for number, raw in enumerate(rows, start=1)]))
    return Text(path, lines, not lines[-1] or data.endswith((b"</pre>", b"```")))


def _line(raw: bytes, path: Path, number: int) -> str:
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        if raw[error.start] < 0xA0:
            raise bad(path, number, f"not text: byte {raw[error.start]:#04x}") from None
        text = raw.decode("latin-1")
    if "\x1b" in text:
        text = _COLOURS.sub("", text)
    if len(text) > _MAX_LINE or _CONTROL.search(text) is not None:
        raise bad(path, number, f"not text of a dump: {show(text)}")
    return plain(text).rstrip()
