"""Experiments with the switch: 3 what the option does, 21 what x86 does without it.

Twin: a boot loader's menu with several entries.
"""

from __future__ import annotations

from typing import Final

from attrs import evolve

from movsdk.bench.experiments.experiment import Experiment, Run, Seen, scenario
from movsdk.rescan.rules.record import Rules

_OPTION: Final = "pcie_movable_bars="
_ROOM: Final = "05-room.yaml"
_MATRIX: Final = (
    ("x86", (), True),
    ("x86", ("off",), False),
    ("x86", ("force",), True),
    ("x86", ("force", "off"), False),
    ("x86", ("maybe",), True),
    ("powernv", (), False),
    ("powernv", ("off",), False),
    ("powernv", ("force",), True),
    ("powernv", ("off", "force"), False),
    ("powernv", ("maybe",), False),
)
"""Platform, words of the option, and whether BARs may move: off beats force, force the platform, other words say nothing."""


def _run(rules: Rules, platform: str, words: tuple[str, ...]) -> Run:
    line = " ".join(_OPTION + word for word in words)
    return Run(evolve(scenario(_ROOM), platform=platform, cmdline=line), rules)


def _switch(rules: Rules) -> Seen:
    facts, is_kept = [], True
    for platform, words, expected in _MATRIX:
        found = _run(rules, platform, words).player.world.system.can_move_bars
        facts.append((f"{platform} {' '.join(words) or 'says nothing'}", "BARs move" if found else "nothing moves"))
        is_kept &= found == expected
    return Seen(tuple(facts), is_kept)


def _default(rules: Rules) -> Seen:
    plain, forced = _run(rules, "x86", ()).play(), _run(rules, "x86", ("force",)).play()
    facts = tuple(
        (f"{label} BAR 0, {how}", run.place(label)[1])
        for run, how in ((plain, "no option"), (forced, "force"))
        for label in ("new", "old")
    )
    return Seen(facts, plain.span("new") is not None)


SWITCHES: Final = (
    Experiment(3, "Each platform with each word of pcie_movable_bars=: may BARs move?", _switch),
    Experiment(21, "A card that fits only if others move comes to an x86 machine booted without any option.", _default, _ROOM),
)
