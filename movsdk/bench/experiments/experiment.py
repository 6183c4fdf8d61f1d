"""The shape of an experiment: rules in, what was seen out; and the shortest way to play one of our scenarios.

Twin: a test plan entry in a cover letter. Judges nothing: each experiment says itself whether the promise was kept.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from typing import Final

from attrs import define, field, frozen

from movsdk.address import Span
from movsdk.bench.player import Outcome, Player
from movsdk.bench.scenario import Scenario
from movsdk.bench.scenario_schema import parse
from movsdk.bench.yaml_text import read_yaml
from movsdk.errors import BadInput
from movsdk.kernel.device import Device
from movsdk.layout.wording import resource_name
from movsdk.rescan.rules.record import Rules

NO_PLACE: Final = "no place"


@frozen
class Seen:
    """What one run showed: facts as (what, how it ended), and whether the patch's promise was kept."""

    facts: tuple[tuple[str, str], ...]
    is_kept: bool


@frozen
class Experiment:
    """`story`: what is tried, a sentence. `play` does it under rules. `file`: the scenario, where it can be played by hand."""

    number: int
    story: str
    play: Callable[[Rules], Seen]
    file: str | None = None

    @property
    def text(self) -> str:
        """The scenario as YAML. Raises `BadInput` if the experiment is a program."""
        if self.file is None:
            raise BadInput(f"experiment {self.number} is no scenario file: {self.story}")
        return scenario_text(self.file)


def scenario_text(name: str) -> str:
    """The text of one of our scenario files."""
    return files("movsdk.bench.experiments").joinpath(name).read_text(encoding="utf-8")


def scenario(name: str) -> Scenario:
    """One of our scenario files, read."""
    value, lines = read_yaml(scenario_text(name), name)
    return parse(value, name, lines=lines)


@define(eq=False)
class Run:
    """A scenario on the table; bad accesses go on as on hardware. `outcomes` grows with `play`."""

    scenario: Scenario
    rules: Rules
    player: Player = field(init=False)
    outcomes: list[Outcome] = field(factory=list, init=False)

    def __attrs_post_init__(self) -> None:
        self.player = Player(self.scenario, self.rules, "hardware")

    def play(self) -> Run:
        """Let every event happen; returns itself."""
        self.outcomes.extend(self.player.play())
        return self

    @property
    def last(self) -> Outcome:
        """What the last event did."""
        return self.outcomes[-1]

    def find(self, label: str) -> Device | None:
        """The kernel's device, if it is on its list."""
        return self.player.world.find(label)

    def span(self, label: str, index: int = 0) -> Span | None:
        """Where a BAR or window ended up."""
        device = self.find(label)
        return device.bar_span(index) if device is not None else None

    def place(self, label: str, index: int = 0) -> tuple[str, str]:
        """The same as a fact."""
        name = f"{label} {resource_name(index)}"
        if self.find(label) is None:
            return name, "not on the device list"
        return name, str(self.span(label, index) or NO_PLACE)

    def driver(self, label: str) -> tuple[str, str]:
        """Who is bound to a device, as a fact."""
        device = self.find(label)
        return f"{label} driver", device.driver.name if device is not None and device.driver is not None else "none"


def played(name: str, rules: Rules) -> Run:
    """One of our scenario files, played to its end."""
    return Run(scenario(name), rules).play()
