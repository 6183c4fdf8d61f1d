"""A scenario played for a test, and what came out in the words of a table: where things are, who is bound.

Twin: none. Asserts nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from movsdk.bench import gallery
from movsdk.bench.player import Outcome, Player
from movsdk.bench.scenario import Scenario
from movsdk.bench.scenario_schema import parse
from movsdk.bench.yaml_text import read_yaml
from movsdk.rescan.rules import by_name
from movsdk.rescan.rules.record import Rules

K, M = 1 << 10, 1 << 20
IO_WINDOW, MEM_WINDOW, PREF_WINDOW = 7, 8, 9
Place = tuple[int, int] | None
"""(start, size) in bytes; None = no place."""


@frozen
class Story:
    """A scenario that was played: one outcome an event."""

    player: Player
    outcomes: tuple[Outcome, ...]

    @property
    def last(self) -> Outcome:
        """What the last event did."""
        return self.outcomes[-1]

    @property
    def boot(self) -> Outcome:
        """What the first event did."""
        return self.outcomes[0]


def play(scenario: Scenario, rules: str | Rules = "v9", faults: str = "raise") -> Story:
    """Play to the end."""
    player = Player(scenario, by_name(rules) if isinstance(rules, str) else rules, faults)
    return Story(player, tuple(player.play()))


def play_named(name: str, rules: str | Rules | None = None, faults: str = "raise") -> Story:
    """Play a scenario of the gallery, with the rules its file names unless told otherwise."""
    named = gallery.load(name)
    return play(named.scenario, rules or named.rules or "v9", faults)


def play_text(text: str, rules: str | Rules = "v9", faults: str = "raise") -> Story:
    """Play a scenario given as YAML."""
    value, _ = read_yaml(text, "test.yaml")
    return play(parse(value, "test.yaml"), rules, faults)


def entry(outcome: Outcome, label: str) -> Mapping[str, Any]:
    """The state of one device. Raises StopIteration if the kernel does not know it."""
    return next(device for device in outcome.state if device["id"] == label)


def place(outcome: Outcome, label: str, number: int = 0) -> Place:
    """Where a BAR or window is."""
    for resource in entry(outcome, label)["resources"]:
        if resource["n"] == number and resource["assigned"]:
            return resource["start"], resource["last"] - resource["start"] + 1
    return None


def places(outcome: Outcome) -> dict[tuple[str, int], Place]:
    """Every BAR and window the kernel lists."""
    return {
        (device["id"], resource["n"]): place(outcome, device["id"], resource["n"])
        for device in outcome.state
        for resource in device["resources"]
    }


def bars(outcome: Outcome) -> dict[tuple[str, int], Place]:
    """Every BAR and ROM the kernel lists."""
    return {key: found for key, found in places(outcome).items() if key[1] < IO_WINDOW}


def driver(outcome: Outcome, label: str) -> str | None:
    """Who is bound."""
    name: str | None = entry(outcome, label)["driver"]
    return name
