"""A scenario played to some point, ready to be looked at: what `movsdk mount` and `movsdk export` start from.

Twin: a machine that has been running for a while. Prints nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from attrs import frozen

from movsdk.bench import gallery
from movsdk.bench.player import Player
from movsdk.bench.scenario import EventSpec, NamedScenario, Scenario
from movsdk.bench.scenario_file import load
from movsdk.bench.sysfs.proc_files import Around, Known
from movsdk.bench.world import World
from movsdk.errors import BadInput
from movsdk.report.line import named
from movsdk.rescan.rules import by_name

DEFAULT_RULES = "v9"


@frozen(eq=False)
class Stage:
    """A machine and what /proc/iomem calls the memory around PCI: ``mount(stage.world, DIR, around=stage.around)``."""

    world: World
    around: Around
    scenario: Scenario
    played: tuple[EventSpec, ...]


Watch = Callable[[World], Callable[[], None]]
"""Gets a machine before anything happens to it; what it returns is called after each event."""


def nobody(_world: World) -> Callable[[], None]:
    """The `Watch` that does not."""
    return lambda: None


def staged(
    path: str | os.PathLike[str],
    rules: str | None = None,
    events: int | str | None = None,
    name: str | None = None,
    *,
    watch: Watch = nobody,
) -> Stage:
    """The machine of a scenario file after some of its events.

    Args:
        path: a file, or the name of a scenario of the gallery.
        rules: kernel version; default what the file says, else v9.
        events: the first so many; or up to an event as text, ``hotadd port`` or ``3``; default all of them.
        name: which scenario, of a file of many; default the first.
        watch: sees it all happen.

    Raises:
        BadInput: the file cannot be used, has no scenario of that name, or no such event.
    """
    case = chosen(path, name)
    until = _count(path, case.scenario.events, events)
    try:
        player = Player(case.scenario, by_name(case.rules or DEFAULT_RULES if rules is None else rules))
        after_event = watch(player.world)
        for event in case.scenario.events[:until]:
            player.step(event)
            after_event()
    except BadInput as error:
        raise BadInput(f"{case.place}: {error}") from error
    return Stage(player.world, around(case.scenario), case.scenario, case.scenario.events[:until])


def chosen(path: str | os.PathLike[str], name: str | None = None) -> NamedScenario:
    """One scenario of a file or of the gallery. Raises `BadInput`."""
    text = str(path)
    known = None if os.path.exists(text) else gallery.find(text)
    cases = load(str(known) if known is not None else text)
    found = [case for case in cases if name in (None, case.name)]
    if not found:
        raise BadInput(f"{path}: holds no scenario {name!r}; there are {', '.join(str(case.name) for case in cases[:5])} ...")
    return found[0]


def _count(path: str | os.PathLike[str], events: Sequence[EventSpec], until: int | str | None) -> int | None:
    """How many events to play. An event that happens twice means the first of them."""
    if not isinstance(until, str):
        return until
    names = [str(event) for event in events]
    if until in names:
        return names.index(until) + 1
    if until.isdecimal() and int(until) <= len(names):
        return int(until)
    raise BadInput(f"{path}: has no event {until!r:.60} to stop after; it has {len(names)}: {named(names)}")


def around(scenario: Scenario) -> Around:
    """RAM and reserved ranges by the names that the scenario gives them."""
    ram = [Known(piece.span, piece.name) for piece in scenario.ram if piece.name]
    return ram + [Known(piece.span, piece.name, piece.kind == "io") for piece in scenario.reserved]
