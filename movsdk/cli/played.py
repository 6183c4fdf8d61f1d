"""One scenario played to its end, whatever happens on the way: outcomes, findings, and what was broken.

Twin: none. Bad input is let through; all else that is raised becomes a line, so that the other scenarios of a file are played.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

from attrs import define, field

from movsdk.bench.player import Outcome, Player
from movsdk.bench.scenario import NamedScenario
from movsdk.cli.failure import describe
from movsdk.cli.main import TRACEBACK
from movsdk.errors import BadInput
from movsdk.rescan.rules import by_name


@define(eq=False)
class Played:
    """`outcomes` of the events; `broken` contracts and invariants, and `findings`, as lines; `stopped`: why it ended early."""

    name: str
    rules: str
    outcomes: list[Outcome] = field(factory=list, init=False)
    broken: list[str] = field(factory=list, init=False)
    findings: list[str] = field(factory=list, init=False)
    stopped: str = field(default="", init=False)

    def add(self, outcome: Outcome) -> None:
        """Note one event."""
        self.outcomes.append(outcome)
        self.broken += outcome.breaches.broken
        self.findings += map(str, outcome.findings)

    def as_json(self) -> dict[str, Any]:
        """The line of ``--json``."""
        line: dict[str, Any] = {
            "name": self.name,
            "rules": self.rules,
            "events": [outcome.as_json() for outcome in self.outcomes],
        }
        if inferred := by_name(self.rules).inferred:
            line["inferred"] = list(inferred)
        return line | {"stopped": self.stopped} if self.stopped else line


def play(
    case: NamedScenario,
    rules: str,
    faults: str,
    on_start: Callable[[Sequence[str]], None],
    on_event: Callable[[Outcome], None],
    record: Callable[[Player, Outcome], None] | None = None,
) -> Played:
    """Play `case`; `on_start` hears the warnings, `on_event` and `record` of each event as it happens.

    Raises:
        BadInput: names the place of the scenario.
    """
    played = Played(case.name, rules)
    try:
        player = Player(case.scenario, by_name(rules), faults)
        on_start(player.warnings)
        for outcome in player.play():
            played.add(outcome)
            if record is not None:
                record(player, outcome)
            on_event(outcome)
    except BadInput as error:
        raise BadInput(f"{case.place}: {error}") from error
    except BrokenPipeError:
        raise
    except (Exception, SystemExit) as error:  # a user's driver or model may raise anything; so may we
        if os.environ.get(TRACEBACK):
            raise
        played.stopped = describe(error)
        played.broken.append(played.stopped)
    return played
