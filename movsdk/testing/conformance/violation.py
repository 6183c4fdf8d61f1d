"""A breach of a rule that a trial saw: which, where in the driver's source, and in which trial."""

from __future__ import annotations

from collections.abc import Hashable

from attrs import field, frozen

from movsdk.kernel.actor import Site
from movsdk.testing.conformance.rule import Weight

NOWHERE: Site = ("?", 0)


@frozen
class Violation:
    """One breach.

    `symptom` is what two trials compare to see whether they met the same bug. `site` is the line to look at; `sites` are further
    ones, by what they are ("mapped", "closed"). `follows` is the rule whose breach came before it in the same trial.
    """

    rule: str
    message: str
    symptom: Hashable
    trial: str
    site: Site = NOWHERE
    sites: dict[str, Site] = field(factory=dict, eq=False)
    weight: Weight = Weight.ERROR
    follows: str = ""
