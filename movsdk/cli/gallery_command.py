"""``movsdk gallery``: the scenarios that come with movsdk; ``movsdk gallery NAME``: the text of one.

Twin: ``ls`` and ``cat`` of a folder. Plays nothing: that is ``movsdk run NAME``.
"""

from __future__ import annotations

import argparse
import re
import textwrap
from typing import Final

from movsdk.bench import gallery
from movsdk.bench.experiments.catalogue import EXPERIMENTS
from movsdk.errors import BadInput
from movsdk.report.line import Line
from movsdk.report.terminal import Terminal

_WIDTH: Final = 80
_INDENT: Final = 4


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("name", metavar="NAME", nargs="?", help="print the file of this one; default: list them all")


def run(options: argparse.Namespace) -> int:
    """List the scenarios with the first sentence of what each says of itself, or print one."""
    if options.name is not None:
        _print(options.name)
        return 0
    terminal = Terminal()
    for name in gallery.names():
        terminal.say(name, "bold")
        terminal.show(Line(line) for line in _wrapped(first_sentence(gallery.load(name).scenario.about)))
    with_file = sum(experiment.file is not None for experiment in EXPERIMENTS.values())
    terminal.say(
        f"\n{len(gallery.names())} scenarios: movsdk run NAME plays one, movsdk gallery NAME prints its file."
        f"\n{with_file} more are the experiments of the series: movsdk series N --scenario prints them."
    )
    return 0


def _print(name: str) -> None:
    path = gallery.find(name)
    if path is None:
        raise BadInput(f"there is no scenario {name!r:.60}; `movsdk gallery` lists the names")
    print(path.read_text(), end="")


def first_sentence(about: str) -> str:
    """The first sentence of a paragraph, on one line.

    >>> first_sentence("A card\\nof 2.5 MiB comes. It fits.")
    'A card of 2.5 MiB comes.'
    """
    return re.split(r"(?<=\.)\s+(?=[A-Z])", " ".join(about.split()), maxsplit=1)[0]


def _wrapped(words: str) -> list[str]:
    indent = " " * _INDENT
    return textwrap.wrap(words, _WIDTH - 1, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
