"""``movsdk export``: every form on standard output or in a place, and nothing half written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from movsdk.cli import export_command
from tests.cli.calls import call, moving

Capsys = pytest.CaptureFixture[str]
TEXTS = ("lspci", "iomem", "ioports", "dmesg", "dot", "mermaid")
F1 = "f1-working-bar-moves"

_FIRST = {
    "lspci": "0000:00:01.0 Class [0604]: Device [1b36:0001]",
    "iomem": "00000000-3fffffff : System RAM",
    "ioports": "",
    "dmesg": "[    0.000000] PCI host bridge to bus 0000:00",
    "dot": "digraph pci {",
    "mermaid": "flowchart LR",
}


@pytest.mark.parametrize("form", TEXTS)
def test_a_text_goes_to_standard_output_or_into_a_file(tmp_path: Path, capsys: Capsys, form: str) -> None:
    """The same text; nothing else is printed."""
    called = call(capsys, "export", form, F1)
    there = call(capsys, "export", form, F1, tmp_path / "out")

    assert (called.status, called.err) == (there.status, there.err) == (0, "")
    assert (called.out.splitlines() or [""])[0] == _FIRST[form]
    assert ((tmp_path / "out").read_text(), there.out) == (called.out, "")


def test_a_folder_of_sysfs(tmp_path: Path, capsys: Capsys) -> None:
    """One line says how many devices are in it."""
    called = call(capsys, "export", "sysfs", F1, tmp_path / "new" / "tree")
    assert (called.status, called.out) == (0, f"{tmp_path}/new/tree: 4 devices\n")
    assert (tmp_path / "new" / "tree" / "devices" / "0000:01:00.0" / "vendor").read_text() == "0x1b36\n"


def test_a_folder_for_qemu(tmp_path: Path, capsys: Capsys) -> None:
    """One line says what was written and how much of it is not as it was."""
    called = call(capsys, "export", "qemu", F1, tmp_path / "q")
    assert (called.status, called.out) == (0, f"{tmp_path}/q: qemu.sh and hotplug.py, 4 deviations from {F1}\n")
    assert (tmp_path / "q" / "qemu.sh").read_text().count("# - ") == 4 + 2
    assert os.access(tmp_path / "q" / "qemu.sh", os.X_OK)


@pytest.mark.parametrize(
    ("upto", "devices"),
    [("boot", 3), ("1", 3), ("0", 0), ("plug new", 3), ("hotadd rp1", 4), ("3", 4)],
)
def test_the_machine_at_a_moment(capsys: Capsys, upto: str, devices: int) -> None:
    """After an event by its title, or after so many."""
    called = call(capsys, "export", "lspci", F1, "--upto", upto)
    assert (called.status, called.out.count("Class")) == (0, devices)


def test_the_rules_of_a_kernel(capsys: Capsys) -> None:
    """Where BARs are depends on them."""
    texts = {rules: call(capsys, "export", "iomem", F1, "--rules", rules).out for rules in ("v9", "off")}
    assert texts["v9"] != texts["off"]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["export"], "the following arguments are required: FORM, SCENARIO"),
        (["export", "png", F1], "invalid choice: 'png'"),
        (
            ["export", "sysfs", F1],
            "sysfs is more than one file; name a new folder: movsdk export sysfs f1-working-bar-moves FOLDER",
        ),
        (["export", "qemu", F1], "qemu is more than one file; name a new folder"),
        (["export", "lspci", "nothing.yaml"], "nothing.yaml: cannot be read: No such file or directory"),
        (["export", "lspci", F1, "--rules", "v8"], "rules 'v8' are not known; use one of v9, v5, v2, off"),
        (
            ["export", "lspci", F1, "--upto", "hotadd new"],
            "has no event 'hotadd new' to stop after; it has 3: boot, plug new, hotadd rp1",
        ),
        (["export", "lspci", F1, "--upto", "4"], "has no event '4' to stop after"),
        (["export", "lspci", F1, "--only", "f2"], "holds no scenario 'f2'"),
        (["export", "lspci", F1, "{here}"], "is a folder; name a file in it"),
        (["export", "lspci", F1, "{here}/no/where"], "cannot be written: there is no folder"),
        (["export", "sysfs", F1, "{here}"], "is not empty; name a new folder"),
        (["export", "qemu", F1, "{here}"], "is not empty; name a new folder"),
        (["export", "sysfs", F1, "{here}/mine"], "cannot be written: "),
        (["export", "sysfs", F1, "{here}/mine/below"], "cannot be written: Not a directory"),
        (["export", "sysfs", "nothing.yaml", "{here}/new"], "cannot be read"),
        (["export", "qemu", "nothing.yaml", "{here}/new"], "cannot be read"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(tmp_path: Path, capsys: Capsys, words: list[str], text: str) -> None:
    """Exit status 2; what was there is there."""
    (tmp_path / "mine").write_text("x")
    called = call(capsys, *(word.format(here=tmp_path) for word in words))
    assert (called.status, called.out) == (2, "")
    assert called.err.count("\n") == 1
    assert text in called.err
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize("form", ["sysfs", "qemu"])
def test_a_folder_that_fails_midway_is_taken_back(
    tmp_path: Path, capsys: Capsys, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    """A full disk leaves neither files nor the folders that were made for them; an empty folder of the user's stays."""
    written: list[Path] = []

    def full(path: Path, *_: object, **__: object) -> int:
        written.append(path)
        if len(written) > 1:
            raise OSError(28, "No space left on device", str(path))
        path.touch()
        return 0

    (tmp_path / "empty").mkdir()
    monkeypatch.setattr(Path, "write_bytes" if form == "sysfs" else "write_text", full)
    for place in ("empty", "new/below"):
        called = call(capsys, "export", form, F1, tmp_path / place)
        written.clear()
        assert (called.status, called.err.count("\n")) == (2, 1)
        assert "cannot be written: No space left on device" in called.err
    assert [path.name for path in tmp_path.rglob("*")] == ["empty"]


def test_every_form_is_told_of(capsys: Capsys) -> None:
    """``--help`` names each."""
    text = call(capsys, "export", "--help").out
    assert all(f"{form}:" in text for form in export_command.FORMS)


@pytest.mark.parametrize("driver", ["Raises", "Stale"])
def test_a_bad_driver_is_played_as_it_is(tmp_path: Path, capsys: Capsys, driver: str) -> None:
    """What it breaks is `movsdk run`'s to tell; the machine is where it then is."""
    called = call(capsys, "export", "iomem", moving(tmp_path, f"mine.py:{driver}"))
    assert (called.status, called.err) == (0, "")
    assert "0000:01:00.0" in called.out


def test_a_driver_cannot_end_the_command(tmp_path: Path, capsys: Capsys) -> None:
    """One line with its place, status 1, and no file."""
    called = call(capsys, "export", "iomem", moving(tmp_path, "mine.py:Exits"), tmp_path / "out")
    assert (called.status, called.out, called.err.count("\n")) == (1, "", 1)
    assert "SystemExit: 3 at " in called.err
    assert "mine.py:" in called.err
    assert not (tmp_path / "out").exists()
