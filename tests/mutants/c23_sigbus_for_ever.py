"""Zaps, and never inserts a page again."""

from __future__ import annotations

from movsdk import PciDev
from movsdk.kernel.user_mapping import UserMapping

from .memory_card import MemoryCard, MemoryModel

RULE, CONSEQUENCES = "C23", ()
MODEL = MemoryModel


class SigbusForEver(MemoryCard):
    """Maps all pages in mmap, and has no fault handler."""

    name = "sigbus-for-ever"

    def mmap(self, dev: PciDev, offset: int, length: int) -> UserMapping:
        mapping = UserMapping(dev, 0, offset, length)
        mapping.insert()
        dev.drvdata.users.append(mapping)
        return mapping
