"""Driver of PCI bridges and PCIe ports: keeps them enabled, and lets their own BARs move without being paused.

Twin: portdrv of RFC v9, which adds one hook. It maps no BAR, so a move cannot hurt it; windows are the core's business.
Handles no hot-plug interrupt: `movsdk.rescan.hotplug` hears the slots.
"""

from __future__ import annotations

from movsdk import PciDev, PciId

from . import regs as r


class Port:
    """Keeps nothing."""

    name = "port"
    id_table = (PciId(class_code=r.CLASS_BRIDGE, class_mask=r.CLASS_MASK),)

    def probe(self, dev: PciDev, id: PciId) -> None:
        """Let the bridge decode, and pass DMA and MSI of what is below it."""
        dev.enable_device()
        dev.set_master()

    def remove(self, dev: PciDev) -> None:
        """Nothing is below any more."""
        dev.disable_device()

    def bar_fixed(self, dev: PciDev, bar: int) -> bool:
        """No BAR of ours is mapped: move them all. Without this hook every port would be an obstacle."""
        return False
