"""Gives users a dummy page while the device is paused."""

from __future__ import annotations

from movsdk import PciDev
from movsdk.kernel.user_mapping import UserMapping

from .memory_card import Memory, MemoryCard, MemoryModel

RULE, CONSEQUENCES = "C24", ()
MODEL = MemoryModel


class DummyPage(MemoryCard):
    """Nobody faults for long, and what is written meanwhile is lost."""

    name = "dummy-page"

    def rescan_done(self, dev: PciDev) -> None:
        super().rescan_done(dev)
        memory: Memory = dev.drvdata
        for user in memory.users:
            user.zap()

    def _fault(self, mapping: UserMapping) -> None:
        if mapping.dev.drvdata.is_paused:
            mapping.insert_dummy()
        else:
            mapping.insert()
