"""The machines that the exports are tried with: the gallery, and the recorded q35 at its last moment."""

from __future__ import annotations

import os
import tempfile
from functools import cache
from pathlib import Path

from movsdk.bench import gallery
from movsdk.bench.importers.story import import_story
from movsdk.bench.scenario_text import dump_scenario
from tests.bench.importers.dumps import STORY

NAMES = (*gallery.names(), "q35")
RULES = ("v9", "off")


@cache
def scenario_of(name: str) -> Path:
    """The file of a machine."""
    known = gallery.find(name)
    if known is not None:
        return known
    handle, path = tempfile.mkstemp(prefix="q35-", suffix=".yaml")
    with os.fdopen(handle, "w") as file:
        file.write(dump_scenario(import_story(STORY)))
    return Path(path)
