"""What is written down while a scenario is played, for ``--record`` and for the comparison of ``replay``.

Twin: script(1). Writes no file; see `movsdk.bench.recording_file`.
"""

from __future__ import annotations

from attrs import define, field

from movsdk.bench.player import Outcome, Player
from movsdk.bench.recording import Events, Run, event_of, tidy
from movsdk.bench.recording_sources import Hashes, sources_of
from movsdk.bench.scenario import NamedScenario


@define(eq=False)
class Notes:
    """Grows by one entry an event; the sources of the drivers are read now, before anything can change them."""

    case: NamedScenario
    rules: str
    faults: str
    events: Events = field(factory=list, init=False)
    stopped: str = field(default="", init=False)
    sources: Hashes = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.sources = sources_of(self.case.scenario)

    def add(self, player: Player, outcome: Outcome) -> None:
        """Note one event."""
        self.events.append(event_of(player, outcome))

    @property
    def run(self) -> Run:
        """What was noted, as a recording holds it."""
        scenario = self.case.scenario
        stopped = tidy(self.stopped, scenario.folder)
        return Run(self.case.name, self.rules, self.faults, scenario, self.sources, self.events, stopped)
