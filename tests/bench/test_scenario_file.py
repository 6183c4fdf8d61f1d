"""Scenarios out of files."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest

from movsdk.bench.scenario_file import load
from movsdk.errors import BadInput

ROOT = Path(__file__).resolve().parents[2]
MACHINE = "windows: [{type: mem, start: 0xe0000000, last: 0xefffffff}]\n"
PLAIN: dict[str, Any] = {"windows": [{"type": "mem", "start": 0xE0000000, "last": 0xEFFFFFFF}], "devices": []}


def write(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    data = text if isinstance(text, bytes) else text.encode()
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


def test_a_bare_scenario_is_named_after_itself_or_its_file(tmp_path: Path) -> None:
    """YAML, JSON and gzipped ones are read alike."""
    texts = {"a.yaml": MACHINE + "devices: []", "b.json": json.dumps(PLAIN), "c.yml.gz": MACHINE + "devices: []\nname: own"}

    found = [load(write(tmp_path, name, text))[0] for name, text in texts.items()]

    assert [named.name for named in found] == ["a.yaml", "b.json", "own"]
    assert [named.rules for named in found] == [None, None, None]
    assert found[0].scenario == found[1].scenario
    assert found[0].scenario.folder == str(tmp_path)


def test_a_golden_vector_is_a_line(tmp_path: Path) -> None:
    """Name, rules and the recorded outcome stand beside the scenario; blank lines do not count, but are counted."""
    vector = {
        "name": "h01",
        "about": "x",
        "kernel": "linux",
        "rules": "off",
        "scenario": PLAIN,
        "expect": [{"op": "boot", "state": []}],
    }
    lines = [json.dumps(vector), "", json.dumps(PLAIN), json.dumps({"scenario": PLAIN, "new": "a", "optimum": 1})]

    found = load(write(tmp_path, "v.jsonl.gz", "\n".join(lines)))

    assert [(named.name, named.rules) for named in found] == [("h01", "off"), ("v.jsonl.gz:3", None), ("v.jsonl.gz:4", None)]
    assert found[0].expect == [{"op": "boot", "state": []}]
    assert found[0].extra == {"about": "x", "kernel": "linux"}
    assert found[2].extra == {"new": "a", "optimum": 1}
    assert found[2].place == f"{tmp_path / 'v.jsonl.gz'}:4"


def test_yaml_may_carry_the_rules_too(tmp_path: Path) -> None:
    """The object round a scenario is the same in every format."""
    text = "rules: v9\nname: n\nscenario:\n  devices: []\n  windows: []\n"

    named = load(write(tmp_path, "a.yaml", text))[0]

    assert (named.name, named.rules) == ("n", "v9")


def test_the_users_own_classes_are_imported(tmp_path: Path) -> None:
    """A reference is looked for from the scenario's folder, not from where one stands."""
    write(tmp_path, "mine.py", "class Driver:\n    name, id_table = 'mine', []\n    def probe(self, dev, id): ...\n")
    text = MACHINE + "devices: [{id: a, slot: '01.0', driver: 'mine.py:Driver'}]"

    assert load(write(tmp_path, "a.yaml", text))[0].scenario.devices[0].driver == "mine.py:Driver"


def test_the_example_of_the_reference_page_loads(tmp_path: Path) -> None:
    """docs/reference/scenario.md shows a scenario that is one."""
    page = (ROOT / "docs/reference/scenario.md").read_text()
    example, *_ = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)

    scenario = load(write(tmp_path, "example.yaml", example))[0].scenario

    assert [spec.id for spec in scenario.devices] == ["port", "disk", "card"]


