"""Writing a file whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from movsdk.errors import BadInput


def write_whole(path: str | Path, text: str) -> None:
    """Put `text` in the file at `path`: the old content stays until the new one is complete.

    Raises:
        BadInput: the place cannot be written; nothing is left behind.
    """
    path = Path(path)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise BadInput(f"{path}: cannot be written: {error.strerror}; choose another place") from error
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        umask = os.umask(0)
        os.umask(umask)
        Path(name).chmod(0o666 & ~umask)
        Path(name).replace(path)
    except OSError as error:
        Path(name).unlink(missing_ok=True)
        raise BadInput(f"{path}: cannot be written: {error.strerror}; choose another place") from error
