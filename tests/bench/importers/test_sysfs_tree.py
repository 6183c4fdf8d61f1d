"""Functions out of sysfs: a live one, a copy, an archive."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

import pytest

from movsdk.address import Bdf, Span
from movsdk.bench.importers.dump_lines import At
from movsdk.bench.importers.files import FolderFiles
from movsdk.bench.importers.folder import dump_of, read_dump
from movsdk.bench.importers.gather import live
from movsdk.bench.importers.story import import_dumps
from movsdk.bench.importers.sysfs_tree import device_folders, read_device
from movsdk.bench.scenario import BarDecl, BridgeSpec
from movsdk.errors import BadInput
from movsdk.pci_regs import BarKind

NONE = "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
NVME = "36 1b 10 00 06 00 00 00 00 02 08 01 00 00 00 00 04 00 40 fe"
PORT = "36 1b 0c 00 07 00 00 00 00 00 04 06 00 00 01 00 00 00 00 00 00 00 00 00 00 01 01 00 f0 00 00 00 40 fe 40 fe"


def make_machine(root: Path) -> Path:
    """A /sys and a /proc with a port, an NVMe below it, and a virtual function."""
    port = root / "sys/devices/pci0000:00/0000:00:01.0"
    nvme, virtual = port / "0000:01:00.0", port / "0000:01:00.1"
    for folder in (nvme, virtual):
        folder.mkdir(parents=True)
    (port / "config").write_bytes(bytes.fromhex(PORT).ljust(64, b"\0"))
    (port / "resource").write_text(NONE * 8 + "0x00000000fe400000 0x00000000fe4fffff 0x0000000000000200\n" + NONE * 4)
    (nvme / "config").write_bytes(bytes.fromhex(NVME).ljust(64, b"\0"))
    (nvme / "resource").write_text("0x00000000fe400000 0x00000000fe403fff 0x0000000000140204\n" + NONE * 12)
    (nvme / "uevent").write_text("DRIVER=nvme\nPCI_ID=1B36:0010\n")
    (nvme / "resource0_resize").write_text("00000000000000f0\n")
    (virtual / "config").write_bytes(b"\xff" * 4 + bytes(60))
    (virtual / "physfn").symlink_to("../0000:01:00.0")
    devices, drivers = root / "sys/bus/pci/devices", root / "sys/bus/pci/drivers/pcieport"
    devices.mkdir(parents=True)
    drivers.mkdir(parents=True)
    (root / "sys/kernel").mkdir()
    (port / "driver").symlink_to("../../../bus/pci/drivers/pcieport")
    for each in (port, nvme, virtual):
        (devices / each.name).symlink_to(each)
    slot = root / "sys/bus/pci/slots/7"
    slot.mkdir(parents=True)
    (slot / "address").write_text("0000:01:00\n")
    (slot / "power").write_text("1\n")
    (root / "proc").mkdir()
    (root / "proc/iomem").write_text(
        "00000000-7fffffff : System RAM\nfe000000-feafffff : PCI Bus 0000:00\n"
        "  fe400000-fe4fffff : PCI Bus 0000:01\n    fe400000-fe403fff : 0000:01:00.0\n"
    )
    return root


def assert_is_it(root: Path) -> None:
    found = import_dumps([read_dump(root)])
    port, nvme = found.scenario.find("00:01.0"), found.scenario.find("01:00.0")
    assert isinstance(port, BridgeSpec)
    assert (port.driver, port.hotplug, nvme.driver, nvme.on) == ("port", True, "nvme", "00:01.0")
    assert nvme.bars == (BarDecl(0, BarKind.MEM64, 0x4000),)
    assert nvme.facts.resizable == ((0, (16 << 20, 32 << 20, 64 << 20, 128 << 20)),)
    assert [window.span for window in found.scenario.windows] == [Span(0xFE000000, 0xFEAFFFFF)]
    assert any("0000:01:00.1" in note and "virtual function" in note for note in found.notes)


def test_a_copy_of_the_whole_tree_is_read(tmp_path: Path) -> None:
    """Where the kernel keeps devices; /proc beside it; the slot's port by its bus."""
    root = make_machine(tmp_path)
    shutil.rmtree(root / "sys/kernel")

    assert_is_it(root)


def test_a_copy_of_the_devices_through_their_links_is_read(tmp_path: Path) -> None:
    """``cp -rL /sys/bus/pci/devices``: folders in place of links."""
    root = make_machine(tmp_path / "machine")
    shutil.rmtree(root / "sys/devices/pci0000:00/0000:00:01.0/0000:01:00.1")
    (root / "sys/bus/pci/devices/0000:01:00.1").unlink()
    copy = tmp_path / "copy"
    shutil.copytree(root / "sys/bus/pci/devices", copy)

    scenario = import_dumps([read_dump(copy)]).scenario

    assert [spec.id for spec in scenario.devices] == ["00:01.0", "01:00.0"]


def test_an_archive_of_it_is_read(tmp_path: Path) -> None:
    """With the zeros that tar adds to files whose size sysfs does not tell."""
    root = make_machine(tmp_path / "machine")
    resource = root / "sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0/resource"
    resource.write_bytes(resource.read_bytes().ljust(4096, b"\0"))
    path = tmp_path / "m.tar"
    with tarfile.open(path, "w") as archive:
        archive.add(root / "sys", "sys")
        archive.add(root / "proc", "proc")

    assert_is_it(path)


def test_a_running_machine_is_read_and_not_changed(tmp_path: Path) -> None:
    """Only what stands in bus/pci/devices, without a walk; hot-plug slots are not looked for there."""
    root = make_machine(tmp_path)
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}

    scenario = import_dumps([dump_of(live(root))]).scenario

    assert [spec.id for spec in scenario.devices] == ["00:01.0", "01:00.0"]
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("folder", ["", "sys/bus/pci/devices"], ids=["no /sys", "an empty bus"])
def test_a_machine_without_pci_is_one_line(folder: str, tmp_path: Path) -> None:
    """A container, a board without PCI."""
    (tmp_path / folder).mkdir(parents=True, exist_ok=True)

    with pytest.raises(BadInput) as caught:
        live(tmp_path)

    assert str(caught.value).startswith(f"{tmp_path}/sys/bus/pci: this machine shows no PCI device; import a dump")


def test_a_folder_says_what_its_files_say(tmp_path: Path) -> None:
    """Numbers, link, bytes; what cannot be read is absent."""
    files = FolderFiles(make_machine(tmp_path))
    folders = device_folders(files.names())

    nvme = read_device(files, Bdf.parse("01:00.0"), folders[Bdf.parse("01:00.0")])

    assert (nvme.driver, len(nvme.config), nvme.resize, nvme.numbers) == ("nvme", 64, {0: 0xF0}, {})
    assert nvme.at == At(tmp_path / "sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0")


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("config", b"\x36\x1b", "/config: 2 config bytes; a config space has 64, 256 or 4096; the file is cut off"),
        ("resource", b"0x0", "/resource:1: not `start last flags`"),
        (
            "resource",
            NONE.encode(),
            "/resource:2: 0000:01:00.0 ends after 1 resources; there are 7, 11, 13, 17; the file is cut off",
        ),
    ],
)
def test_a_broken_file_of_a_tree_is_named(name: str, data: bytes, message: str, tmp_path: Path) -> None:
    """By its path."""
    root = make_machine(tmp_path)
    shutil.rmtree(root / "sys/kernel")
    (root / "sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0" / name).write_bytes(data)

    with pytest.raises(BadInput) as caught:
        read_dump(root)

    assert message in str(caught.value)
