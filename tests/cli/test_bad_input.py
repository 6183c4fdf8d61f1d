"""Bad input through the command line: one clear line that names the place, status 2, never a traceback."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.bench.importers.dumps import BOOT, STORY, copy_of
from tests.cli.calls import call, plain

Capsys = pytest.CaptureFixture[str]
ROOT = Path(__file__).resolve().parents[2]


def card(**words: Any) -> dict[str, Any]:
    """The plain scenario, its card with other keys."""
    return plain(devices=[plain()["devices"][0] | words])


def cards(*more: dict[str, Any]) -> dict[str, Any]:
    """The plain scenario with more devices."""
    return plain(devices=[*plain()["devices"], *more])


def bar(**words: Any) -> dict[str, Any]:
    """The plain scenario, the card's BAR with other keys."""
    return card(bars=[{"n": 0, "type": "mem32", "size": 4096} | words])


PORT = {"id": "p", "slot": "02.0", "kind": "bridge"}
SCENARIOS: dict[str, tuple[Any, str]] = {
    "an unknown key": (plain(windos=[]), ":1: windos: unknown key \"windos\"; did you mean 'windows'?"),
    "no devices": ({"windows": []}, ":1: 'devices' is missing"),
    "two functions in one slot": (cards({"id": "b", "slot": "01.0"}), ":1: devices[1].slot: slot 01.0 on"),
    "one id twice": (cards({"id": "card", "slot": "02.0"}), ":1: devices[1].id: "),
    "a 64-bit BAR 5": (bar(n=5, type="mem64"), ":1: devices[0].bars[0].n: 5 is the last BAR"),
    "a size that is no power of two": (bar(size=3000), ":1: devices[0].bars[0].size: 3000 is not a power of two"),
    "a size of words": (bar(size="big"), ':1: devices[0].bars[0].size: "big" '),
    "an endless size": (bar(size="9" * 30), ":1: devices[0].bars[0].size: "),
    "a BAR of an unknown type": (bar(type="mem16"), ':1: devices[0].bars[0].type: unknown value "mem16"'),
    "a device on a missing bus": (cards({"id": "b", "on": "q", "slot": "00.0"}), ':1: devices[1].on: unknown bridge "q"'),
    "a device on an endpoint": (cards({"id": "b", "on": "card", "slot": "00.0"}), ':1: devices[1].on: "card" is an endpoint'),
    "a cycle of bridges": (
        cards(PORT | {"on": "q"}, {"id": "q", "on": "p", "slot": "00.0", "kind": "bridge"}),
        ":1: devices[1].on: a cycle of bridges: ",
    ),
    "bridges without end": (
        plain(devices=[{"id": f"{n}", "on": f"{n - 1}" if n else "root", "slot": "00.0", "kind": "bridge"} for n in range(999)]),
        ':1: devices[256].on: "256" lies below 256 bridges; a domain has 256 buses',
    ),
    "a second device below a PCIe port": (
        cards(PORT | {"pcie": "root-port"}, {"id": "b", "on": "p", "slot": "01.0"}),
        ":1: devices[2].slot: slot 01.0 below the PCIe port",
    ),
    "an unknown driver": (card(driver="nvmf"), ":1: devices[0].driver: unknown driver \"nvmf\"; did you mean 'nvme'?"),
    "a driver file that is not there": (card(driver="no.py:A"), ":1: devices[0].driver: no.py:A: there is no file"),
    "a driver that does not import": (card(driver="no.such:A"), ":1: devices[0].driver: no.such:A: importing it failed: "),
    "a driver with a syntax error": (
        card(driver="bad.py:A"),
        ":1: devices[0].driver: bad.py:A: importing it failed: SyntaxError",
    ),
    "a class that is not there": (
        card(driver="mine.py:B"),
        ":1: devices[0].driver: mine.py:B: no class 'B' in mine.py; it has A",
    ),
    "a model that is none": (card(model="mine.py:A"), ":1: devices[0]: card: model A is no mockbus.model.DeviceModel"),
    "a model that cannot be made": (card(model="mine.py:Model"), ":1: building the machine raised RuntimeError: no silicon"),
    "load without I/O": (card(load=True), ':1: devices[0].load: driver "movable" has neither start_load() nor exercise()'),
    "I/O by a driver without": (
        plain(events=[{"op": "io", "id": "card"}]),
        ':1: events: io "card": driver "movable" has neither',
    ),
    "an unknown event": (plain(events=[{"op": "eject"}]), ':1: events[0].op: unknown value "eject"'),
    "an event of nobody": (plain(events=[{"op": "remove", "id": "x"}]), ':1: events[0].id: unknown device "x"'),
    "a second boot": (plain(events=[{"op": "boot"}, {"op": "boot"}]), ":1: events[1]: a second boot"),
    "config bytes that are none": (card(config="zz"), ":1: devices[0].config: "),
    "apertures that overlap": (plain(windows=plain()["windows"] * 2), ":1: windows[1]: "),
    "a newer format": (plain(format=2), ":1: format: 2 is a format this version does not read"),
    "a list": ([], ":1: [] is not an object"),
    "text": ("{", ":1: not JSON: "),
    "a deep nest": ("[" * 100_000, ": not JSON: nested too deep"),
    "nothing": ("", ":1: not JSON: "),
    "binary junk": (bytes(range(256)), ":2: not text: byte 0x80"),
    "a zero byte": (b'{"windows": "\0"}', ":1: not text: a zero byte"),
}


