"""What a rule of the kit is, and how a driver can stand to one.

The rules themselves are in `catalogue`; how they are tried is in `trials`.
"""

from __future__ import annotations

from enum import Enum

from attrs import frozen


class Weight(Enum):
    """How much a breach counts."""

    ERROR = "error"
    ADVICE = "advice"


class Status(Enum):
    """How a driver stands to a rule."""

    KEPT = "kept"
    BROKEN = "broken"
    ADVICE = "advice"
    NOT_APPLICABLE = "not applicable"
    NOT_CHECKED = "not checked"
    NOT_MODELLED = "not modelled yet"


@frozen
class Rule:
    """One rule for drivers whose BARs may move.

    `id` is stable. `sentence` says what a driver must do, `evidence` where the bug was met, `detector` how the kit sees it,
    `remedy` what to change. `missing` says why the kit cannot try it yet. `needs_model`: registers that only remember what was
    written (a stand-in made of BAR declarations) cannot break it, so nothing is learnt from them. `needs_io`: nor from a driver
    that nobody uses.
    """

    id: str
    sentence: str
    evidence: str
    detector: str
    remedy: str
    weight: Weight = Weight.ERROR
    missing: str = ""
    needs_model: bool = False
    needs_io: bool = False
