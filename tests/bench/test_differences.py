"""Ours against what was recorded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from movsdk.bench.differences import differences, differences_from_dump
from movsdk.bench.importers.folder import read_dump
from movsdk.bench.importers.story import import_story
from movsdk.bench.player import Player
from movsdk.bench.state import State
from movsdk.rescan.rules import V9
from tests.bench.importers.dumps import BOOT, STORY, replacing

CARD = {"id": "card", "bdf": "00:01.0", "resources": [{"n": 0, "start": 0x1000}]}
EVENT = {"op": "boot", "id": None, "rc": 0, "state": [CARD]}
SHORT = '{"op": "boot", "id": null, "rc": 0, "state": [{"id": "car...'


@pytest.mark.parametrize(
    ("recorded", "expected"),
    [
        pytest.param([EVENT], [], id="equal"),
        pytest.param([EVENT | {"rc": -22}], ["[0] boot: rc: ours 0x0, recorded -0x16"], id="a number"),
        pytest.param([EVENT | {"rc": False}], ["[0] boot: rc: ours 0x0, recorded false"], id="false is not 0"),
        pytest.param([], ["events: ours has 1 entries, recorded 0"], id="an event more"),
        pytest.param([EVENT, EVENT], ["events: ours has 1 entries, recorded 2"], id="an event less"),
        pytest.param(
            [EVENT | {"state": [CARD | {"resources": [{"n": 0, "start": 0x2000}]}]}],
            ["[0] boot: state card resources 0 start: ours 0x1000, recorded 0x2000"],
            id="deep down",
        ),
        pytest.param([{"op": "boot"}], ["[0] boot: id: ours null, not recorded"] + 2 * [...], id="keys that were not recorded"),
        pytest.param(
            [EVENT | {"more": "x" * 99}], [f'[0] boot: more: recorded "{"x" * 56}..., not ours'], id="a key that we have not"
        ),
        pytest.param([5], [f"[0]: ours {SHORT}, recorded 0x5"], id="no event"),
        pytest.param(
            "text",
            ['events: ours [{"op": "boot", "id": null, "rc": 0, "state": [{"id": "ca..., recorded "text"'],
            id="no list",
        ),
    ],
)
def test_each_difference_is_told_with_its_place(recorded: Any, expected: list[Any]) -> None:
    """Whatever somebody wrote into a vector, the answer is a line; long values are cut."""
    found = list(differences([EVENT], recorded))

    assert len(found) == len(expected)
    assert all(want is ... or line == want for line, want in zip(found, expected, strict=True))


@pytest.fixture(scope="module")
def booted() -> State:
    """The state of the q35 after boot."""
    return next(Player(import_story([BOOT]), V9).play()).state


def test_the_machine_equals_its_own_dump(booted: State) -> None:
    """BARs, windows, window registers and bus numbers."""
    assert list(differences_from_dump(booted, read_dump(BOOT))) == []


def test_a_later_dump_differs_where_the_machine_changed(booted: State) -> None:
    """The new device, moved BARs and windows, and the registers behind them."""
    found = list(differences_from_dump(booted, read_dump(STORY[1])))

    assert "04:00.0: in the dump, unknown to us" in found
    assert "03:00.0 BAR 0: ours [0xfe400000-0xfe403fff], dumped [0x20000000-0x20003fff]" in found
    assert any(line.startswith("02:00.0 registers mem") for line in found)


def test_a_device_that_was_not_dumped_is_told(booted: State) -> None:
    """The comparison goes both ways."""
    more = [*booted, booted[-1] | {"bdf": "00:1f.7"}]
    assert list(differences_from_dump(more, read_dump(BOOT))) == ["00:1f.7: not in the dump"]


def test_bytes_alone_are_compared_by_their_registers(tmp_path: Path, booted: State) -> None:
    """`lspci -xxxx` shows where a BAR is and not how big: another size is no difference, another place is."""
    bytes_alone = tmp_path / "lspci.txt"
    bytes_alone.write_text((BOOT / "lspci-xxxx.txt").read_text())
    assert list(differences_from_dump(booted, read_dump(bytes_alone))) == []

    nvme = "10: 04 00 40 fe 00 00 00 00"
    bytes_alone.write_text(replacing(nvme, "10: 04 00 50 fe 00 00 00 00")(bytes_alone.read_text()))
    found = list(differences_from_dump(booted, read_dump(bytes_alone)))
    assert found == ["03:00.0 BAR 0: ours at 0xfe400000, dumped at 0xfe500000"]
