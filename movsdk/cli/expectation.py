"""What ``--expect`` names: a dump of a machine, or recorded vectors by name. How to compare is told in `bench.differences`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from attrs import frozen

from movsdk.bench.differences import differences, differences_from_dump
from movsdk.bench.importers.folder import Dump, read_dump
from movsdk.bench.importers.gather import is_dump
from movsdk.bench.player import Outcome
from movsdk.bench.scenario_file import load
from movsdk.errors import BadInput

Events = list[dict[str, Any]]
_SCENARIOS: Final = (".yaml", ".yml", ".json", ".jsonl", ".jsonl.gz")


@frozen
class Expectation:
    """A `dump`, or `vectors` by scenario name and rules; `name` is what the user wrote."""

    name: str
    dump: Dump | None
    vectors: Mapping[tuple[str, str | None], Events]

    def of(self, scenario: str, rules: str) -> Events:
        """The recorded events of `scenario`: those with the same rules, else any. Raises `BadInput` if there are none."""
        if (scenario, rules) in self.vectors:
            return self.vectors[scenario, rules]
        named = [events for (name, _), events in self.vectors.items() if name == scenario]
        if not named and len(self.vectors) == 1:
            named = list(self.vectors.values())
        if not named:
            raise BadInput(f"{self.name}: holds no vector named {scenario!r}; --expect a file that does")
        return named[0]

    def check(self, scenario: str, rules: str) -> None:
        """Raise `BadInput` if there is nothing to compare `scenario` with."""
        if self.dump is None:
            self.of(scenario, rules)

    def differences(self, scenario: str, rules: str, outcomes: list[Outcome]) -> list[str]:
        """Every difference between what was played and what was recorded, a line each."""
        if self.dump is None:
            return list(differences([outcome.as_expected() for outcome in outcomes], self.of(scenario, rules)))
        return list(differences_from_dump(outcomes[-1].state, self.dump)) if outcomes else ["no event was played"]


def read_expectation(place: str, root: str | None = None) -> Expectation:
    """Read what ``--expect`` names: a folder, an archive or a file of a dump, else vectors. `root` as in `read_dump`.

    Raises:
        BadInput: it is neither, or broken.
    """
    path = Path(place)
    if not path.name.endswith(_SCENARIOS) and is_dump(path):
        return Expectation(place, read_dump(path, root), {})
    if root is not None:
        raise BadInput(f"--root {root} chooses a root bus of a dump, and {place} is none; leave it out")
    vectors = {(case.name, case.rules): case.expect for case in load(place) if case.expect is not None}
    if not vectors:
        raise BadInput(f"{place}: holds no recorded outcome (`expect`); give a golden vector file or a dump")
    return Expectation(place, None, vectors)
