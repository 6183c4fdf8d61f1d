"""Printing lines on a terminal, wrapped and in colour; into a file or pipe each stays one line of plain text.

Twin: isatty(3). Chooses no words. A name from a scenario is text, never markup.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterable
from typing import IO, Any, Final

from rich.console import Console
from rich.text import Text

from movsdk.report.line import Line

_PLAIN: Final = str.maketrans({"│": "|", "├": "|", "└": "`", "─": "-"})


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Let the command decide what happens when nobody reads its output."""
        raise BrokenPipeError


class Terminal:
    """Where a command prints: `file`, by default standard output. Colours follow NO_COLOR and TERM."""

    def __init__(self, file: IO[str] | None = None, **options: Any) -> None:
        stream = file or sys.stdout
        self._console = _Console(file=stream, highlight=False, markup=False, emoji=False, **options)
        self._is_plain = not (self._console.encoding or "").lower().startswith("utf")

    @property
    def width(self) -> int | None:
        """Characters in a line; None where lines are not read on a terminal."""
        return self._console.width if self._console.is_terminal else None

    def say(self, text: str = "", style: str = "", indent: int = 4) -> None:
        """Print one line."""
        self.show([Line(text, style, indent)])

    def show(self, lines: Iterable[Line]) -> None:
        """Print lines."""
        for line in lines:
            text = line.text.translate(_PLAIN) if self._is_plain else line.text
            for part in self._wrapped(text, line.indent):
                self._console.print(Text(part, line.style), soft_wrap=True)

    def title(self, text: str) -> None:
        """Print a heading."""
        self.say(f"== {text}", "bold")

    def _wrapped(self, text: str, indent: int) -> list[str]:
        width = self.width
        if width is None or len(text) <= width:
            return [text]
        return textwrap.wrap(
            text, width, subsequent_indent=" " * indent, break_on_hyphens=False, drop_whitespace=True, tabsize=4
        ) or [""]
