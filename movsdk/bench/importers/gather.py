"""What the user named, sorted: each file read by its kind, each function of a sysfs tree, and notes of what was passed over.

A path may be a file, a tar archive, or a folder of any of them. Joins nothing; see `join`.
"""

from __future__ import annotations

import re
import tarfile
import zlib
from collections.abc import Iterable
from lzma import LZMAError
from pathlib import Path
from typing import Final

from attrs import define, evolve, field

from movsdk.address import Bdf
from movsdk.bench.importers import iomem
from movsdk.bench.importers.dmesg import Dmesg, read_dmesg
from movsdk.bench.importers.drivers import read_drivers
from movsdk.bench.importers.dump_lines import At, Text, read_data, text_of
from movsdk.bench.importers.files import ArchiveFiles, Files, FolderFiles, LiveFiles
from movsdk.bench.importers.kinds import Kind, parts_of
from movsdk.bench.importers.lspci_dump import LspciEntry, read_lspci
from movsdk.bench.importers.packed import ZipFiles, is_zip, unpacked
from movsdk.bench.importers.sysfs_resource import DeviceResources, read_resources
from movsdk.bench.importers.sysfs_tree import SysfsDevice, device_folders, read_device
from movsdk.bench.importers.translated import resources_on_bus, span_on_bus
from movsdk.errors import BadInput

FORMS: Final = "lspci -vv or -xxxx, sysfs files, /proc/iomem, /proc/ioports, dmesg"
_IN_A_TREE: Final = re.compile(r"(?:^|/)(?:sys|devices|bus|[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7])/")
_SLOT: Final = re.compile(r"(?:.*/)?slots/[^/]+/address")
_TAR_BLOCK: Final = 512
_HIDDEN: Final = "all addresses are zero; the kernel shows them to root only"


@define(eq=False)
class Evidence:
    """Everything found, by kind. `places`: what to call each source of addresses."""

    place: Path
    lspci: list[tuple[Path, dict[Bdf, LspciEntry]]] = field(factory=list)
    resources: list[tuple[Path, dict[Bdf, DeviceResources]]] = field(factory=list)
    drivers: list[tuple[Path, dict[Bdf, tuple[str, At]]]] = field(factory=list)
    sysfs: dict[Bdf, SysfsDevice] = field(factory=dict)
    sysfs_place: Path | None = None
    ranges: dict[str, tuple[Text, list[iomem.Range]]] = field(factory=dict)
    dmesg: Dmesg | None = None
    dmesg_place: Path | None = None
    hotplug_buses: set[tuple[int, int]] = field(factory=set)
    notes: list[str] = field(factory=list)


def gather(paths: Iterable[Path]) -> Evidence:
    """Read all of `paths`, which are one moment of one machine.

    Raises:
        BadInput: one of them is nothing of a dump, or broken; names file and line.
    """
    paths = list(paths)
    evidence = Evidence(paths[0])
    for path in paths:
        if path.is_dir():
            _folder(evidence, path)
        elif path.is_file() and tarfile_like(path):
            _tree(evidence, ArchiveFiles(path))
        elif path.is_file() and is_zip(path):
            _tree(evidence, ZipFiles(path))
        elif not path.exists():
            raise BadInput(f"{path}: is no folder and no file; a dump is a folder or files of {FORMS}")
        else:
            if not _is_empty_ioports(evidence, path):
                _file(evidence, text_of(path, unpacked(path, read_data(path))), is_named=True)
    if not evidence.lspci and not evidence.resources and not evidence.sysfs and evidence.dmesg is None:
        raise BadInput(f"{evidence.place}: holds no dump of PCI devices; give {FORMS}")
    _tell_bus_addresses(evidence)
    return evidence


def _tell_bus_addresses(evidence: Evidence) -> None:
    """Where the log says that the host bridge translates: all as the bus has it. lspci's words are told when they are read."""
    if evidence.dmesg is None or not evidence.dmesg.translations:
        return
    translations = evidence.dmesg.translations
    evidence.dmesg.tell_bus_addresses()
    evidence.resources = [
        (path, {bdf: resources_on_bus(each, translations) for bdf, each in found.items()}) for path, found in evidence.resources
    ]
    for bdf, device in evidence.sysfs.items():
        if device.resources is not None:
            evidence.sysfs[bdf] = evolve(device, resources=resources_on_bus(device.resources, translations))
    for _text, top in evidence.ranges.values():
        for each in (inner for outermost in top for inner in outermost.walk()):
            each.span = span_on_bus(each.span, translations)


def live(root: Path) -> Evidence:
    """This machine, out of its /sys and /proc (below `root`), without changing anything.

    Raises:
        BadInput: it has no PCI bus, or shows none.
    """
    files = LiveFiles(root / "sys")
    evidence = Evidence(root / "sys" / "bus" / "pci")
    _devices(evidence, files, files.names())
    if not evidence.sysfs:
        raise BadInput(
            f"{evidence.place}: this machine shows no PCI device; import a dump of another one, or `movsdk demo --dumps`"
        )
    for name in ("iomem", "ioports"):
        path = root / "proc" / name
        try:
            data = path.read_bytes()
        except OSError:
            continue
        if data.strip():
            _ranges(evidence, text_of(path, data), Kind(f"/proc/{name}"))
        elif name == "ioports":
            _no_ports(evidence, path)
    return evidence


