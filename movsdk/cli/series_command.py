"""``movsdk series``: what each of the 21 patches is for; ``movsdk series N``: with it and without it, side by side.

Twin: ``git log --oneline`` of a branch of 21 commits, and the test that each of them would need.
"""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Iterator
from typing import Final

from movsdk.bench.experiments.catalogue import EXPERIMENTS, Comparison, compare
from movsdk.report.line import Line
from movsdk.report.side_by_side import side_by_side
from movsdk.report.terminal import Terminal
from movsdk.rescan.rules import by_name
from movsdk.rescan.series import SERIES, Patch, patch

_WIDTH: Final = 80
_INDENT: Final = 4


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "number", metavar="N", type=int, nargs="?", help="play the experiment of patch N (1-21); default: list them all"
    )
    parser.add_argument("--rules", default="v2", help="take the patch out of v2 (default), v5 or v9")
    parser.add_argument("--scenario", action="store_true", help="print the experiment's scenario, for `movsdk run`")


def run(options: argparse.Namespace) -> int:
    """List the series, or play one experiment. Fails if an experiment does not tell with from without."""
    terminal = Terminal()
    if options.number is None:
        return _list(terminal)
    if options.scenario:
        print(EXPERIMENTS[patch(options.number).number].text, end="")
        return 0
    return _one(options.number, options.rules, terminal)


def _list(terminal: Terminal) -> int:
    telling = 0
    for part in SERIES:
        comparison = compare(part.number)
        telling += comparison.tells
        terminal.show(_described(part))
        outcome = [_word(seen.is_kept) for seen in (comparison.having, comparison.lacking)]
        terminal.show(
            _labelled("experiment", "{} It goes {} with the patch, {} without.".format(comparison.experiment.story, *outcome))
        )
    terminal.say(f"\n{telling} of {len(SERIES)} patches make the difference in their experiment", "bold")
    return 0 if telling == len(SERIES) else 1


def _one(number: int, rules: str, terminal: Terminal) -> int:
    base = by_name(rules)
    comparison = compare(number, base)
    terminal.show(_described(patch(number)))
    terminal.show(_labelled("later", patch(number).later))
    terminal.show(_labelled("experiment", comparison.experiment.story))
    terminal.say()
    titles = (f"with patch {number}", f"without patch {number}")
    rows = [*comparison.rows, ("it goes", _word(comparison.having.is_kept), _word(comparison.lacking.is_kept))]
    terminal.show(side_by_side(rows, titles, min(terminal.width or _WIDTH, _WIDTH)))
    terminal.show(_advice(comparison, rules))
    return 0 if comparison.tells else 1


def _word(is_kept: bool) -> str:
    return "well" if is_kept else "wrong"


def _described(part: Patch) -> Iterator[Line]:
    yield Line(f"{part.number:>2}  {part.title}", "bold")
    yield from _labelled("where", ", ".join(part.where))
    yield from _labelled("without it", part.breaks)
    yield from _labelled("comes out", part.alone)


def _labelled(label: str, words: str) -> Iterator[Line]:
    indent = " " * _INDENT
    text = textwrap.wrap(
        f"{label + ':':<12} {words}",
        _WIDTH - 1,
        initial_indent=indent,
        subsequent_indent=indent + " " * 13,
        break_on_hyphens=False,
        break_long_words=False,
    )
    yield from map(Line, text)


def _advice(comparison: Comparison, rules: str) -> Iterator[Line]:
    experiment = comparison.experiment
    if not comparison.tells:
        yield Line(f"\nunder rules {rules} this experiment does not tell the patch: it is made for v2", "red")
    if experiment.file is not None:
        yield Line(
            f"\nmovsdk series {experiment.number} --scenario > x.yaml; movsdk run x.yaml --rules v2 --without {experiment.number}"
        )
