"""Stops its engine before a move, and leaves the IOMMU entry that leads to the peer."""

from __future__ import annotations

from movsdk import PciDev
from tests.mutants.c11_writes_to_a_peer import LENGTH, CopyEngine, WritesToAPeer

RULE, CONSEQUENCES = "C22", ()
MODEL = CopyEngine


class EntryLeft(WritesToAPeer):
    """The next transfer would go through the old entry."""

    name = "entry-left"

    def __init__(self) -> None:
        self.entries: dict[PciDev, list[object]] = {}

    def start_peer_writes(self, dev: PciDev, address: int, length: int) -> None:
        entry = dev.dma_map_resource(address, length)
        self.entries.setdefault(dev, []).append(entry)
        super().start_peer_writes(dev, entry.address, length)

    def rescan_prepare(self, dev: PciDev) -> None:
        if dev.drvdata is not None:
            dev.drvdata.writeq(0, LENGTH)
        super().rescan_prepare(dev)

    def remove(self, dev: PciDev) -> None:
        for entry in self.entries.pop(dev, []):
            dev.dma_unmap_resource(entry)  # type: ignore[arg-type]  # they are entries
        super().remove(dev)
