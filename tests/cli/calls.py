"""Calling the command in this process, and the small machines that the tests of the command play."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from movsdk.cli.main import main

VECTORS = Path(__file__).resolve().parents[1] / "golden" / "vectors"

# One card behind a bridge that firmware put high up: the first rescan moves both to the front.
MOVING = """\
name: moving
windows:
  - {type: mem, start: 0xe0000000, last: 0xefffffff}
reserve: {io: 0, mem: 0, pref: 0}
devices:
  - id: port
    slot: 01.0
    kind: bridge
    driver: port
    pcie: root-port
    firmware: {bus: [0, 1, 1], mem: [0xe8000000, 0xe80fffff]}
  - id: card
    on: port
    slot: 00.0
    driver: DRIVER
    model: edu
    bars: [{n: 0, type: mem32, size: 1M, firmware: 0xe8000000}]
events:
  - {op: boot}
  - {op: rescan}
"""

# The smallest good driver, and what people make of it.
DRIVERS = """\
from movsdk import PciId


class Good:
    name, id_table = "good", [PciId(0x1234, 0x11E8)]

    def probe(self, dev, id):
        dev.enable_device()
        dev.drvdata = dev.iomap(0)

    def rescan_prepare(self, dev):
        dev.drvdata.iounmap()

    def rescan_done(self, dev):
        dev.drvdata = dev.iomap(0)

    def exercise(self, dev):
        assert dev.drvdata.readl(0) == 0x010000ED


class Stale(Good):
    name = "stale"

    def rescan_prepare(self, dev):
        pass

    def rescan_done(self, dev):
        dev.drvdata.readl(0)


class Raises(Good):
    def rescan_prepare(self, dev):
        raise KeyError("ring")


class Exits(Good):
    def rescan_done(self, dev):
        raise SystemExit(3)


class Misspelt(Good):
    def rescan_prepair(self, dev):
        pass

    rescan_prepare = None


class Unmade(Good):
    def __init__(self):
        raise ValueError("no")


class Quiet:
    name, id_table = "quiet", [PciId(0x1234, 0x11E8)]

    def probe(self, dev, id):
        pass
"""


@frozen
class Called:
    """What a call of the command came to."""

    status: int
    out: str
    err: str


def call(capsys: pytest.CaptureFixture[str], *words: str | Path) -> Called:
    """Run ``movsdk WORDS`` here."""
    capsys.readouterr()
    status = main([str(word) for word in words])
    printed = capsys.readouterr()
    return Called(status, printed.out, printed.err)


def moving(folder: Path, driver: str = "edu", *, name: str = "moving.yaml", more: str = "") -> Path:
    """Write the moving machine with a driver, and the users' drivers beside it."""
    (folder / "mine.py").write_text(DRIVERS)
    path = folder / name
    path.write_text(MOVING.replace("DRIVER", driver).replace("    model: edu\n", f"    model: edu\n{more}"))
    return path


def plain(**words: Any) -> dict[str, Any]:
    """A scenario as JSON: one card on the root bus."""
    card = {"id": "card", "slot": "01.0", "driver": "movable", "bars": [{"n": 0, "type": "mem32", "size": 4096}]}
    windows = [{"type": "mem", "start": 0xE000_0000, "last": 0xE0FF_FFFF}]
    return {"windows": windows, "devices": [card], **words}


def vector(folder: Path, *lines: object, name: str = "many.jsonl") -> Path:
    """Write objects, one a line; text goes in as it stands."""
    path = folder / name
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    return path
