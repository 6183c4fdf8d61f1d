"""The `movsdk` command: finds the sub-command, runs it, turns errors into one line and an exit status.

0 = done; 1 = an invariant of ours or a driver's contract broke, or an expectation differs; 2 = bad input.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Final, NoReturn, Protocol

from movsdk.errors import BadInput, MovError

COMMANDS: Final = {
    "demo": "the main job on a real machine: a hot-added device fits because a running NVMe lets its BAR move",
    "run": "play a scenario: what was paused, what moved, what failed and why",
    "import": "a scenario out of the dump of a real machine",
    "race": "two siblings probed below one bridge: the enable race, step by step",
    "agree": "play golden vectors of real kernels and count how many agree",
}


class Command(Protocol):
    """What a module of a sub-command has."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options."""

    def run(self, options: argparse.Namespace) -> int:
        """Do it; returns the exit status."""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong with the options in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; try {self.prog} --help\n")


def _parser() -> _Parser:
    parser = _Parser(prog="movsdk", description="Movable PCI BARs without the hardware.")
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    parser.add_argument("command", nargs="?", metavar="COMMAND", help="; ".join(f"{k}: {v}" for k, v in COMMANDS.items()))
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] in ("-h", "--help"):
        print("usage: movsdk COMMAND ...   (movsdk COMMAND --help tells more)\n")
        for name, text in COMMANDS.items():
            print(f"  {name:<8} {text}")
        return 0
    if words[0] == "--version":
        from movsdk import __version__

        print(f"movsdk {__version__}")
        return 0
    return _run(words[0], words[1:])


def _run(name: str, words: list[str]) -> int:
    if name not in COMMANDS:
        print(f"movsdk: there is no command {name!r}; there are {', '.join(COMMANDS)}", file=sys.stderr)
        return 2
    command: Command = import_module(f"movsdk.cli.{name}_command")
    parser = _Parser(prog=f"movsdk {name}", description=COMMANDS[name])
    command.add_arguments(parser)
    try:
        return command.run(parser.parse_args(words))
    except BadInput as error:
        print(f"movsdk {name}: {error}", file=sys.stderr)
        return 2
    except MovError as error:
        print(f"movsdk {name}: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output went away; Python would complain at exit
        return 0


if __name__ == "__main__":
    sys.exit(main())
