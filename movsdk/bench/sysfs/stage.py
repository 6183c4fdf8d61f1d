"""A scenario played to some point, ready to be looked at: what `movsdk mount` and `movsdk export` start from.

Twin: a machine that has been running for a while. Prints nothing.
"""

from __future__ import annotations

import os

from attrs import frozen

from movsdk.bench.player import Player
from movsdk.bench.scenario import Scenario
from movsdk.bench.scenario_file import load
from movsdk.bench.sysfs.proc_files import Around, Known
from movsdk.bench.world import World
from movsdk.errors import BadInput
from movsdk.rescan.rules import by_name

DEFAULT_RULES = "v9"


@frozen(eq=False)
class Stage:
    """A machine and what /proc/iomem calls the memory around PCI: ``mount(stage.world, DIR, around=stage.around)``."""

    world: World
    around: Around


def staged(path: str | os.PathLike[str], rules: str | None = None, events: int | None = None, name: str | None = None) -> Stage:
    """The machine of a scenario file after its first `events` events (None: all of them).

    Args:
        rules: kernel version; default what the file says, else v9.
        name: which scenario, of a file of many; default the first.
    Raises:
        BadInput: the file cannot be used, or has no scenario of that name.
    """
    cases = load(str(path))
    found = [case for case in cases if name in (None, case.name)]
    if not found:
        raise BadInput(f"{path}: holds no scenario {name!r}; there are {', '.join(str(case.name) for case in cases[:5])} ...")
    case = found[0]
    player = Player(case.scenario, by_name(rules or case.rules or DEFAULT_RULES))
    for event in case.scenario.events[:events]:
        player.step(event)
    return Stage(player.world, around(case.scenario))


def around(scenario: Scenario) -> Around:
    """RAM and reserved ranges by the names that the scenario gives them."""
    ram = [Known(piece.span, piece.name) for piece in scenario.ram if piece.name]
    return ram + [Known(piece.span, piece.name, piece.kind == "io") for piece in scenario.reserved]
