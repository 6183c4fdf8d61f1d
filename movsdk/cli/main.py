"""The `movsdk` command: finds the sub-command, runs it, turns errors into one line and an exit status.

Twin: git's own main. 0 = done; 1 = an invariant of ours or a driver's contract broke, or an expectation differs; 2 = bad input.
Ctrl-C ends with 130 and a closed pipe with 141, without a word. Plays nothing itself.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from textwrap import fill
from typing import Final, NoReturn, Protocol

from movsdk.errors import BadInput

COMMANDS: Final = {
    "demo": "the main job: a card fits because a busy NVMe drive lets its BAR move",
    "run": "play a scenario: what was paused, what moved, what failed and why",
    "gallery": "the scenarios that come with movsdk, by name, for `movsdk run NAME`",
    "replay": "play a recorded run again: identical, or the first difference",
    "series": "the 21 patches: what each is for, played with it and without it",
    "import": "make a scenario of the dump of a real machine",
    "export": "the machine of a scenario for lspci, QEMU, Graphviz and others",
    "mount": "the machine of a scenario as a live /sys for lspci, setpci, a shell",
    "check": "does a driver survive moves of its BARs? If not, at which line",
    "new": "write the folder of a new driver, which conforms as it is",
    "race": "two devices enabled at once below one bridge, in every order",
    "agree": "play golden vectors of real kernels, count how many agree",
}
DONE, BROKEN, BAD_INPUT, INTERRUPTED, NO_READER = 0, 1, 2, 130, 141
EXITS: Final = "exit status: 0 done; 1 an invariant or a driver's contract was broken, or an expectation differs; 2 bad input"
_DEEPEST: Final = 5000  # calls: 255 bridges in a row, scanned through one another
TRACEBACK: Final = "MOVSDK_TRACEBACK"


class Command(Protocol):
    """What a module of a sub-command has."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options."""

    def run(self, options: argparse.Namespace) -> int:
        """Do it; returns the exit status."""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong with the options in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, f"{self.prog}: {_one_line(message)}; try {self.prog} --help\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status and raises nothing."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    name = words[0] if words and words[0] in COMMANDS else ""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a name that cannot be shown is no reason to stop
    sys.setrecursionlimit(max(sys.getrecursionlimit(), _DEEPEST))
    try:
        status = _dispatch(words)
        sys.stdout.flush()
    except BadInput as error:
        return _told(name, str(error), BAD_INPUT)
    except BrokenPipeError:
        _close_output()
        return NO_READER
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:  # the last resort: no user sees a traceback who did not ask for one
        if os.environ.get(TRACEBACK):
            raise
        from movsdk.cli.failure import describe

        return _told(name, f"{describe(error)}; {TRACEBACK}=1 shows where", BROKEN)
    return status


def _dispatch(words: list[str]) -> int:
    if words[:1] == ["help"]:
        words = [*words[1:2], "--help"]
    if not words or words[0] in ("-h", "--help"):
        print("usage: movsdk COMMAND ...   (movsdk COMMAND --help tells more)\n")
        for name, text in COMMANDS.items():
            print(f"  {name:<8} {text}")
        print(f"\n{fill(EXITS, 79)}")
        return DONE
    if words[0] == "--version":
        from movsdk import __version__

        print(f"movsdk {__version__}")
        return DONE
    if words[0] not in COMMANDS:
        near = get_close_matches(words[0], COMMANDS, n=1)
        advice = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(COMMANDS)}"
        raise BadInput(f"there is no command {words[0]!r:.60}; {advice}")
    return _run(words[0], words[1:])


def _run(name: str, words: list[str]) -> int:
    command: Command = import_module(f"movsdk.cli.{name}_command")
    parser = _Parser(
        prog=f"movsdk {name}",
        description=f"{COMMANDS[name]}.",
        epilog=EXITS,
        allow_abbrev=False,
    )
    command.add_arguments(parser)
    try:
        options = parser.parse_args(words)
    except SystemExit as done:  # --help, or options that are none
        return int(done.code or DONE)
    return command.run(options)


def _told(name: str, message: str, status: int) -> int:
    print(f"movsdk{f' {name}' if name else ''}: {_one_line(message)}", file=sys.stderr)
    return status


def _one_line(text: str) -> str:
    return text.replace("\r", "\\r").replace("\n", "\\n")


def _close_output() -> None:
    """Nobody reads any more: let what is still buffered go nowhere, or Python complains at exit."""
    try:
        descriptor = sys.stdout.fileno()
    except (OSError, ValueError):
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)


if __name__ == "__main__":
    sys.exit(main())
