"""Sleeps in the fault handler until the device is back, with the lock that rescan_done needs to bring it back."""

from __future__ import annotations

from movsdk import Mutex, PciDev
from movsdk.kernel.user_mapping import UserMapping

from .memory_card import MemoryCard, MemoryModel

RULE, CONSEQUENCES = "C25", ()
MODEL = MemoryModel


class SleepsWithTheLock(MemoryCard):
    """The lock is meant to keep faults apart."""

    name = "sleeps-with-the-lock"

    def __init__(self) -> None:
        self.faults: dict[PciDev, Mutex] = {}

    def rescan_done(self, dev: PciDev) -> None:
        with self.faults.setdefault(dev, Mutex(f"{dev}.faults")).held():
            super().rescan_done(dev)

    def _fault(self, mapping: UserMapping) -> None:
        dev = mapping.dev
        with self.faults.setdefault(dev, Mutex(f"{dev}.faults")).held():
            while dev.drvdata.is_paused:
                dev.msleep(1)
            mapping.insert()
