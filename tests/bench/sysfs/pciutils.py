"""The real lspci and setpci, and what lspci prints read back."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import frozen

needs_pciutils = pytest.mark.skipif(
    not (shutil.which("lspci") and shutil.which("setpci")), reason="needs lspci and setpci: apt-get install pciutils"
)
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_REGION = re.compile(
    r"\t(?:Region (\d)|(Expansion ROM))[^ ]* ?:? ?(?:Memory |I/O ports )?at ([0-9a-f]+|<\w+>)(.*?)(?: \[size=(\d+)(\w?)\])?"
)
_WINDOW = re.compile(r"\t(I/O|Memory|Prefetchable memory) behind bridge: ([0-9a-f]+)-([0-9a-f]+) \[size=")


def lspci(tree: Path, *options: str) -> str:
    """Run lspci on a tree; whatever it complains about fails the test."""
    return _without_complaints(["lspci", "-A", "linux-sysfs", "-O", f"sysfs.path={tree}", *options])


def lspci_of_dump(dump: Path, *options: str) -> str:
    """Run ``lspci -F`` on a text of -xxxx; whatever it complains about fails the test."""
    return _without_complaints(["lspci", "-F", str(dump), *options])


def _without_complaints(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    complaints = [line for line in done.stderr.splitlines() if "libkmod" not in line]
    assert not complaints, complaints
    return done.stdout


def setpci(tree: Path, slot: str, *words: str) -> str:
    """Run setpci on one device; returns what it read."""
    command = ["setpci", "-A", "linux-sysfs", "-O", f"sysfs.path={tree}", "-s", slot, *words]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip()


@frozen
class Region:
    """A BAR (0-5), ROM (6) or window (7-9) as lspci prints it; `start` is None if it says that there is no address."""

    device: str
    index: int
    start: int | None
    size: int
    about: str = ""


def regions(text: str) -> Iterator[Region]:
    """What ``lspci -vv`` says of addresses."""
    device = ""
    for line in text.splitlines():
        if line and not line[0].isspace():
            device = line.split()[0]
        elif found := re.match(_REGION.pattern + "$", line):
            index = int(found[1]) if found[1] else 6
            start = None if found[3].startswith("<") else int(found[3], 16)
            yield Region(device, index, start, int(found[5] or 0) * _UNITS[found[6] or ""], found[4])
        elif found := _WINDOW.match(line):
            first, last = int(found[2], 16), int(found[3], 16)
            index = ("I/O", "Memory", "Prefetchable memory").index(found[1]) + 7
            yield Region(device, index, first, last - first + 1)
