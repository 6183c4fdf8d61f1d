"""A dump file as lines of text, or the one line that says why it is none.

Takes whatever somebody copied out of a terminal: CRLF, a byte-order mark, trailing blanks. Knows no format.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from movsdk.bench.place import show
from movsdk.errors import BadInput

MAX_FILE: Final = 32 << 20
_MAX_LINE: Final = 4096


def bad(path: Path, line: int, problem: str) -> BadInput:
    """The error for a line (from 1) of a dump file."""
    return BadInput(f"{path}:{line}: {problem}", path=str(path), line=line)


def read_lines(path: Path, *, is_whole: bool = False) -> Iterator[tuple[int, str]]:
    """Yield each line of the file with its number, from 1, without its end.

    Args:
        is_whole: refuse a last line without an end: in a format where half a line reads like a line, it tells a cut.
    Raises:
        BadInput: no such file, too big, no text, or cut off.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_FILE + 1)
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}; a dump folder holds it") from None
    if len(data) > MAX_FILE:
        raise BadInput(f"{path}: longer than {MAX_FILE >> 20} MiB; that is no dump of one machine")
    if not data.strip():
        raise BadInput(f"{path}: is empty")
    for number, raw in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        yield number, _text(raw.rstrip(b"\r"), path, number)
    if is_whole and not data.endswith(b"\n"):
        raise bad(path, data.count(b"\n") + 1, "the last line has no end; the file was cut off, copy it whole")


def _text(raw: bytes, path: Path, number: int) -> str:
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise bad(path, number, f"not text: byte {raw[error.start]:#04x}") from None
    if len(text) > _MAX_LINE or any(char < " " and char != "\t" for char in text):
        raise bad(path, number, f"not text of a dump: {show(text)}")
    return text.rstrip()
