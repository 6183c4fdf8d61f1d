"""The gallery: scenarios that ship with the SDK, by name: fixtures F1-F8, machines that the series' mails name, users' cases.

Twin: none; a list. A name is its file's name without ``.yaml``. Reads files and plays nothing.
"""

from __future__ import annotations

import os
import re
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from pathlib import Path

from movsdk.bench.scenario import NamedScenario
from movsdk.bench.scenario_file import load as load_file
from movsdk.errors import BadInput

_SUFFIX = ".yaml"
_NAME = re.compile(r"[A-Za-z0-9_-]+")


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


def file_of(word: str) -> Path:
    """Return the file that a user means by `word`: the file of that path, else the scenario of that name.

    A word that is neither stands for itself, and reading it will fail; one that can only be a name (no dot, no slash) is refused.

    Raises:
        BadInput: with the names that begin like it or look like it.
    """
    path, known = Path(word), find(word)
    if os.path.exists(path):  # which, unlike the method, takes a name that is too long for none
        return path
    if known is None and _NAME.fullmatch(word):
        near = [name for name in names() if name.startswith(word)] or get_close_matches(word, names(), n=1)
        advice = f"did you mean {' or '.join(near)}?" if near else "`movsdk gallery` lists the names"
        raise BadInput(f"{word}: cannot be read: there is no such file, and no scenario of that name; {advice}")
    return known or path
