"""The users' cases of the gallery: what became of each under every kernel, in a few words.

Twin: none. docs/explanation/user-cases.md tells where they come from; each file's `about` what was seen and what is assumed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Final

from movsdk.bench import gallery
from movsdk.bench.player import Outcome, Player
from movsdk.bench.scenario import EndpointSpec, Scenario
from movsdk.pci_regs import BRIDGE_RESOURCES
from movsdk.rescan.rules import by_name

CASES: Final = (
    "user-01-rtx2070-sonnet",
    "user-02-mbp-2016",
    "user-06-t2-rtx3060",
    "user-06-t2-recipe",
    "user-07-kata-xl710",
    "user-08-kata-p4",
    "user-09-sound-card-bar2",
    "user-11-xps-9370",
    "user-14-rvvm-1g",
    "nested-docks",
)
"""In the order of ../shared/design/field.md §3; nested-docks is its case 16."""
RULES: Final = ("off", "v2", "v5", "v9")
_MOST_NAMED: Final = 4


def verdict(scenario: Scenario, rules: str) -> str:
    """Play it; say which cards are not found, which of their BARs have no place, and where no access arrives. Else "works".

    >>> verdict(gallery.load("user-14-rvvm-1g").scenario, "off")
    'gpu BAR 1 nowhere'
    """
    player = Player(scenario, by_name(rules))
    last = list(player.play())[-1]
    nowhere = list(_nowhere(player, last))
    parts = [f"{name} not found" for name in _not_found(player, last)]
    if sum(len(bars) for _, bars in nowhere) > _MOST_NAMED:
        parts.append(f"{sum(len(bars) for _, bars in nowhere)} BARs of {len(nowhere)} functions nowhere")
    else:
        parts += [f"{name} BAR {', '.join(map(str, bars))} nowhere" for name, bars in nowhere]
    parts += sorted({f"{one.device} cut off" for one in last.findings if "no access" in str(one)})
    return "; ".join(parts) or "works"


def _there(player: Player) -> Iterator[EndpointSpec]:
    """The cards that are plugged at the end."""
    for spec in player.scenario.devices:
        if isinstance(spec, EndpointSpec) and player.world.machine.function(spec.id).present:
            yield spec


def _not_found(player: Player, last: Outcome) -> list[str]:
    known = {entry["id"] for entry in last.state}
    return [spec.id for spec in _there(player) if spec.id not in known]


def _nowhere(player: Player, last: Outcome) -> Iterator[tuple[str, list[int]]]:
    """BARs without an address, by card; a ROM without one harms nobody."""
    placed = {
        (entry["id"], one["n"])
        for entry in last.state
        for one in entry["resources"]
        if one["assigned"] and one["n"] < BRIDGE_RESOURCES
    }
    known = {entry["id"] for entry in last.state}
    for spec in _there(player):
        bars = [bar.n for bar in spec.bars if bar.kind.value != "rom" and (spec.id, bar.n) not in placed]
        if bars and spec.id in known:
            yield spec.id, bars


def table() -> Iterator[str]:
    """A line for each case, a column for each kernel."""
    rows: list[tuple[str, ...]] = [("case", *RULES)]
    for name in CASES:
        scenario = gallery.load(name).scenario
        rows.append((name, *(verdict(scenario, rules) for rules in RULES)))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()


def main() -> int:
    """``python -m movsdk.bench.user_cases``: print the table."""
    for line in table():
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