DEVICE = "devices:\n  - id: a\n    slot: 01.0\n"
BRIDGES = "devices:\n  - {id: p, slot: 01.0, kind: bridge}\n"
LINE = json.dumps(PLAIN)
BROKEN = {
    "an unknown key": (
        "a.yaml",
        MACHINE + DEVICE + "    drivr: nvme",
        ":5: devices[0].drivr: unknown key \"drivr\"; did you mean 'driver'?",
    ),
    "two functions in one slot": (
        "a.yaml",
        MACHINE + DEVICE + "  - {id: b,\n     slot: 01.0}",
        ':6: devices[1].slot: slot 01.0 on "root" already holds "a"; one function a slot',
    ),
    "two devices of one id": (
        "a.yaml",
        MACHINE + DEVICE + "  - {id: a, slot: 02.0}",
        ':5: devices[1].id: "a" is the id of devices[0] too; ids are unique',
    ),
    "a 64-bit BAR 5": (
        "a.yaml",
        MACHINE + DEVICE + "    bars:\n      - {n: 5, type: mem64, size: 4K}",
        ":6: devices[0].bars[0].n: 5 is the last BAR; a 64-bit BAR takes two, put it at 4 or below",
    ),
    "a 64-bit BAR into the next": (
        "a.yaml",
        MACHINE + DEVICE + "    bars:\n      - {n: 0, type: mem64, size: 4K}\n      - {n: 1, type: io, size: 4}",
        ":7: devices[0].bars[1].n: 1 collides: BAR register 1 is taken by BAR 0 (a 64-bit BAR takes two)",
    ),
    "a size that is no power of two": (
        "a.yaml",
        MACHINE + DEVICE + "    bars:\n      - n: 0\n        type: mem32\n        size: 3000",
        ":8: devices[0].bars[0].size: 3000 is not a power of two; a BAR register cannot say it",
    ),
    "a device on a missing bus": (
        "a.yaml",
        MACHINE + BRIDGES + "  - {id: a, slot: 00.0, on: q}",
        ':4: devices[1].on: unknown bridge "q"; known: p, root',
    ),
    "a device on an endpoint": (
        "a.yaml",
        MACHINE + DEVICE + "  - {id: b, slot: 00.0, on: a}",
        ':5: devices[1].on: "a" is an endpoint; only a bridge has a bus below it',
    ),
    "a cycle of bridges": (
        "a.yaml",
        MACHINE + "devices:\n  - {id: p, slot: 00.0, kind: bridge, on: q}\n  - {id: q, slot: 00.0, kind: bridge, on: p}",
        ":3: devices[0].on: a cycle of bridges: p on q on p; one of them must be on 'root'",
    ),
    "an unknown driver": (
        "a.yaml",
        MACHINE + DEVICE + "    driver: nvmf",
        ":5: devices[0].driver: unknown driver \"nvmf\"; did you mean 'nvme'?",
    ),
    "a driver file that is not there": (
        "a.yaml",
        MACHINE + DEVICE + "    driver: no.py:Driver",
        ":5: devices[0].driver: no.py:Driver: there is no file {folder}/no.py",
    ),
    "a driver that does not import": (
        "a.yaml",
        MACHINE + DEVICE + "    driver: broken.py:Driver",
        ":5: devices[0].driver: broken.py:Driver: importing it failed: "
        "ZeroDivisionError: division by zero ({folder}/broken.py:2)",
    ),
    "a model module that is not there": (
        "a.yaml",
        MACHINE + DEVICE + "    model: nowhere.at_all:Model",
        ":5: devices[0].model: nowhere.at_all:Model: importing it failed: ModuleNotFoundError: No module named 'nowhere'",
    ),
    "a class that is not in the file": (
        "a.yaml",
        MACHINE + DEVICE + "    driver: broken2.py:Driver",
        ":5: devices[0].driver: broken2.py:Driver: no class 'Driver' in broken2.py; it has Other",
    ),
    "an unknown op": (
        "a.yaml",
        MACHINE + DEVICE + "events:\n  - {op: eject, id: a}",
        ':6: events[0].op: unknown value "eject"; known: boot, button, force, hooks, hotadd, io, link, plug, '
        "power_fault, pull, remove, rescan, resume, sleep, suspend, unplug, wait, wake",
    ),
    "an event that names nobody": (
        "a.yaml",
        MACHINE + DEVICE + "events:\n  - {op: plug, id: b}",
        ':6: events[0].id: unknown device "b"; known: a',
    ),
    "unknown rules": (
        "a.yaml",
        "rules: v10\nscenario: {devices: [], windows: []}",
        ':1: rules: unknown value "v10"; known: off, v2, v5, v9',
    ),
    "rules in a bare scenario": (
        "a.yaml",
        MACHINE + "rules: v9\ndevices: []",
        ":2: rules: belongs beside the scenario; write {rules: ..., scenario: {...}}",
    ),
    "a wrapper without scenario": ("a.yaml", "rules: v9\nname: x", ":1: 'scenario' is missing"),
    "broken YAML": ("a.yaml", "windows: [\n", ":2: not YAML: did not find expected node content"),
    "a list": ("a.yaml", "- 1", ":1: [1] is not an object; write {format, name, about, ...}"),
    "an empty file": ("a.yaml", "", ": is empty; a scenario has at least `windows` and `devices`"),
    "comments alone": ("a.yaml", "# to do\n", ": is empty; a scenario has at least `windows` and `devices`"),
    "tabs": ("a.yaml", "windows:\n\t- {}\n", ":2: not YAML: a tab; YAML is indented with spaces"),
    "a token that is none": ("a.yaml", "a: @\n", ":1: not YAML: found character that cannot start any token"),
    "binary junk": ("a.yaml", bytes(range(1, 256)), ":2: not text: byte 0x80; a scenario is UTF-8"),
    "zero bytes": ("a.json", b"{}\n\0\0", ":2: not text: a zero byte; a scenario is UTF-8"),
    "broken JSON": ("a.json", '{"windows":\n [}', ":2: not JSON: Expecting value at column 3"),
    "a JSON key twice": ("a.json", '{"a": 1, "a": 2}', ': not JSON: key "a" stands twice in one object'),
    "not a number": ("a.json", '{"domain": NaN}', ": not JSON: NaN is not a number here"),
    "a very long number": (
        "a.json",
        '{"domain": ' + "1" * 5000 + "}",
        ": not JSON: Exceeds the limit (4300 digits) for integer string conversion: value has 5000 digits",
    ),
    "deep JSON": ("a.json", "[" * 100_000, ": not JSON: nested too deep"),
    "a mistake in JSON": ("a.json", '{"windows": [],\n "devices": [\n  {"id": "a"}]}', ":3: devices[0]: 'slot' is missing"),
    "a bad line": ("a.jsonl", f"{LINE}\n\n{LINE[:-1]}", ":3: not JSON: Expecting ',' delimiter at column 86"),
    "a mistake in a line": (
        "a.jsonl",
        f'{LINE}\n{{"scenario": {{"windows": 3}}}}',
        ":2: scenario.windows: 3 is not a list; write [...]",
    ),
    "junk in a line": ("a.jsonl", LINE.encode() + b"\n\xff\xfe", ":2: not text: byte 0xff; a scenario is UTF-8"),
    "no line at all": ("a.jsonl", "\n\n", ": holds no scenario; write one a line"),
    "an outcome that is no list": (
        "a.jsonl",
        json.dumps({"scenario": PLAIN, "expect": 3}),
        ":1: expect: 3 is not a list; write [...]",
    ),
}


