"""Where in a document a value stands, and the one line that says what is wrong with it.

Builds `BadInput` messages; reads no files and knows no keys.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Final

from attrs import frozen

from movsdk.errors import BadInput

_LONGEST: Final = 60


def show(value: object) -> str:
    """Return `value` as JSON writes it, on one line and not too long.

    >>> show({"a": [1, None]}), show("x" * 99)[-8:]
    ('{"a": [1, null]}', 'xxxxx...')
    """
    if isinstance(value, str):
        value = value[: _LONGEST + 1]
    text = json.dumps(value, default=repr) if isinstance(value, int | str | type(None)) else _outline(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def _outline(value: object) -> str:
    """Big values are cut before they are written out."""
    if isinstance(value, list) and len(value) > 8:
        return f"a list of {len(value)}"
    if isinstance(value, dict) and len(value) > 8:
        return f"an object of {len(value)} keys"
    try:
        return json.dumps(value, default=repr)
    except RecursionError:
        return "a deep nest"


@frozen
class Place:
    """A path into a document, as ``devices[3].bars[0]``; `lines` tells the line of a path, where the reader knows it."""

    where: str
    path: str = ""
    lines: Mapping[str, int] | None = None

    def at(self, key: str | int) -> Place:
        """The place of a key or of an item of a list."""
        step = f"[{key}]" if isinstance(key, int) else f".{key}" if self.path else key
        return Place(self.where, self.path + step, self.lines)

    @property
    def line(self) -> int | None:
        """The line of this place, or of the nearest place around it that has one."""
        path = self.path
        while self.lines:
            if path in self.lines:
                return self.lines[path]
            if not path:
                break
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return None

    def bad(self, problem: str) -> BadInput:
        """The error to raise: one line naming file, line and path."""
        line = self.line
        head = self.where if line is None else f"{self.where}:{line}"
        text = " ".join(f"{self.path}: {problem}".split()) if self.path else " ".join(problem.split())
        return BadInput(f"{head}: {text}" if head else text, where=self.where, path=self.path, line=line)

    def unknown(self, key: str, known: Iterable[str], what: str = "key") -> BadInput:
        """The error for a word that is none of `known`."""
        words = sorted(known)
        near = get_close_matches(str(key), words, n=1)
        advice = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(words)}"
        return self.bad(f"unknown {what} {show(key)}; {advice}")
