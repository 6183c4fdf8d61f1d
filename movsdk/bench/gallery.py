"""The gallery: scenarios that ship with the SDK, by name: fixtures F1-F8 and the machines that the series' mails name.

Twin: none; a list. A name is its file's name without ``.yaml``. Reads files and plays nothing.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path

from movsdk.bench.scenario import NamedScenario
from movsdk.bench.scenario_file import load as load_file
from movsdk.errors import BadInput

_SUFFIX = ".yaml"


def folder() -> Path:
    """Where the files lie."""
    return Path(str(files("movsdk.bench.scenarios")))


@cache
def names() -> tuple[str, ...]:
    """All names, sorted."""
    return tuple(sorted(path.name.removesuffix(_SUFFIX) for path in folder().glob(f"*{_SUFFIX}")))


def find(name: str) -> Path | None:
    """The file of the scenario called `name`, or None. A path is no name.

    >>> find("f4-window-too-small").name, find("no-such-machine")
    ('f4-window-too-small.yaml', None)
    """
    return folder() / f"{name}{_SUFFIX}" if name in names() else None


def load(name: str) -> NamedScenario:
    """Return the scenario called `name`, checked. Raises `BadInput` naming what there is."""
    path = find(name)
    if path is None:
        raise BadInput(f"the gallery has no scenario {name!r}; it has {', '.join(names())}")
    (found,) = load_file(path)
    return found
