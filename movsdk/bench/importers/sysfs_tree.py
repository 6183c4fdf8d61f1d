"""Functions as sysfs shows them: a folder each, named by its address, with config, resource, ids and a link to the driver.

Twin: drivers/pci/pci-sysfs.c. Where the folders lie does not matter: /sys, a copy of bus/pci/devices, an archive of it.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Final

from attrs import frozen

from movsdk.address import Bdf
from movsdk.bench.config_bytes import SIZES
from movsdk.bench.importers.dump_lines import At, text_of
from movsdk.bench.importers.files import BDF, Files
from movsdk.bench.importers.sysfs_resource import DeviceResources, read_resource_file
from movsdk.errors import BadInput

_MARKS: Final = frozenset(("config", "resource", "vendor"))
_NUMBERS: Final = ("vendor", "device", "class", "revision", "subsystem_vendor", "subsystem_device")


@frozen
class SysfsDevice:
    """One folder. `config` is empty where it could not be read; `resize` the masks of resourceN_resize."""

    at: At
    config: bytes
    resources: DeviceResources | None
    numbers: dict[str, int]
    driver: str | None
    is_virtual: bool
    resize: dict[int, int]


def device_folders(names: list[str]) -> dict[Bdf, str]:
    """The folder of each function among file names; the one with most files where there are several.

    Raises:
        BadInput: a folder is called as no function can be.
    """
    found: dict[str, dict[str, int]] = {}
    for name in names:
        path = PurePosixPath(name)
        if BDF.fullmatch(path.parent.name):
            folders = found.setdefault(path.parent.name, {})
            folders[str(path.parent)] = folders.get(str(path.parent), 0) + (path.name in _MARKS)
    best = {bdf: max(sorted(folders.items()), key=lambda item: item[1]) for bdf, folders in found.items()}
    return {Bdf.parse(bdf): folder for bdf, (folder, marks) in sorted(best.items()) if marks}


def read_device(files: Files, bdf: Bdf, folder: str) -> SysfsDevice:
    """Return what the folder holds. Raises `BadInput` naming the file that is broken."""
    numbers = {key: number for key in _NUMBERS if (number := _number(files, f"{folder}/{key}")) is not None}
    resource = files.read(f"{folder}/resource")
    path = files.path(f"{folder}/resource")
    return SysfsDevice(
        at=At(files.path(folder)),
        config=_config(files, folder),
        resources=read_resource_file(text_of(path, resource.rstrip(b"\0")), bdf) if resource else None,
        numbers=numbers,
        driver=_driver(files, folder),
        is_virtual=files.link(f"{folder}/physfn") is not None,
        resize={n: mask for n in range(6) if (mask := _number(files, f"{folder}/resource{n}_resize", base=16))},
    )


def _config(files: Files, folder: str) -> bytes:
    data = files.read(f"{folder}/config") or b""
    path: Path = files.path(f"{folder}/config")
    if data and len(data) not in SIZES:
        if len(data) < 64 or len(data) > 4096:
            raise BadInput(
                f"{path}: {len(data)} config bytes; a config space has 64, 256 or 4096; the file is cut off", path=str(path)
            )
        data = data[: max(size for size in SIZES if size <= len(data))]
    return data


def _number(files: Files, name: str, base: int = 0) -> int | None:
    data = files.read(name)
    try:
        return int(data[:40].decode("ascii").strip(), base) if data is not None else None
    except (ValueError, UnicodeDecodeError):
        return None


def _driver(files: Files, folder: str) -> str | None:
    link = files.link(f"{folder}/driver")
    if link is not None:
        return PurePosixPath(link).name or None
    lines = (files.read(f"{folder}/uevent") or b"")[:4096].decode("ascii", errors="replace").splitlines()
    return next((line[7:] for line in lines if line.startswith("DRIVER=") and len(line) < 72), None)
