"""Zaps, and lets users fault in again at once."""

from __future__ import annotations

from movsdk.kernel.user_mapping import UserMapping

from .memory_card import MemoryCard, MemoryModel

RULE, CONSEQUENCES = "C23", ()
MODEL = MemoryModel


class FaultsWhilePaused(MemoryCard):
    """The fault handler does not look whether the device is on the move."""

    name = "faults-while-paused"

    def _fault(self, mapping: UserMapping) -> None:
        mapping.insert()
