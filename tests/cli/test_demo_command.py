"""``movsdk demo``: the main job, end to end, on the recorded machine."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve

from movsdk.cli import demo_command
from tests.cli.calls import call

Capsys = pytest.CaptureFixture[str]


def test_the_demo_shows_what_it_promises(capsys: Capsys) -> None:
    """Without movable BARs no space; with them the NVMe moves under load, the card fits, no request is lost, all as recorded."""
    called = call(capsys, "demo")

    assert (called.status, called.err) == (0, "")
    without, _, movable = called.out.partition("== with movable BARs")
    assert "04:00.0: its 64 MiB BAR got no space. The NVMe stayed at its place. No request was lost." in without
    assert "Every BAR, window and bus number equals what the recorded kernel (off) did." in without
    assert (
        "04:00.0: its 64 MiB BAR is at 0x100000000. The NVMe BAR moved 0xfe400000 -> 0x20000000 under load. No request was lost."
    ) in movable
    assert "Every BAR, window and bus number equals what the recorded kernel (v9) did." in movable
    assert "      03:00.0  BAR 0 mem64    fe400000-fe403fff   20000000-20003fff    moved\n" in movable
    assert " 0 lost, 0 twice, 0 out of order, 0 corrupt" in movable
    assert max(map(len, movable.partition("before the hot-add")[2].partition("04:00.0: its")[0].splitlines())) <= 80


def test_it_is_the_same_every_time(capsys: Capsys) -> None:
    """Time is virtual and the load's choices are seeded."""
    assert call(capsys, "demo").out == call(capsys, "demo").out


def test_the_log_is_shown_to_who_asks(capsys: Capsys) -> None:
    """In the words of today's kernel."""
    assert "pci 0000:04:00.0: BAR 2 [mem 0x100000000-0x103ffffff 64bit pref]: assigned\n" in call(capsys, "demo", "--log").out


def test_a_difference_from_the_recording_is_status_1(monkeypatch: pytest.MonkeyPatch, capsys: Capsys) -> None:
    """Told another story, whose newcomer sits in the same slot but moves more, the demo says where it differs."""
    monkeypatch.setattr(demo_command, "_under_load", lambda story: evolve(story, min_mem=0x2100_0000))

    called = call(capsys, "demo")

    assert called.status == 1
    assert "DIFFERS from the recorded kernel (v9) in " in called.out
    assert "  00:04.0 bridge window: ours [" in called.out


def test_the_dumps_can_be_had(tmp_path: Path, capsys: Capsys) -> None:
    """For experiments of one's own; a folder that is there is not touched."""
    called = call(capsys, "demo", "--dumps", tmp_path / "q35")
    again = call(capsys, "demo", "--dumps", tmp_path / "q35")

    assert (called.status, len(called.out.splitlines())) == (0, 6)
    assert called.out.splitlines()[0] == f"{tmp_path}/q35/off/0boot"
    assert call(capsys, "import", tmp_path / "q35" / "v9" / "0boot").status == 0
    assert (again.status, again.out) == (2, "")
    assert again.err == f"movsdk demo: {tmp_path}/q35: cannot be made: File exists; name a folder that is not there yet\n"
