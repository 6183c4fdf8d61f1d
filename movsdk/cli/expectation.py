"""What ``--expect`` names: the dump of a machine, or recorded vectors by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from attrs import frozen

from movsdk.bench.importers.folder import read_dump
from movsdk.bench.scenario_file import load
from movsdk.errors import BadInput


@frozen
class Expectation:
    """`folder` of a dump, or `vectors` by scenario name."""

    name: str
    folder: str | None
    vectors: dict[str, list[dict[str, Any]]]

    def of(self, name: str) -> list[dict[str, Any]]:
        """The recorded events of the scenario called `name`. Raises `BadInput`."""
        if name not in self.vectors and len(self.vectors) == 1:
            return next(iter(self.vectors.values()))
        try:
            return self.vectors[name]
        except KeyError:
            raise BadInput(f"{self.name}: holds no vector named {name!r}; --expect a file that does") from None


def read_expectation(place: str) -> Expectation:
    """Read what ``--expect`` names. Raises `BadInput`."""
    if Path(place).is_dir():
        read_dump(place)
        return Expectation(place, place, {})
    vectors = {case.name: case.expect for case in load(place) if case.expect is not None}
    if not vectors:
        raise BadInput(f"{place}: holds no recorded outcome (`expect`); give a golden vector file or a dump folder")
    return Expectation(place, None, vectors)
