"""The trials in the order in which they are played: a bug is blamed on the simplest story that shows it."""

from __future__ import annotations

from typing import Final

from movsdk.testing.conformance.trial import Trial
from movsdk.testing.conformance.trials import (
    absent,
    consoles,
    exports,
    holders,
    in_flight,
    interrupts,
    meanwhile,
    moves,
    neighbours,
    out_of_turn,
    recovery,
    trouble,
)

TRIALS: Final[tuple[Trial, ...]] = (
    *moves.FIRST,
    *out_of_turn.QUESTIONS,
    *moves.TRIALS,
    *meanwhile.FIRST,
    *in_flight.TRIALS,
    *holders.TRIALS,
    *consoles.TRIALS,
    *exports.TRIALS,
    *neighbours.TRIALS,
    *out_of_turn.TRIALS,
    *interrupts.TRIALS,
    *trouble.TRIALS,
    *neighbours.ASLEEP,
    *meanwhile.TRIALS,
    *recovery.TRIALS,
    *absent.TRIALS,
)
