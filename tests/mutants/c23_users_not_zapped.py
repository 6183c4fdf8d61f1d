"""Leaves the pages of users where they are."""

from __future__ import annotations

from movsdk import PciDev

from .memory_card import Memory, MemoryCard, MemoryModel

RULE, CONSEQUENCES = "C23", ()
MODEL = MemoryModel


class UsersNotZapped(MemoryCard):
    """Unmaps its own mapping only."""

    name = "users-not-zapped"

    def rescan_prepare(self, dev: PciDev) -> None:
        memory: Memory = dev.drvdata
        if memory.mem is not None:
            memory.gate.freeze()
            memory.mem.iounmap()
            memory.mem = None