@pytest.mark.parametrize(("name", "text", "message"), BROKEN.values(), ids=BROKEN)
def test_a_broken_file_is_refused_in_one_line(name: str, text: str | bytes, message: str, tmp_path: Path) -> None:
    """File, line where there are lines, path, value, remedy."""
    write(tmp_path, "broken.py", "\n1 / 0\n")
    write(tmp_path, "broken2.py", "class Other: pass\n")
    path = write(tmp_path, name, text)

    with pytest.raises(BadInput) as caught:
        load(path)

    assert str(caught.value) == f"{path}{message.replace('{folder}', str(tmp_path))}"


def test_a_model_that_does_not_fit_its_bars_is_refused_before_anything_is_played(tmp_path: Path) -> None:
    """Only the model knows, so the machine is built once while loading; the reason is silicon's own."""
    text = MACHINE + DEVICE + "    driver: nvme\n    bars: [{n: 0, type: mem64, size: 4K}]"
    path = write(tmp_path, "a.yaml", text)

    with pytest.raises(BadInput) as caught:
        load(path)

    assert str(caught.value).startswith(f"{path}:3: devices[0]: a: MSI-X table")


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    """A folder is probably a dump; a cut gzip is not silently short."""
    cut = tmp_path / "cut.jsonl.gz"
    cut.write_bytes(gzip.compress(LINE.encode() * 100)[:-9])

    for path, message in {
        tmp_path: f"{tmp_path}: is a folder; make a scenario of a dump folder with `movsdk import {tmp_path}`",
        tmp_path / "no.yaml": f"{tmp_path}/no.yaml: cannot be read: No such file or directory",
        cut: f"{cut}: not a whole gzip file: Compressed file ended before the end-of-stream marker was reached",
        write(tmp_path, "x.json.gz", "").with_suffix(""): f"{tmp_path}/x.json: cannot be read: No such file or directory",
    }.items():
        with pytest.raises(BadInput) as caught:
            load(path)
        assert str(caught.value) == message


def test_a_file_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading stops at a bound, unpacked size counted."""
    monkeypatch.setattr("movsdk.bench.scenario_file.MAX_DOCUMENT", 1 << 20)
    path = write(tmp_path, "bomb.yaml.gz", b" " * (4 << 20))

    with pytest.raises(BadInput) as caught:
        load(path)

    assert str(caught.value) == f"{path}:1: longer than 1 MiB; a scenario is a few kilobytes"
