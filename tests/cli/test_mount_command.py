"""``movsdk mount``: a live /sys in the foreground, until Ctrl-C or fusermount3 -u."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from movsdk.bench.sysfs import fuse_mount
from movsdk.bench.sysfs.export_tree import export_tree
from movsdk.bench.sysfs.stage import staged
from tests.bench.exporters.machines import scenario_of
from tests.bench.sysfs.fuse import needs_fuse
from tests.bench.sysfs.mounted import sh
from tests.bench.sysfs.pciutils import lspci, needs_pciutils
from tests.cli.calls import call, moving

Capsys = pytest.CaptureFixture[str]
F1 = "f1-working-bar-moves"


@contextlib.contextmanager
def mounting(folder: Path, *options: str, machine: str = F1, devices: int = 3) -> Iterator[subprocess.Popen[str]]:
    """The command in a process of its own, up to the line that says how to unmount."""
    folder.mkdir()
    command = [sys.executable, "-m", "movsdk", "mount", machine, str(folder), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            assert server.stdout.readline() == f"{folder}: {devices} devices, mounted\n"
            assert server.stdout.readline() == f"to unmount: Ctrl-C here, or fusermount3 -u {folder}\n"
            yield server
        finally:
            subprocess.run(["fusermount3", "-uzq", str(folder)], check=False)
            server.kill()


@needs_fuse
@pytest.mark.parametrize("how", ["Ctrl-C", "fusermount3", "SIGTERM"])
def test_it_serves_until_it_is_told_to_end(tmp_path: Path, how: str) -> None:
    """Each way leaves an empty folder and exit status 0; nothing is said on standard error."""
    folder = tmp_path / "mnt"
    with mounting(folder, "--upto", "boot") as server:
        assert (folder / "devices" / "0000:01:00.0" / "vendor").read_text() == "0x1b36\n"
        if how == "fusermount3":
            subprocess.run(["fusermount3", "-u", str(folder)], check=True)
        else:
            server.send_signal(signal.SIGINT if how == "Ctrl-C" else signal.SIGTERM)
        _, err = server.communicate(timeout=30)
        assert (server.returncode, err) == (0, "")
        assert os.listdir(folder) == []


@needs_fuse
@needs_pciutils
def test_the_log_of_what_somebody_asked_for(tmp_path: Path) -> None:
    """A rescan from a shell is told by the server; lspci reads the machine."""
    folder = tmp_path / "mnt"
    with mounting(folder, "--upto", "boot", "--log") as server:
        assert lspci(folder, "-vvv").count("Region 0") == 1
        assert sh("echo 1 > rescan", folder).returncode == 0
        server.send_signal(signal.SIGINT)
        out, _ = server.communicate(timeout=30)
        assert "pci 0000:00:01.0: bridge window [mem " in out


@needs_fuse
def test_a_driver_that_exits_in_a_hook_does_not_end_the_server(tmp_path: Path) -> None:
    """Whoever asked for the rescan gets EIO, one line tells where it happened, and the machine is served on."""
    path = moving(tmp_path, "mine.py:Exits")
    folder = tmp_path / "mnt"
    with mounting(folder, "--upto", "boot", machine=str(path), devices=2) as server:
        done = sh("echo 1 > rescan", folder)
        assert "write error: Input/output error" in done.stderr
        assert (folder / "devices" / "0000:01:00.0" / "vendor").read_text() == "0x1234\n"
        server.send_signal(signal.SIGINT)
        _, err = server.communicate(timeout=30)
        assert err.count("\n") == 1
        assert err.startswith("movsdk mount: SystemExit: 3 at ")


@needs_fuse
@needs_pciutils
@pytest.mark.parametrize("name", ["q35", "nested-docks", "z370-i350-vf", "vesnin-nvme"])
def test_lspci_prints_of_the_mount_what_it_prints_of_the_export(tmp_path: Path, name: str) -> None:
    """Live or a snapshot: the same tree, regions, windows and bytes. What the export is checked for holds for the mount."""
    path = scenario_of(name)
    count = export_tree(staged(path).world, tmp_path / "tree")
    with mounting(tmp_path / "mnt", machine=str(path), devices=count):
        for options in (["-tv"], ["-D", "-nn", "-vvv"], ["-xxxx"]):
            assert lspci(tmp_path / "mnt", *options) == lspci(tmp_path / "tree", *options)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([F1, "{here}/nothing"], "nothing: cannot be mounted on: No such file or directory"),
        ([F1, "{here}"], "is not empty; mount on an empty folder"),
        ([F1, "{here}/mine"], "cannot be mounted on: Not a directory"),
        (["nothing.yaml", "{here}/empty"], "nothing.yaml: cannot be read"),
        ([F1, "{here}/empty", "--upto", "lunch"], "has no event 'lunch' to stop after"),
    ],
)
@needs_fuse
def test_bad_input_is_one_line(tmp_path: Path, capsys: Capsys, words: list[str], text: str) -> None:
    """Exit status 2, before anything is mounted."""
    (tmp_path / "mine").write_text("x")
    (tmp_path / "empty").mkdir()
    called = call(capsys, "mount", *(word.format(here=tmp_path) for word in words))
    assert (called.status, called.out, called.err.count("\n")) == (2, "", 1)
    assert text in called.err


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ImportError("mfusepy"), "mounting needs the package mfusepy; pip install 'movsdk[fuse]'"),
        (OSError("no libfuse"), "mfusepy finds no libfuse (no libfuse); install the system package fuse3"),
    ],
)
def test_without_the_optional_extra(
    tmp_path: Path, capsys: Capsys, monkeypatch: pytest.MonkeyPatch, error: Exception, text: str
) -> None:
    """One line says what to install."""

    def missing(_name: str) -> object:
        raise error

    monkeypatch.setattr(fuse_mount, "import_module", missing)
    monkeypatch.setattr(fuse_mount, "_DEVICE", os.devnull)
    called = call(capsys, "mount", F1, tmp_path)
    assert (called.status, called.err) == (2, f"movsdk mount: {text}\n")


def test_without_the_device(tmp_path: Path, capsys: Capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    """And what to use instead."""
    monkeypatch.setattr(fuse_mount, "_DEVICE", str(tmp_path / "fuse"))
    called = call(capsys, "mount", F1, tmp_path)
    assert (
        called.err
        == "movsdk mount: there is no " + str(tmp_path / "fuse") + " here; use `movsdk export sysfs`, which writes plain files\n"
    )
