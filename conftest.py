"""Makes every page a test: each README.md and docs/ page runs from top to bottom, in one folder, with one set of names.

The folder is empty but for `tests`, a link to ours, so that a page can name the golden vectors.

A block whose first line is ``# file: NAME`` is saved in the page's folder. Any other ``python`` block runs. The ``$`` lines of a
``console`` block run in that folder and must print what stands below them (``...`` as in doctest; a command with nothing below it
must succeed). ``sh`` blocks and all others are not run. Knows nothing of the SDK.
"""

from __future__ import annotations

import doctest
import gc
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sybil import Example, Sybil
from sybil.evaluators.python import PythonEvaluator
from sybil.example import SybilFailure
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser, SkipParser

_FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
_FILE = re.compile(r"# file: ([\w.-]+)\n")
_COMMAND = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)
_run_python = PythonEvaluator()
_TESTS = Path(__file__).parent / "tests"


def _save(example: Example) -> None:
    """Write a block that opens with ``# file: NAME`` into the page's folder."""
    if match := _FILE.match(example.parsed):
        (example.namespace["folder"] / match[1]).write_text(example.parsed)


def _save_or_run(example: Example) -> None:
    if _FILE.match(example.parsed):
        _save(example)
    else:
        _run_python(example)


def _run_commands(example: Example) -> str | None:
    """Run the ``$`` lines of a block one by one; return the first difference, or None."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment["PATH"]])
    environment |= {"COLUMNS": "130", "NO_COLOR": "1"}
    for command, expected in _COMMAND.findall(example.parsed + "\n"):
        folder = example.namespace["folder"]
        shell = ["bash", "-c", f"exec 2>&1\n{command}"]  # both streams in the order in which a terminal shows them
        done = subprocess.run(shell, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        printed = done.stdout
        if expected.strip() and not doctest.OutputChecker().check_output(expected, printed, _FLAGS):
            return f"$ {command}\nexpected:\n{expected}\ngot:\n{printed}"
        if not expected.strip() and done.returncode:
            return f"$ {command}\nended with status {done.returncode}:\n{printed}"
    return None


_python = PythonCodeBlockParser(doctest_optionflags=_FLAGS)
_python.codeblock_parser = CodeBlockParser("python", _save_or_run)
_PAGES = Sybil(
    parsers=[
        _python,
        CodeBlockParser("yaml", _save),
        CodeBlockParser("console", _run_commands),
        SkipParser(),
    ],
    patterns=["README.md", "docs/*.md", "docs/**/*.md"],
)


class Page(pytest.File):
    """A file of documentation. One test and not one an example: the examples build on each other, and workers share no names."""

    def collect(self) -> Iterator[pytest.Item]:
        if list(_PAGES.parse(self.path).examples()):
            yield PageTest.from_parent(self, name="examples")


class PageTest(pytest.Item):
    """All examples of one page, in order."""

    def runtest(self) -> None:
        document = _PAGES.parse(self.path)
        with TemporaryDirectory(prefix="movsdk-page-") as folder:
            document.namespace["folder"] = Path(folder)
            (Path(folder) / "tests").symlink_to(_TESTS)
            for example in document.examples():
                example.evaluate()

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:
        if isinstance(excinfo.value, SybilFailure):
            return str(excinfo.value)
        return str(excinfo.getrepr(style="short"))

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, f"examples of {self.path.name}"


def pytest_configure() -> None:
    # Whoever is started in the background ignores Ctrl-C, and so would every child that a test interrupts.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    # Seven thousand tests are a big heap that lives to the end: the collector need not walk through it again and again.
    gc.collect()
    gc.freeze()


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> Page | None:
    return Page.from_parent(parent, path=file_path) if _PAGES.should_parse(file_path) else None