def is_dump(path: Path) -> bool:
    """True for a folder, an archive, or a file that is told to be a dump by its lines. Raises `BadInput` if it cannot be read."""
    if path.is_dir() or tarfile_like(path) or is_zip(path):
        return True
    try:
        text = text_of(path, unpacked(path, read_data(path)))
    except BadInput:
        if not path.exists():
            raise
        return False  # no text of a dump; what is wrong with it as a scenario is said by who reads that
    return any(kind is not None for kind, _part in parts_of(text))


def tarfile_like(path: Path) -> bool:
    """True for an archive, compressed or not."""
    try:
        with path.open("rb") as stream:
            if not stream.read(_TAR_BLOCK).strip(b"\0"):
                return False  # to tarfile zeros are an empty archive, after a minute's search
        return tarfile.is_tarfile(path) or path.name.endswith((".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2"))
    except OSError:
        return False
    except (EOFError, zlib.error, LZMAError):
        return True  # begins as one; why it goes no further is said when it is read


def _folder(evidence: Evidence, path: Path) -> None:
    devices = path / "bus" / "pci" / "devices"
    is_sys = devices.is_dir() and (path / "kernel").is_dir()
    _tree(evidence, LiveFiles(path) if is_sys else FolderFiles(path))


def _tree(evidence: Evidence, files: Files) -> None:
    names = files.names()
    _devices(evidence, files, names)
    texts = [name for name in names if not _IN_A_TREE.search(name) or name.startswith("proc/") or "/proc/" in name]
    for name in texts:
        if (data := files.read(name)) is not None and files.link(name) is None:
            if not data.strip() and "ioports" in Path(name).name:
                _no_ports(evidence, files.path(name))
                continue
            try:
                text = text_of(files.path(name), unpacked(files.path(name), data))
            except BadInput as error:
                if _is_text_by_name(name):
                    raise
                evidence.notes.append(f"left out: {error}")
                continue
            _file(evidence, text, is_named=_is_text_by_name(name))


def _is_text_by_name(name: str) -> bool:
    """A file whose name says that it belongs to the dump must not be passed over."""
    return any(word in Path(name).name for word in ("lspci", "resource", "iomem", "ioports", "drivers", "dmesg"))


def _devices(evidence: Evidence, files: Files, names: list[str]) -> None:
    for bdf, folder in device_folders(names).items():
        if bdf in evidence.sysfs:
            raise BadInput(f"{files.path(folder)}: {bdf} is in {evidence.sysfs[bdf].at} too; give one moment at a time")
        evidence.sysfs[bdf] = read_device(files, bdf, folder)
        evidence.sysfs_place = files.place
    for name in names:
        if _SLOT.fullmatch(name) and name.removesuffix("address") + "power" in names:
            parts = (files.read(name) or b"").decode("ascii", errors="replace").strip().split(":")
            if len(parts) == 3 and all(re.fullmatch(r"[0-9a-f]{2,8}", part) for part in parts):
                evidence.hotplug_buses.add((int(parts[0], 16), int(parts[1], 16)))


def _file(evidence: Evidence, text: Text, *, is_named: bool) -> None:
    for kind, part in parts_of(text):
        _part(evidence, part, kind, is_named=is_named)


def _part(evidence: Evidence, text: Text, kind: Kind | None, *, is_named: bool) -> None:
    if kind is None or kind in (Kind.MACHINE_READABLE, Kind.TREE):
        what = "no dump that can be read" if kind is None else f"the output of {kind.value}, which holds no addresses"
        if is_named:
            raise text.bad(1, f"{what}; give {FORMS}")
        evidence.notes.append(f"left out: {text.path}: {what}")
    elif kind is Kind.LSPCI:
        evidence.lspci.append((text.path, read_lspci(text, evidence.notes)))
    elif kind is Kind.RESOURCE:
        evidence.resources.append((text.path, read_resources(text)))
    elif kind is Kind.DRIVERS:
        evidence.drivers.append((text.path, read_drivers(text)))
    elif kind is Kind.DMESG:
        evidence.dmesg = read_dmesg(text, evidence.dmesg)
        evidence.dmesg_place = text.path
    else:
        _ranges(evidence, text, kind)


def _is_empty_ioports(evidence: Evidence, path: Path) -> bool:
    """An empty /proc/ioports is a whole one: the machine forwards no I/O ports. Only its name tells what it is."""
    if "ioports" not in path.name or not path.is_file():
        return False
    try:
        with path.open("rb") as stream:
            is_empty = not stream.read(1 << 16).strip()
    except OSError:
        return False  # why it cannot be read is said by who reads it
    if is_empty:
        _no_ports(evidence, path)
    return is_empty


def _no_ports(evidence: Evidence, path: Path) -> None:
    evidence.ranges.setdefault("ioports", (Text(path, ()), []))


def _ranges(evidence: Evidence, text: Text, kind: Kind) -> None:
    name = kind.value.removeprefix("/proc/")
    if name in evidence.ranges and evidence.ranges[name][1]:
        raise text.bad(1, f"a second {kind.value}, after {evidence.ranges[name][0].path}; give one moment at a time")
    top = iomem.read_ranges(text)
    if iomem.are_hidden(top):
        evidence.notes.append(f"{text.path}:1: {_HIDDEN}; not used")
    else:
        evidence.ranges[name] = text, top
