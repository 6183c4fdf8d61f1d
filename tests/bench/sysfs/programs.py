"""The driver in C: compiled once, run in a process of its own, talked to line by line."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from attrs import define, field

SOURCE = Path(__file__).with_name("driver.c")
needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")


@cache
def compiled() -> str:
    """The program's path."""
    place = Path(tempfile.mkdtemp(prefix="driver")) / "driver"
    subprocess.run(["gcc", "-O2", "-Wall", "-Werror", "-o", str(place), str(SOURCE)], check=True)
    return str(place)


@define(eq=False)
class Program:
    """It runs, and has said its first line."""

    process: subprocess.Popen[str] = field(repr=False)
    first: str

    def again(self) -> str:
        """Let it write and read once more; what it read."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()


@contextlib.contextmanager
def driving(config: str, resource: str) -> Iterator[Program]:
    """Run the driver on two files."""
    with subprocess.Popen([compiled(), config, resource], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield Program(process, process.stdout.readline().strip())
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(30) == 0
