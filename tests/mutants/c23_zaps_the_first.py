"""Zaps the user that came first, and forgets that there may be more."""

from __future__ import annotations

from movsdk import PciDev

from .memory_card import Memory, MemoryCard, MemoryModel

RULE, CONSEQUENCES = "C23", ()
MODEL = MemoryModel


class ZapsTheFirst(MemoryCard):
    """One process is enough for a test of one's own."""

    name = "zaps-the-first"

    def rescan_prepare(self, dev: PciDev) -> None:
        memory: Memory = dev.drvdata
        others, memory.users = memory.users[1:], memory.users[:1]
        super().rescan_prepare(dev)
        memory.users += others
