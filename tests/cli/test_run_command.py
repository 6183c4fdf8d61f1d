"""``movsdk run``: what it prints, what it writes, and its exit status."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest

from movsdk.bench.demo_machine import dumps
from tests.cli.calls import VECTORS, call, moving, plain, vector

Capsys = pytest.CaptureFixture[str]
PRINTED = """\
== moving, rules v9: the series as of v9 (26 patches) on linux 5.10

boot
  bound: port to port; edu to card

rescan
  paused: card
  blackout: card 1 ms
  moved: card BAR 0: [0xe8000000-0xe80fffff] -> [0xe0000000-0xe00fffff]
  I/O on card: rounds of exercise: 2, in vain: 0

topology
bus 00
└─ 00:01.0 port     port  bus 01-01
   └─ 01:00.0 card  edu

address map
                     after boot         after rescan
port    window mem   e8000000-e80fffff  e0000000-e00fffff  moved
  card  BAR 0 mem32  e8000000-e80fffff  e0000000-e00fffff  moved

"""


def recorded(name: str) -> dict[str, Any]:
    """One golden vector of v9."""
    with gzip.open(VECTORS / "v9.jsonl.gz", "rt") as lines:
        return next(found for line in lines if (found := json.loads(line))["name"] == name)


def test_a_scenario_is_told_from_boot_to_map(tmp_path: Path, capsys: Capsys) -> None:
    """Who was bound and paused, what moved, the topology, and the map before and after; no blanks at the end of a line."""
    called = call(capsys, "run", moving(tmp_path, more="    load: true\n"))

    assert (called.status, called.err) == (0, "")
    assert called.out == PRINTED


def test_one_event_has_one_map(tmp_path: Path, capsys: Capsys) -> None:
    """Before and after would be the same column twice."""
    path = moving(tmp_path)
    path.write_text(path.read_text().replace("  - {op: rescan}\n", ""))

    assert "                     after boot\n" in call(capsys, "run", path).out


def test_what_was_hardly_meant_is_a_warning(tmp_path: Path, capsys: Capsys) -> None:
    """It is played all the same."""
    path = vector(tmp_path, plain(ram=[{"start": 0xE000_0000, "last": 0xE000_0FFF, "name": "Odd RAM"}]))

    called = call(capsys, "run", path)

    assert called.status == 0
    assert "\nwarning: RAM [0xe0000000-0xe0000fff] (Odd RAM) overlaps the mem aperture [0xe0000000-0xe0ffffff]" in called.out


# --- rules -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("line", "option", "played"),
    [
        (None, None, "v9"),
        ("off", None, "off"),
        ("off", "v9", "v9"),
        ("v5", "off", "off"),
        ("v2", None, "v2"),
    ],
)
def test_the_option_beats_the_line_and_the_line_beats_v9(
    line: str | None, option: str | None, played: str, tmp_path: Path, capsys: Capsys
) -> None:
    """Each beats the next: ``--rules``, `rules` beside the scenario, v9."""
    path = vector(tmp_path, {"scenario": plain(), **({"rules": line} if line else {})})

    called = call(capsys, "run", path, "--json", tmp_path / "out", *(["--rules", option] if option else []))

    assert called.status == 0
    assert json.loads((tmp_path / "out").read_text())["rules"] == played


@pytest.mark.parametrize(
    ("line", "words", "message"),
    [
        ("v9", ["--rules", "v8"], "rules 'v8' are not known; use one of v9, v5, v2, off"),
        ("v9", ["--rules", ""], "rules '' are not known; use one of v9, v5, v2, off"),
        ("v8", ["--rules", "v9"], '{path}:2: rules: unknown value "v8"; known: off, v2, v5, v9'),
    ],
)
def test_rules_that_nobody_knows_are_bad_input(line: str, words: list[str], message: str, tmp_path: Path, capsys: Capsys) -> None:
    """Said before anything is played."""
    path = vector(tmp_path, plain(), {"scenario": plain(), "rules": line})

    called = call(capsys, "run", path, *words)

    assert (called.status, called.out) == (2, "")
    assert called.err == f"movsdk run: {message.format(path=path)}\n"


# --- --json ------------------------------------------------------------------------------------------------
def test_json_has_the_form_of_the_vectors(tmp_path: Path, capsys: Capsys) -> None:
    """A line for each scenario; an event has the keys of `expect`, exactly so, and more. plug and unplug are no events."""
    wanted = [recorded(name) for name in ("h01_two_eps", "h03_example1", "w14_mixed_driver")]
    path = vector(tmp_path, *({**one, "expect": None} for one in wanted))

    called = call(capsys, "run", path, "--json", tmp_path / "out")

    assert called.status == 0
    written = [json.loads(line) for line in (tmp_path / "out").read_text().splitlines()]
    assert [(one["name"], one["rules"]) for one in written] == [(one["name"], one["rules"]) for one in wanted]
    for ours, theirs in zip(written, wanted, strict=True):
        assert [{key: event[key] for key in theirs["expect"][0]} for event in ours["events"]] == theirs["expect"]


@pytest.mark.parametrize(
    "bad",
    ["{", '{"windows": 3}', json.dumps(plain(events=[{"op": "plug", "id": "x"}])), "\x00"],
    ids=["no JSON", "no scenario", "an event of nobody", "no text"],
)
def test_one_bad_line_and_nothing_is_written(bad: str, tmp_path: Path, capsys: Capsys) -> None:
    """Nothing is played either; a file that is there keeps its content."""
    path = vector(tmp_path, plain(), plain(), bad, plain())
    out = tmp_path / "out"
    out.write_text("precious")

    for place in (out, tmp_path / "new"):
        called = call(capsys, "run", path, "--json", place)
        assert (called.status, called.out) == (2, "")
        assert called.err.startswith(f"movsdk run: {path}:3: ")
        assert called.err.count("\n") == 1

    assert out.read_text() == "precious"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["many.jsonl", "out"]


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("{folder}", "{folder}: is a folder; name a file in it"),
        ("{folder}/no/out", "{folder}/no/out: cannot be written: there is no folder {folder}/no; make it first"),
        ("{folder}/many.jsonl", "{folder}/many.jsonl: is the scenario itself; choose another place for --json"),
    ],
)
def test_a_place_that_cannot_be_written_is_said_first(place: str, message: str, tmp_path: Path, capsys: Capsys) -> None:
    """Not after a long run."""
    path = vector(tmp_path, plain())

    called = call(capsys, "run", path, "--json", place.format(folder=tmp_path))

    assert (called.status, called.out) == (2, "")
    assert called.err == f"movsdk run: {message.format(folder=tmp_path)}\n"


# --- --expect ----------------------------------------------------------------------------------------------
def test_expect_with_vectors_finds_the_same_name(tmp_path: Path, capsys: Capsys) -> None:
    """Equal: status 0. A register that differs: status 1, and the place is told."""
    one = recorded("h01_two_eps")
    path = vector(tmp_path, one)

    assert call(capsys, "run", path, "--expect", VECTORS / "v9.jsonl.gz").status == 0

    one["expect"][0]["state"][0]["resources"][0]["register"] += 4096
    differing = vector(tmp_path, one, name="other.jsonl")
    called = call(capsys, "run", path, "--expect", differing)
    assert called.status == 1
    assert "differs: [0] boot: state a resources 0 register: ours 0x80000000, recorded 0x80001000\n" in called.out


def test_expect_without_that_name_is_bad_input(tmp_path: Path, capsys: Capsys) -> None:
    """Nothing is played in vain. A single vector is compared whatever its name."""
    path = vector(tmp_path, {"name": "mine", "scenario": plain()})

    called = call(capsys, "run", path, "--expect", VECTORS / "v9.jsonl.gz")
    assert (called.status, called.out) == (2, "")
    assert called.err == f"movsdk run: {VECTORS}/v9.jsonl.gz: holds no vector named 'mine'; --expect a file that does\n"

    alone = vector(tmp_path, {"name": "theirs", "scenario": plain(), "expect": []}, name="alone.jsonl")
    assert call(capsys, "run", path, "--expect", alone).status == 1


@pytest.mark.parametrize(
    ("rules", "then", "status"), [("v9", "1ivshmem64_dn1", 0), ("v9", "0boot", 1), ("off", "1ivshmem64_dn1", 1)]
)
def test_expect_with_a_dump_compares_the_last_state(rules: str, then: str, status: int, tmp_path: Path, capsys: Capsys) -> None:
    """BARs, windows, their registers and bus numbers, against what the real kernel dumped."""
    story = tmp_path / "story.yaml"
    with dumps("q35-v9") as folder:
        call(capsys, "import", folder / "0boot", "--then", folder / "1ivshmem64_dn1", "-o", story)
        called = call(capsys, "run", story, "--rules", rules, "--expect", folder / then)

    assert called.status == status
    assert ("\nequals " in called.out) == (status == 0)
    assert ("\ndiffers: 00:04.0 bridge window: ours [" in called.out) == bool(status)


# --- --log -------------------------------------------------------------------------------------------------
def test_the_log_speaks_as_todays_kernel_does(tmp_path: Path, capsys: Capsys) -> None:
    """`bridge window`, `can't assign; no space`, `failed to assign`: linux 6.9 and later."""
    big = {"id": "big", "slot": "02.0", "driver": "movable", "bars": [{"n": 2, "type": "mem64", "size": "64M"}]}
    scenario = plain()
    scenario["devices"].append(big)

    called = call(capsys, "run", vector(tmp_path, scenario), "--log")

    assert called.status == 0
    assert "] pci 0000:00:02.0: BAR 2 [mem size 0x04000000 64bit]: can't assign; no space\n" in called.out
    assert "] pci 0000:00:02.0: BAR 2 [mem size 0x04000000 64bit]: failed to assign\n" in called.out
    assert "] pci 0000:00:01.0: BAR 0 [mem 0xe0000000-0xe0000fff]: assigned\n" in called.out
    moved = call(capsys, "run", moving(tmp_path), "--log").out
    assert "] pcieport 0000:00:01.0: bridge window [mem 0xe0000000-0xe00fffff]: assigned\n" in moved


# --- many --------------------------------------------------------------------------------------------------
def test_many_scenarios_get_a_line_each_and_a_sum(tmp_path: Path, capsys: Capsys) -> None:
    """Only those with something to tell; a promise that the kernel broke leaves status 0."""
    cases = [recorded(name) for name in ("h01_two_eps", "h03_example1", "w14_mixed_driver")]
    path = vector(tmp_path, *cases, {"name": "plain", "scenario": plain()})

    called = call(capsys, "run", path)

    assert called.status == 0
    first, *others, played, findings = called.out.splitlines()
    assert first.startswith("h03_example1 [v9]: 1 finding: E12 new: given up: with its BARs")
    assert [line.split()[0] for line in others] == ["w14_mixed_driver"]
    assert played == "4 scenarios played, 2 with 4 findings, 0 with a broken contract"
    assert findings == "findings: E01 two live decoders: 2, E03 a working BAR lost: 1, E12 newcomer given up: 1"


def test_one_of_many_can_be_chosen(capsys: Capsys) -> None:
    """By name; a near miss is told."""
    file = VECTORS / "v9.jsonl.gz"

    assert call(capsys, "run", file, "--only", "h01_two_eps").out.startswith("== h01_two_eps, rules v9")
    assert call(capsys, "run", file, "--only", "h01_to_eps").err == (
        f"movsdk run: {file}: holds no scenario named 'h01_to_eps'; did you mean 'h01_two_eps'?\n"
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read_is_bad_input(tmp_path: Path, capsys: Capsys) -> None:
    """The system's own words."""
    path = vector(tmp_path, plain())
    path.chmod(0)

    assert call(capsys, "run", path).err == f"movsdk run: {path}: cannot be read: Permission denied\n"


def test_a_command_line_replaces_the_files(tmp_path: Path, capsys: Capsys) -> None:
    """Its words count, and those without effect are named."""
    path = tmp_path / "small.yaml"
    path.write_text(
        "cmdline: pci=hpbussize=4\n"
        "windows:\n  - {type: mem, start: 0xe0000000, last: 0xe0ffffff}\n"
        "devices:\n  - {id: port, slot: 01.0, kind: bridge, hotplug: true}\n"
    )

    call(capsys, "run", path, "--json", tmp_path / "file.json")
    told = call(capsys, "run", path, "--cmdline", "pci=hpbussize=8,nomsi quiet", "--json", tmp_path / "said.json").out

    assert "warning: command line: nomsi: known to the kernel, but not modelled here" in told
    assert "warning: command line: quiet: not read by PCI in this kernel version" in told
    buses = [json.loads((tmp_path / name).read_text())["events"][0]["state"][0]["buses"] for name in ("file.json", "said.json")]
    assert buses == [[1, 4], [1, 8]]
