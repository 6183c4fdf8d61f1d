"""What mail programs, browsers and forums do to a dump, undone: quote marks, quoted-printable, HTML, line numbers, broken lines.

Every line keeps its number, so that messages point into the file as it is. Knows no format; `dump_lines` reads the file.
"""

from __future__ import annotations

import html
import quopri
import re
from collections.abc import Callable
from typing import Final

_QUOTED: Final = re.compile(r"^(?:>+ ?)+")
_TAGS: Final = re.compile(r"^(?:</?[A-Za-z][\w-]*(?: [^<>]*)?>)+|(?:</(?:pre|code|p|div|span)>)+$")
_ENTITY: Final = re.compile(r"&(?:lt|gt|amp|quot|nbsp|#\d{1,5});")
_SPACES: Final = str.maketrans("\u00a0\u2007\u202f", "   ")
_FENCE: Final = re.compile(r"\s*(?:(?:```|~~~)\w*|\[/?code[^\]]*\])\s*")
_PROMPT: Final = re.compile(
    r"\S*[$#%] *(?:(?:sudo|doas) )?(?:cat|lspci|dmesg|journalctl|for|find|grep)\b.*|[\w.-]+@[\w.-]+:\S*[$#] *"
)
_NUMBERED: Final = re.compile(r" {0,6}(?P<number>[1-9]\d{0,8})(?:\t|:(?! [0-9a-f]{2}\b)|$)")
_SOFT_BREAK: Final = 60  # bytes; quoted-printable breaks at 76 or a little before
_NARROWEST: Final = 56  # columns; nobody breaks lines that are shorter


def without_encoding(rows: list[bytes]) -> list[bytes]:
    """Undo quoted-printable, as in the source of a mail; a line that was put together stands where its first part stood."""
    if sum(row.endswith(b"=") and len(row) >= _SOFT_BREAK for row in rows) < 2:
        return rows
    found: list[bytes] = []
    begun, count = b"", 0
    for row in rows:
        count += 1
        if row.endswith(b"="):
            begun += row[:-1]
            continue
        found += [quopri.decodestring(begun + row).rstrip(b"\n"), *[b""] * (count - 1)]
        begun, count = b"", 0
    return found + ([quopri.decodestring(begun), *[b""] * (count - 1)] if count else [])


def without_numbers(lines: list[str]) -> list[str]:
    """Take away the line numbers of ``cat -n`` or ``grep -n``: each line begins with one, and each is greater than the last.

    >>> without_numbers(["     1\\t00:00.0 Host bridge: it", "     2\\t"])
    ['00:00.0 Host bridge: it', '']
    """
    found, last = list[str](), 0
    for line in lines:
        match = _NUMBERED.match(line) if line else None
        if match is None and line:
            return lines
        if match is not None:
            if int(match["number"]) <= last:
                return lines
            last = int(match["number"])
        found.append(line[match.end() :] if match is not None else "")
    return found


def plain(line: str) -> str:
    """Return the line without quote marks, HTML and hard spaces; empty if it only frames a dump, or calls for it.

    >>> plain("> > &lt;access denied&gt;")
    '<access denied>'
    """
    line = _QUOTED.sub("", line) if line.startswith(">") else line
    if "<" in line or "&" in line:
        line = html.unescape(_TAGS.sub("", line)) if _ENTITY.search(line) else _TAGS.sub("", line)
    line = line if line.isascii() else line.translate(_SPACES)
    return "" if _FENCE.fullmatch(line) or _PROMPT.fullmatch(line) else line


def rejoined(lines: list[str], goes_on: Callable[[str, str], bool]) -> list[str]:
    """Put together what was broken at the width of a mail. The parts of a line stand where the first one stood.

    Args:
        goes_on: whether a line (its second argument) may be the rest of the one before it.
    """
    found: list[str] = []
    start = -1
    for number, line in enumerate(lines):
        before = lines[number - 1] if number else ""
        if start >= 0 and line.strip() and _may_be_broken(before, found[start]) and goes_on(found[start], line):
            found[start] = f"{found[start]} {line.strip()}"
            found.append("")
        else:
            start = number
            found.append(line)
    return found


def _may_be_broken(last: str, begun: str) -> bool:
    """True for a line as wide as a mail, or that ends within brackets."""
    return bool(last.strip()) and (len(last.expandtabs()) >= _NARROWEST or begun.count("[") > begun.count("]"))
