"""A progress bar on standard error; nothing where that is no terminal.

Twin: dd's status=progress. Knows nothing of what progresses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


@contextmanager
def progress_bar(what: str, file: IO[str] | None = None) -> Iterator[Callable[[int, int], None]]:
    """Give a function to be called with (done, all); the bar is gone afterwards.

    Args:
        what: the word beside the bar.
        file: a terminal to draw on (default standard error).
    """
    console = Console(file=file, stderr=file is None, markup=False)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, every: bar.update(task, completed=done, total=every)