@pytest.mark.parametrize(("content", "message"), SCENARIOS.values(), ids=SCENARIOS)
def test_a_broken_scenario_is_one_line(content: Any, message: str, tmp_path: Path, capsys: Capsys) -> None:
    """File, line, path in the document, value; standard output stays empty and ``--json`` writes nothing."""
    (tmp_path / "bad.py").write_text("class A\n")
    (tmp_path / "mine.py").write_text(
        "from mockbus.model import DeviceModel\n\nclass A:\n    pass\n\nclass Model(DeviceModel):\n"
        "    vendor_id = device_id = 1\n\n    def reset(self):\n        raise RuntimeError('no silicon')\n"
    )
    path = tmp_path / "broken.json"
    data = content if isinstance(content, str | bytes) else json.dumps(content)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())

    called = call(capsys, "run", path, "--json", tmp_path / "out")

    assert called.err.startswith(f"movsdk run: {path}{message}")
    assert called.err.count("\n") == 1
    assert (called.status, called.out, (tmp_path / "out").exists()) == (2, "", False)


def test_what_is_no_file_is_one_line(tmp_path: Path, capsys: Capsys) -> None:
    """Missing, a folder, a cut gzip, something endless."""
    cut = tmp_path / "cut.jsonl.gz"
    cut.write_bytes(gzip.compress(json.dumps(plain()).encode() * 100)[:-9])

    for path, message in {
        tmp_path / "no.yaml": "cannot be read: No such file or directory",
        tmp_path / ("n" * 300): "cannot be read: File name too long",
        tmp_path: f"is a folder; make a scenario of a dump folder with `movsdk import {tmp_path}`",
        cut: "not a whole gzip file: Compressed file ended before the end-of-stream marker was reached",
        Path("/dev/zero"): "longer than 64 MiB; a scenario is a few kilobytes",
    }.items():
        called = call(capsys, "run", path)
        assert (called.status, called.out) == (2, "")
        assert called.err in (f"movsdk run: {path}: {message}\n", f"movsdk run: {path}:1: {message}\n")


def cut_off(folder: Path) -> None:
    dump = folder / "lspci-xxxx.txt"
    dump.write_text(dump.read_text()[:20_000])


def without_drivers(folder: Path) -> None:
    (folder / "drivers.txt").write_text("0000:00:00.0 -\n")


Change = Callable[[Path], object]
DUMPS: dict[str, tuple[Change, str]] = {
    "an empty file": (lambda folder: (folder / "lspci-xxxx.txt").write_text(""), "/lspci-xxxx.txt: is empty"),
    "binary junk": (lambda folder: (folder / "resource.txt").write_bytes(bytes(range(256))), "/resource.txt:"),
    "a cut dump": (cut_off, "/lspci-xxxx.txt"),
    "a device without a driver line": (without_drivers, "/drivers.txt: has no 0000:00:"),
}


@pytest.mark.parametrize(("change", "message"), DUMPS.values(), ids=DUMPS)
def test_a_broken_dump_is_one_line(change: Change, message: str, tmp_path: Path, capsys: Capsys) -> None:
    """Folder, file, line where there is one; nothing is written."""
    folder = copy_of(BOOT, tmp_path)
    change(folder)

    called = call(capsys, "import", folder, "-o", tmp_path / "out.yaml")

    assert called.err.startswith(f"movsdk import: {folder}{message}")
    assert called.err.count("\n") == 1
    assert (called.status, called.out, (tmp_path / "out.yaml").exists()) == (2, "", False)


def test_a_dump_that_is_no_folder(tmp_path: Path, capsys: Capsys) -> None:
    """As the first moment, as a later one, and as an expectation."""
    no = tmp_path / "no"

    assert call(capsys, "import", no).err.startswith(f"movsdk import: {no}: is no folder and no file; a dump is a folder")
    assert call(capsys, "import", BOOT, "--then", no).err.startswith(f"movsdk import: {no}: is no folder and no file")
    path = tmp_path / "plain.json"
    path.write_text(json.dumps(plain()))
    assert call(capsys, "run", path, "--expect", no).err.startswith(
        f"movsdk run: {no}: cannot be read: No such file or directory"
    )
    assert call(capsys, "run", path, "--expect", tmp_path).err.startswith(f"movsdk run: {tmp_path}: holds no dump of PCI devices")
    assert call(capsys, "run", path, "--root", "0000:40").err.startswith(
        "movsdk run: --root 0000:40 chooses a root bus of the dump"
    )


def test_another_card_in_the_same_slot_is_refused(tmp_path: Path, capsys: Capsys) -> None:
    """A story is of one machine."""

    def other_id(text: str) -> str:
        before, at, after = text.partition("04:00.0 ")
        return before + at + after.replace("00: f4 1a 10 11", "00: f4 1a 99 11", 1)

    other = copy_of(STORY[1], tmp_path, lspci=other_id)
    called = call(capsys, "import", BOOT, "--then", STORY[1], "--then", other)

    assert (called.status, called.out, called.err.count("\n")) == (2, "", 1)
    assert called.err.startswith(f"movsdk import: {other}/lspci-xxxx.txt:")


@pytest.mark.parametrize("name", ["a cycle of bridges", "binary junk", "a driver with a syntax error"])
def test_a_real_process_says_the_same(name: str, tmp_path: Path) -> None:
    """Through the shell's eyes: status 2, one line on standard error."""
    content, message = SCENARIOS[name]
    (tmp_path / "bad.py").write_text("class A\n")
    (tmp_path / "broken.json").write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())

    done = subprocess.run(
        [sys.executable, "-m", "movsdk", "run", "broken.json"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"movsdk run: broken.json{message}")
    assert done.stderr.count("\n") == 1
