"""Gives users a dummy page while the device is paused, and never takes it away again."""

from __future__ import annotations

from movsdk.kernel.user_mapping import UserMapping

from .memory_card import MemoryCard, MemoryModel

RULE, CONSEQUENCES = "C24", ()
MODEL = MemoryModel


class DummyPageForEver(MemoryCard):
    """What users read and write from then on is nobody's."""

    name = "dummy-page-for-ever"

    def _fault(self, mapping: UserMapping) -> None:
        if mapping.dev.drvdata.is_paused:
            mapping.insert_dummy()
        else:
            mapping.insert()
