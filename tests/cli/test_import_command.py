"""``movsdk import``: a scenario on standard output or in a file, from one dump or a story of several."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.bench.importers import samples
from tests.bench.importers.dumps import BOOT, OFF, STORY, copy_of
from tests.cli.calls import call

Capsys = pytest.CaptureFixture[str]


def then(*moments: Path) -> list[str | Path]:
    """The words of a story."""
    return [moments[0], *(word for moment in moments[1:] for word in ("--then", moment))]


def test_a_dump_on_standard_output_can_be_played(tmp_path: Path, capsys: Capsys) -> None:
    """Nothing but the scenario; after boot every BAR, window and bus number is as dumped."""
    called = call(capsys, "import", BOOT)
    (tmp_path / "boot.yaml").write_text(called.out)

    played = call(capsys, "run", tmp_path / "boot.yaml", "--expect", BOOT)

    assert (called.status, called.err) == (0, "")
    assert (played.status, played.out.splitlines()[-1]) == (0, f"equals {BOOT}")


def test_a_story_of_four_moments_goes_as_the_machine_went(tmp_path: Path, capsys: Capsys) -> None:
    """Each step of the recorded v9 machine: the 64 MiB card, then edu, then a second NVMe."""
    for count in (2, 3, 4):
        path = tmp_path / f"{count}.yaml"
        assert call(capsys, "import", *then(*STORY[:count]), "-o", path).status == 0
        assert call(capsys, "run", path, "--expect", STORY[count - 1]).status == 0


def test_the_story_without_movable_bars_ends_as_the_other_kernel_did(tmp_path: Path, capsys: Capsys) -> None:
    """The 64 MiB BAR is wiped; its size comes from the v9 pair."""
    path = tmp_path / "story.yaml"
    call(capsys, "import", *then(*STORY[:2]), "-o", path)

    assert call(capsys, "run", path, "--rules", "off", "--expect", OFF[1]).status == 0


def test_a_file_is_told_of_and_written_whole(tmp_path: Path, capsys: Capsys) -> None:
    """One line says what is in it; what was there before is replaced."""
    path = tmp_path / "story.yaml"
    path.write_text("old")

    called = call(capsys, "import", *then(*STORY[:2]), "--output", path)

    assert called.out == f"{path}: 16 devices, events: boot, plug 04:00.0, hotadd 02:01.0\n"
    assert path.read_text().startswith("format: 1\n")
    assert [file.name for file in tmp_path.iterdir()] == ["story.yaml"]


def test_a_place_that_cannot_be_written_is_said_first(tmp_path: Path, capsys: Capsys) -> None:
    """Before the dump is read."""
    called = call(capsys, "import", tmp_path / "no", "-o", tmp_path)

    assert (called.status, called.err) == (2, f"movsdk import: {tmp_path}: is a folder; name a file in it\n")


def test_what_was_hardly_meant_is_a_warning(tmp_path: Path, capsys: Capsys) -> None:
    """RAM over an aperture goes to standard error; the scenario is made all the same."""
    folder = copy_of(BOOT, tmp_path, iomem=lambda text: f"{text}fd000000-fd0fffff : Odd RAM\n")

    called = call(capsys, "import", folder)

    assert called.status == 0
    assert called.err == (
        "movsdk import: warning: RAM [0xfd000000-0xfd0fffff] (Odd RAM) overlaps the mem aperture [0xc0000000-0xfebfffff]: "
        "no BAR will be placed there\n"
    )


def test_the_source_is_not_touched(tmp_path: Path, capsys: Capsys) -> None:
    """Dumps are evidence."""
    folder = tmp_path / "dump"
    shutil.copytree(BOOT, folder)
    before = {file.name: file.read_bytes() for file in folder.iterdir()}

    call(capsys, "import", folder)

    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


def test_notes_go_to_standard_error_and_the_scenario_stays_alone(tmp_path: Path, capsys: Capsys) -> None:
    """What was assumed or left out, a line each; a scenario all the same."""
    path = tmp_path / "lspci.txt"
    path.write_text(samples.LAPTOP)

    called = call(capsys, "import", path)

    assert (called.status, called.out.splitlines()[0]) == (0, "format: 1")
    assert all(line.startswith("movsdk import: note: ") for line in called.err.splitlines())
    assert "note: assumed: no source has the RAM map; RAM is taken to be [0x0-0xdfafffff]; add iomem or dmesg\n" in called.err


def test_several_files_are_one_moment(tmp_path: Path, capsys: Capsys) -> None:
    """Named one by one, in any order, they are the folder's machine; but the drivers are in none of these."""
    whole = call(capsys, "import", BOOT, "-o", tmp_path / "whole.yaml")
    names = [BOOT / name for name in ("iomem.txt", "lspci-xxxx.txt", "ioports.txt", "drivers.txt")]
    parts = call(capsys, "import", *names, "-o", tmp_path / "parts.yaml")

    assert (whole.err, parts.err) == ("", "")
    assert (tmp_path / "parts.yaml").read_text().splitlines()[2:] == (tmp_path / "whole.yaml").read_text().splitlines()[2:]


def test_a_root_bus_is_chosen_by_name(tmp_path: Path, capsys: Capsys) -> None:
    """Without a choice the message lists them, with the words to add."""
    path = tmp_path / "lspci.txt"
    path.write_text(samples.EPYC)

    refused, chosen = call(capsys, "import", path), call(capsys, "import", path, "--root", "0000:40", "-o", tmp_path / "a.yaml")

    assert (refused.status, refused.out) == (2, "")
    assert refused.err.endswith("choose with --root 0000:00\n")
    assert chosen.out == f"{tmp_path / 'a.yaml'}: 3 devices, events: boot\n"


def test_this_machine_or_a_dump_but_not_both_and_not_nothing(
    tmp_path: Path, capsys: Capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """--live with a machine that shows no PCI is one line, status 2."""
    monkeypatch.setattr("movsdk.cli.import_command.HERE", tmp_path)

    for words, message in {
        (
            "--live",
        ): f"{tmp_path}/sys/bus/pci: this machine shows no PCI device; import a dump of another one, or `movsdk demo --dumps`",
        ("--live", "x"): "--live reads this machine, and x is a dump; give one of them",
        (): "nothing to import; name the files or the folder of a dump, or --live",
    }.items():
        called = call(capsys, "import", *words)
        assert (called.status, called.out, called.err) == (2, "", f"movsdk import: {message}\n")
