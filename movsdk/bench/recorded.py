"""The four drivers of the golden vectors: what they do and nothing more.

Twin: the recorder's test drivers. Each enables its device in probe; they differ in the rescan hooks.
"""

from __future__ import annotations

from collections.abc import Mapping

from movsdk.hooks import PciId
from movsdk.kernel.pcidev import PciDev, device_of


class Fixed:
    """No rescan hooks: its BARs stay where they are."""

    name = "fixed"
    id_table = (PciId(),)

    def probe(self, dev: PciDev, id: PciId) -> None:
        """Enable, nothing else."""
        dev.enable_device()

    def remove(self, dev: PciDev) -> None:
        """Nothing to let go of."""

    def suspend(self, dev: PciDev, state: int) -> None:
        """Nothing is in use, so the device may sleep; the recorded kernels put none to sleep."""


class Movable(Fixed):
    """Both hooks, and every BAR may move."""

    name = "movable"

    def rescan_prepare(self, dev: PciDev) -> None:
        """Nothing is in flight."""

    def rescan_done(self, dev: PciDev) -> None:
        """Nothing is mapped."""

    def bar_fixed(self, dev: PciDev, bar: int) -> bool:
        """Never."""
        return False


class Portlike(Fixed):
    """Movable without being paused, as the PCIe port driver is."""

    name = "portlike"

    def bar_fixed(self, dev: PciDev, bar: int) -> bool:
        """Never."""
        return False


class Mixed(Movable):
    """Hooks, and some BARs fixed: `fixed_bars` of the scenario, by device."""

    name = "mixed"

    def __init__(self, fixed_bars: Mapping[str, tuple[int, ...]]) -> None:
        self.fixed_bars = fixed_bars

    def bar_fixed(self, dev: PciDev, bar: int) -> bool:
        """As the scenario says."""
        return bar in self.fixed_bars.get(device_of(dev).label, ())
