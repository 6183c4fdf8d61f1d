"""Experiments with BARs that must stay: 7 marking, 8 sizes, 11-13 where windows go, 14 who comes first; and 10, a second chance.

Twin: the figures in the messages of patches 7, 8 and 10-14.
"""

from __future__ import annotations

from typing import Final

from movsdk.bench.experiments.experiment import Experiment, Run, Seen, played
from movsdk.rescan.rules.record import Rules

_MEM_WINDOW: Final = 8
_MEMORY_BAR: Final = 1  # of the printer card
_STORED: Final = b"exercise"


def _unaware(rules: Rules) -> Seen:
    run = played("07-unaware.yaml", rules)
    device = run.find("printer")
    if device is None or device.driver is None:
        return Seen((run.place("printer", _MEMORY_BAR), run.driver("printer")), False)
    memory = device.drvdata.memory
    memory.memcpy_toio(0, _STORED)
    read = bytes(memory.memcpy_fromio(0, len(_STORED)))
    facts = (
        run.place("printer", _MEMORY_BAR),
        ("its driver's mapping", str(memory.span)),
        ("it stores, and reads", read.hex()),
    )
    return Seen(facts, read == _STORED)


def _sizes(rules: Rules) -> Seen:
    return _all_keep(played("08-window-size.yaml", rules), "a", "fix1", "fix2", "free")


def _retry(rules: Rules) -> Seen:
    run = played("10-retry.yaml", rules)
    states = {
        event: next(entry for entry in outcome.state if entry["id"] == "late")["resources"]
        for event, outcome in zip(("at boot", "after big left", "after the rescan"), run.outcomes, strict=True)
    }
    facts = tuple((f"late BAR 0 {event}", _described(resources)) for event, resources in states.items())
    return Seen(facts, run.span("late") is not None)


def _described(resources: list[dict[str, object]]) -> str:
    if not resources:
        return "forgotten"
    bar = resources[0]
    return f"[{bar['start']:#x}-{bar['last']:#x}]" if bar["assigned"] else "no place"


def _areas(rules: Rules) -> Seen:
    return _all_keep(played("11-fixed-area.yaml", rules), "a", "fix")


def _neighbours(rules: Rules) -> Seen:
    return _all_keep(played("12-neighbours.yaml", rules), "high", "fix", "free", "neighbour")


def _cover(rules: Rules) -> Seen:
    return _all_keep(played("13-windows-cover.yaml", rules), "a", "fix", "new")


def _first(rules: Rules) -> Seen:
    return _all_keep(played("14-fixed-first.yaml", rules), "a", "free", "fix")


def _all_keep(run: Run, bridge: str, *labels: str) -> Seen:
    """Every one of these devices has a place in the end."""
    return Seen(
        (run.place(bridge, _MEM_WINDOW), *(run.place(label) for label in labels)), all(run.span(label) for label in labels)
    )


WINDOWS: Final = (
    Experiment(7, "A rescan while a driver uses a BAR and knows nothing of moving.", _unaware, "07-unaware.yaml"),
    Experiment(8, "A rescan of a port with two BARs that must stay and one that may move.", _sizes, "08-window-size.yaml"),
    Experiment(10, "A BAR found no place at boot; later there is room, and somebody rescans.", _retry, "10-retry.yaml"),
    Experiment(11, "A rescan places the window of a port anew; a BAR behind it must stay.", _areas, "11-fixed-area.yaml"),
    Experiment(
        12, "A window may lie lower than it does, but its neighbour has a BAR that must stay.", _neighbours, "12-neighbours.yaml"
    ),
    Experiment(13, "A window grows for a newcomer; a BAR behind it must stay.", _cover, "13-windows-cover.yaml"),
    Experiment(14, "A BAR that must stay and a larger one that may move, on one bus.", _first, "14-fixed-first.yaml"),
)
