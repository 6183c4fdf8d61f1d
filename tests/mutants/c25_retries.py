"""Lets users fault again and again until the move is over."""

from __future__ import annotations

from movsdk.kernel.user_mapping import UserMapping

from .memory_card import MemoryCard, MemoryModel

RULE, CONSEQUENCES = "C25", ()
MODEL = MemoryModel


class Retries(MemoryCard):
    """The fault handler does nothing while paused: the user comes back at once."""

    name = "retries"

    def _fault(self, mapping: UserMapping) -> None:
        if not mapping.dev.drvdata.is_paused:
            mapping.insert()
