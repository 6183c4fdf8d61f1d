"""The progress bar: on a terminal only."""

from __future__ import annotations

from io import StringIO

from movsdk.report.progress import progress_bar


class Screen(StringIO):
    """A file that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_sees_how_far_it_is() -> None:
    """Parts done of all parts; the line is taken away in the end."""
    screen = Screen()
    with progress_bar("parts", screen) as progress:
        progress(3, 7)
        progress(7, 7)

    assert "parts" in screen.getvalue()
    assert "7/7" in screen.getvalue()
    assert screen.getvalue().endswith("\x1b[1A\x1b[2K")


def test_a_file_sees_nothing() -> None:
    """Output that is kept or piped is not written over."""
    file = StringIO()
    with progress_bar("parts", file) as progress:
        progress(1, 2)

    assert file.getvalue().strip() == ""
