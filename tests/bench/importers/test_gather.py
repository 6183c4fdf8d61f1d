"""Where dumps lie: files, folders, archives, mails; what is none is passed over by name, or refused."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from movsdk.bench.importers.folder import read_dump
from movsdk.bench.importers.story import import_dumps
from movsdk.errors import BadInput
from tests.bench.importers import samples
from tests.bench.importers.dumps import BOOT


def test_an_archive_is_a_folder(tmp_path: Path) -> None:
    """tar as it is, compressed or not; text in it is recognised by content."""
    path = tmp_path / "dump.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        archive.add(BOOT, arcname="0boot")

    packed, plain = import_dumps([read_dump(path)]).scenario, import_dumps([read_dump(BOOT)]).scenario

    assert (packed.devices, packed.windows, packed.ram) == (plain.devices, plain.windows, plain.ram)


def test_other_files_of_a_folder_are_passed_over_by_name(tmp_path: Path) -> None:
    """A README or a picture beside the dump does not matter; a file that was named must be one."""
    (tmp_path / "lspci.txt").write_text(samples.LAPTOP)
    (tmp_path / "README.md").write_text("hello\n")
    (tmp_path / "screen.png").write_bytes(b"\x89PNG\x00")

    notes = read_dump(tmp_path).notes

    assert any("left out: " in note and "README.md: no dump that can be read" in note for note in notes)
    assert any("screen.png:1: not text" in note for note in notes)
    for name, problem in {"README.md": "no dump that can be read; give lspci", "screen.png": "not text: byte 0x89"}.items():
        with pytest.raises(BadInput, match=problem):
            read_dump([tmp_path / "lspci.txt", tmp_path / name])


def test_forms_of_lspci_without_addresses_are_refused_by_name(tmp_path: Path) -> None:
    """-m and -t hold no BARs; the message says what to take."""
    for text, problem in {
        '00:00.0 "Host bridge" "Intel" "x"\n': "lspci -m, which holds no addresses; give lspci -vv",
        "-[0000:00]-+-00.0\n           +-01.0\n": "lspci -t, which holds no addresses",
    }.items():
        (tmp_path / "x").write_text(text)
        with pytest.raises(BadInput, match=problem):
            read_dump(tmp_path / "x")


def test_a_mail_is_read_through_its_quotes(tmp_path: Path) -> None:
    """Each line behind `> `."""
    (tmp_path / "mail").write_text("".join(f"> {line}\n" for line in samples.LAPTOP.splitlines()))

    assert len(read_dump(tmp_path / "mail").functions) == 4


def test_a_machine_without_io_ports_has_an_empty_file_of_them(tmp_path: Path) -> None:
    """It is whole, by its name; a BAR in I/O ports contradicts it, and other files must not be empty."""
    log = samples.NEW_LOG.replace("root bus resource [io ", "root bus resource [bus ")
    dump = {"dmesg.txt": log, "ioports.txt": "", "empty.txt": ""}
    for name, text in dump.items():
        (tmp_path / name).write_text(text)

    for found in (read_dump(tmp_path), read_dump([tmp_path / "dmesg.txt", tmp_path / "ioports.txt"])):
        assert not any(window.is_io for window in found.windows)
        assert not any("ioports" in note for note in found.notes)
    with pytest.raises(BadInput, match=r"empty\.txt: is empty"):
        read_dump([tmp_path / "dmesg.txt", tmp_path / "empty.txt"])
    with pytest.raises(BadInput, match=r"ioports\.txt: is empty, but 0000:00:1f\.2 BAR 4 is at \[0xc040-0xc05f\]"):
        read_dump([BOOT / "lspci-xxxx.txt", BOOT / "resource.txt", tmp_path / "ioports.txt"])


def test_the_words_about_pci_of_the_command_line_come_out_of_the_log(tmp_path: Path) -> None:
    """``pci=`` decides about reserves and realloc; the rest of the line is none of ours."""
    line = "[    0.000000] Command line: BOOT_IMAGE=/vmlinuz root=UUID=5 ro pcie_ports=native pci=hpbussize=0x33,realloc quiet\n"
    (tmp_path / "log").write_text(line + samples.NEW_LOG)

    assert import_dumps([read_dump(tmp_path / "log")]).scenario.cmdline == "pcie_ports=native pci=hpbussize=0x33,realloc"
