"""Dump folders to test with: the real ones that ship as demo data, and small broken copies of them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

from movsdk.bench.importers.dump_lines import Text, read_data, text_of

MACHINES = Path(str(files("movsdk.bench") / "machines"))
BOOT = MACHINES / "q35-v9" / "0boot"
STORY = [MACHINES / "q35-v9" / name for name in ("0boot", "1ivshmem64_dn1", "2edu_dn3", "3nvme_rp2")]
OFF = [MACHINES / "q35-off" / name for name in ("0boot", "1ivshmem64_dn1")]

Edit = Callable[[str], str]


def read_text(path: Path) -> Text:
    """The lines of a file that is not packed."""
    return text_of(path, read_data(path))


def copy_of(dump: Path, to: Path, **edits: Edit) -> Path:
    """A copy of `dump` below `to`, with `edits` (lspci, resource, iomem, ioports, drivers) applied to the text of its files."""
    folder = to / dump.name
    shutil.copytree(dump, folder)
    for key, edit in edits.items():
        file = next(folder.glob(f"{key}*"))
        file.write_text(edit(file.read_text()), newline="")
    return folder


def replacing(old: str, new: str) -> Edit:
    """Replace text that must be there, once."""

    def edit(text: str) -> str:
        assert text.count(old) == 1, (old, text.count(old))
        return text.replace(old, new)

    return edit
