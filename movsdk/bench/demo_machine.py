"""The recorded q35 machine that ships with the SDK: its dumps by name, and the story they tell.

Twin: ../shared/machines of the project's founders; each folder is one moment of a real kernel (5.10 with v9, or without).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path
from typing import Final

MOMENTS: Final = ("0boot", "1ivshmem64_dn1", "2edu_dn3", "3nvme_rp2")


@contextmanager
def dumps(machine: str = "q35-v9") -> Iterator[Path]:
    """The folder with the machine's dumps, on disk while inside."""
    with as_file(files("movsdk.bench").joinpath("machines", machine)) as folder:
        yield folder
