"""Only BAR 5 ever moved (AMD, 2021): the register BAR is mapped anew, and nobody could test what happens to VRAM."""

from __future__ import annotations

import errno

from attrs import define, field

from mockbus import BarKind, BarSpec, DeviceModel
from movsdk import Gate, IoMem, PciDev, PciError, PciId

VRAM_BAR, DOORBELL_BAR, REGISTER_BAR = BARS = (0, 2, 5)


class GpuCard(DeviceModel):
    """256 MiB of VRAM, doorbells, and a register BAR of 512 KiB."""

    vendor_id, device_id, class_code = 0x1002, 0x731F, 0x030200
    bars = (
        BarSpec(VRAM_BAR, BarKind.PREF64, 256 << 20, content="ram"),
        BarSpec(DOORBELL_BAR, BarKind.PREF64, 2 << 20, content="ram"),
        BarSpec(REGISTER_BAR, BarKind.MEM32, 512 << 10, content="ram"),
    )


@define(eq=False)
class Card:
    """What is mapped; callers go through the gate."""

    gate: Gate
    maps: dict[int, IoMem] = field(factory=dict)

    def open(self, dev: PciDev) -> None:
        """Map what is not mapped; nothing, if one of them fails."""
        try:
            for bar in BARS:
                if bar not in self.maps:
                    self.maps[bar] = dev.iomap(bar, wc=bar == VRAM_BAR)
        except PciError:
            self.close()
            raise

    def close(self) -> None:
        """Unmap all."""
        while self.maps:
            self.maps.popitem()[1].iounmap()


class OnlyBar5:
    """Tested on a machine on which the other BARs never moved."""

    name = "only-bar5"
    model = GpuCard
    id_table = (PciId(GpuCard.vendor_id, GpuCard.device_id),)

    def probe(self, dev: PciDev, id: PciId) -> None:
        dev.enable_device()
        dev.drvdata = Card(Gate(f"{dev}.io"))
        dev.drvdata.open(dev)

    def remove(self, dev: PciDev) -> None:
        dev.drvdata.gate.kill()
        dev.drvdata.close()
        dev.disable_device()

    def rescan_prepare(self, dev: PciDev) -> None:
        """Nothing runs by itself."""
        if not dev.drvdata.gate.depth:
            dev.drvdata.gate.freeze()

    def rescan_done(self, dev: PciDev) -> None:
        card: Card = dev.drvdata
        if card.maps[REGISTER_BAR].start != dev.resource_start(REGISTER_BAR):
            card.maps.pop(REGISTER_BAR).iounmap()
            card.open(dev)
        self._wake(card)

    def exercise(self, dev: PciDev) -> None:
        """Touch VRAM, ring a doorbell."""
        card: Card = dev.drvdata
        with card.gate.entered():
            card.maps[VRAM_BAR].writel(0xC0FFEE, 4096)
            card.maps[DOORBELL_BAR].writel(1, 0)
            if card.maps[VRAM_BAR].readl(4096) != 0xC0FFEE or card.maps[REGISTER_BAR].readl(0) == 0xFFFF_FFFF:
                raise PciError(errno.EIO, f"{dev.name}: VRAM forgets")

    def _wake(self, card: Card) -> None:
        if card.gate.depth:
            card.gate.unfreeze()


class OnlyBar5Fixed(OnlyBar5):
    """Unmaps all three in rescan_prepare, maps all three in rescan_done."""

    name = "only-bar5-fixed"

    def rescan_prepare(self, dev: PciDev) -> None:
        super().rescan_prepare(dev)
        dev.drvdata.close()

    def rescan_done(self, dev: PciDev) -> None:
        dev.drvdata.open(dev)
        self._wake(dev.drvdata)
