"""Writing a file or a folder whole or not at all: whoever reads a file sees the old content or the new, never half of one.

Twin: rename(2). What is no plain file (a pipe, /dev/stdout) is written to as it is.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from movsdk.errors import BadInput


def check_writable(path: str | Path) -> None:
    """Refuse now what `write_whole` would refuse at the end of a long run. Creates nothing.

    Raises:
        BadInput: `path` is a folder, lies in none, or the folder takes no files.
    """
    place = _target(path)
    if place.is_dir():
        raise BadInput(f"{path}: is a folder; name a file in it")
    if not place.parent.is_dir():
        raise BadInput(f"{path}: cannot be written: there is no folder {place.parent}; make it first")
    if not os.access(place.parent if _is_replaced(place) else place, os.W_OK):
        raise BadInput(f"{path}: cannot be written: Permission denied; choose another place")


def write_whole(path: str | Path, text: str) -> None:
    """Put `text` in the file at `path`: the old content stays until the new one is complete. A link stays a link.

    Raises:
        BadInput: the place cannot be written; nothing is left behind.
    """
    check_writable(path)
    place = _target(path)
    data = text.encode("utf-8", "backslashreplace")
    try:
        if _is_replaced(place):
            _replace(place, data)
        else:
            with place.open("wb") as file:
                file.write(data)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise BadInput(f"{path}: cannot be written: {error.strerror}; choose another place") from error


@contextmanager
def new_folder(directory: str | os.PathLike[str]) -> Iterator[Path]:
    """An empty folder to write in, made if it is not there. If the writing fails, nothing of it is left.

    Raises:
        BadInput: there is something in it, or it cannot be written.
    """
    root = Path(directory)
    made: list[Path] = []
    try:
        made = [folder for folder in (root, *root.parents) if not folder.exists()]
        root.mkdir(parents=True, exist_ok=True)
        if any(root.iterdir()):
            made = []
            raise BadInput(f"{root}: is not empty; name a new folder")
        try:
            yield root
        except BaseException:
            for each in root.iterdir():
                shutil.rmtree(each) if each.is_dir() and not each.is_symlink() else each.unlink()
            for folder in made:
                folder.rmdir()
            raise
    except (OSError, ValueError) as error:
        place = getattr(error, "filename", None) or root
        raise BadInput(f"{place!s:.200}: cannot be written: {getattr(error, 'strerror', None) or error}") from None


def _target(path: str | Path) -> Path:
    """What a link leads to. The name of a pipe (as /dev/stdout may be) leads nowhere else."""
    try:
        place = Path(path)
        return place if place.exists() and not place.is_file() and not place.is_dir() else place.resolve()
    except (OSError, RuntimeError, ValueError) as error:  # a circle of links is a RuntimeError, a zero byte a ValueError
        raise BadInput(f"{path!s:.200}: cannot be written: {error}; choose another place") from None


def _is_replaced(place: Path) -> bool:
    return place.is_file() or not place.exists()


def _replace(place: Path, data: bytes) -> None:
    mode = place.stat().st_mode & 0o777 if place.exists() else None
    handle, name = tempfile.mkstemp(prefix=".movsdk-", dir=place.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(name).chmod(_usual_mode() if mode is None else mode)
        Path(name).replace(place)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _usual_mode() -> int:
    """What open() would give a new file. The mask can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return 0o666 & ~mask
