"""A breach of a rule that a trial saw: which, where in the driver's source, and in which trial."""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import Final

from attrs import field, frozen

from movsdk.kernel.actor import NOWHERE, Site
from movsdk.testing.conformance.rule import Weight

# Names, addresses and counts differ from card to card; the bug is the same.
_SPECIFIC: Final = re.compile(r"\w+ \([0-9a-f:.]+\)|[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]|0x[0-9a-f]+|\d+")

HELD_TOO_LONG: Final = ("C02", "C50")
LEFT_BEHIND: Final = "left behind"
"""What the symptom of a thing that remove left behind begins with."""


@frozen
class Violation:
    """One breach.

    `symptom` is what two trials compare to see whether they met the same bug. `site` is the line to look at; `sites` are further
    ones, by what they are ("mapped", "closed"). `follows` is the rule whose breach came before it in the same trial.
    """

    rule: str
    message: str
    symptom: tuple[Hashable, ...]
    trial: str
    site: Site = NOWHERE
    sites: dict[str, Site] = field(factory=dict, eq=False)
    weight: Weight = Weight.ERROR
    follows: str = ""

    @property
    def explains(self) -> bool:
        """Whether other breaches may come of it. What is merely held too long breaks nothing else."""
        return self.weight is Weight.ERROR and not self.is_held_too_long

    @property
    def is_held_too_long(self) -> bool:
        """Whether it is about a thing that was not given back, in rescan_prepare or in remove."""
        return self.rule in HELD_TOO_LONG or self.symptom[0] == LEFT_BEHIND


def general(symptom: tuple[Hashable, ...]) -> tuple[Hashable, ...]:
    """A symptom without what differs from card to card."""
    return tuple(_SPECIFIC.sub("", part) if isinstance(part, str) else part for part in symptom)
