"""Lines on paper of different widths."""

from __future__ import annotations

import io
from typing import Any

import pytest

from movsdk.report.line import Line, cut, named
from movsdk.report.terminal import Terminal

LONG = "  paused: " + ", ".join(f"0000:{n:02x}:00.0" for n in range(8))


class Paper(io.StringIO):
    """A file with an encoding of its own."""

    encoding = "utf-8"


class Ascii(Paper):
    encoding = "ascii"


class Closed(Paper):
    """A pipe that nobody reads."""

    def write(self, text: str) -> int:
        raise BrokenPipeError

    def flush(self) -> None:
        pass


def printed(*lines: Line, paper: Paper | None = None, **options: Any) -> list[str]:
    file = paper or Paper()
    Terminal(file, **options).show(lines)
    return file.getvalue().splitlines()


def test_in_a_pipe_a_line_stays_a_line() -> None:
    """However long: grep and diff work on it. No colours, no blanks."""
    assert printed(Line(LONG, "red"), width=40) == [LONG]
    assert Terminal(Paper()).width is None


def test_on_a_terminal_a_long_line_goes_on_below() -> None:
    """Broken between words, indented."""
    lines = printed(Line(LONG, indent=4), force_terminal=True, width=40, color_system=None)

    assert lines[0] == "  paused: 0000:00:00.0, 0000:01:00.0,"
    assert all(line.startswith("    0000:") and len(line) <= 40 for line in lines[1:])
    assert " ".join(" ".join(lines).split()) == LONG.strip()


def test_names_are_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither markup nor emoji, nor a number to be coloured."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    name = "[red]card[/red] :smile: [v9] 0x1000"

    assert printed(Line(name)) == [name]
    assert printed(Line(name), force_terminal=True, width=80, color_system="standard") == [name]


def test_a_tree_is_drawn_with_what_there_is() -> None:
    """Where the output is no UTF-8, the lines are made of ASCII."""
    assert printed(Line("│  └─ 01:00.0"), Line("├─ x"), paper=Ascii()) == ["|  `- 01:00.0", "|- x"]


def test_an_empty_line_is_one_line() -> None:
    """Also on a terminal."""
    assert printed(Line(), Line("a"), force_terminal=True, width=10, color_system=None) == ["", "a"]


def test_a_reader_that_went_away_is_the_commands_business() -> None:
    """rich would end the program with its own status."""
    with pytest.raises(BrokenPipeError):
        Terminal(Closed()).say("x")


def test_lists_are_cut_and_counted() -> None:
    """The first ones, and how many there are besides."""
    assert named([str(n) for n in range(14)]) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 2 more"
    assert named(["a"]) == "a"
    assert [line.text for line in cut([Line("a"), Line("b"), Line("c")], 1, "moves")] == ["a", "  and 2 more moves"]
    assert cut([Line("a")], 1, "moves") == [Line("a")]
