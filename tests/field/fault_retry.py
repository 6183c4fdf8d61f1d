"""The fault-retry livelock (Christian König): a user spins in the fault handler until the move ends, if it ends then."""

from __future__ import annotations

from movsdk.kernel.user_mapping import UserMapping
from tests.mutants.memory_card import MemoryCard, MemoryModel


class FaultRetry(MemoryCard):
    """Returns from the fault without a page as long as the card is paused."""

    name = "fault-retry"
    model = MemoryModel

    def _fault(self, mapping: UserMapping) -> None:
        if not mapping.dev.drvdata.is_paused:
            mapping.insert()


class FaultRetryFixed(MemoryCard):
    """Refuses while paused; a kernel driver would sleep until rescan_done."""

    name = "fault-retry-fixed"
    model = MemoryModel
