"""The directory back end: a snapshot of the view as plain files, for lspci on any machine.

``lspci -A linux-sysfs -O sysfs.path=DIR -vv`` reads it. Nothing in it is live: what is written to a file stays in that file.
Left out is what cannot be read without consequences or at all: resourceN, rom, and files that can only be written.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from movsdk.bench.file_out import new_folder
from movsdk.bench.sysfs.node import Attr, Folder, Link, Node
from movsdk.bench.sysfs.open_file import OpenFile
from movsdk.bench.sysfs.proc_files import Around
from movsdk.bench.sysfs.view import SysfsView
from movsdk.bench.world import World

SHORTCUTS: Final = {name: f"sys/bus/pci/{name}" for name in ("devices", "drivers", "slots", "rescan")}
"""Links at the top, so that DIR can stand for /sys/bus/pci as well as for /."""


def export_tree(world: World, directory: str | os.PathLike[str], *, around: Around = ()) -> int:
    """Write the view of `world` below `directory`, which is made and must be empty. Returns the number of devices.

    Args:
        around: names for RAM and reserved ranges in /proc/iomem; see `stage`.

    Raises:
        BadInput: the directory is not empty, or cannot be written.
    """
    view = SysfsView(world, around=around)
    try:
        with new_folder(directory) as root:
            _write(view.root, root)
            for name, target in SHORTCUTS.items():
                if (root / target).exists():
                    (root / name).symlink_to(target)
    finally:
        view.close()
    return sum(1 for _ in world.system.devices())


def _write(node: Node, path: Path) -> None:
    if isinstance(node, Folder):
        path.mkdir(exist_ok=True)
        for name, child in node.entries().items():
            _write(child, path / name)
    elif isinstance(node, Link):
        path.symlink_to(node.target)
    elif (data := _contents(node)) is not None:
        path.write_bytes(data)


def _contents(attr: Attr) -> bytes | None:
    """All of an attribute, or None if it is left out."""
    is_config = attr.read_at is not None and attr.mode & 0o044
    if not attr.mode & 0o444 or (attr.show is None and not is_config):
        return None
    try:
        return OpenFile(attr, os.O_RDONLY).pread(attr.size, 0)
    except OSError:
        return None
