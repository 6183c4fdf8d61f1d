"""How to declare the usual bridges to `Machine.add_bridge`; a bridge needs no model, so this is not called model.py.

Twin: the -device lines of a QEMU command. The silicon itself is `mockbus.bridge.Bridge`; nothing here has behaviour.
"""

from __future__ import annotations

from typing import TypedDict

from mockbus.bar import BarSpec
from movsdk.pci_regs import BarKind, PcieType

from . import regs as r


class BridgeWords(TypedDict):
    """The words of `Machine.add_bridge` that tell one kind of bridge from another."""

    class_code: int
    prefetchable: int | None
    io: bool
    hotplug: bool
    pcie: PcieType | None
    bars: tuple[BarSpec, ...]


def root_port(*, hotplug: bool = True, with_bar: bool = False) -> BridgeWords:
    """A PCIe root port with all three windows; `with_bar` adds the 4 KiB BAR 0 that ports keep for an MSI-X table."""
    return _words(PcieType.ROOT_PORT, hotplug=hotplug, with_bar=with_bar)


def upstream_port(*, with_bar: bool = False) -> BridgeWords:
    """The side of a PCIe switch that looks to the root."""
    return _words(PcieType.UPSTREAM, with_bar=with_bar)


def downstream_port(*, hotplug: bool = True, with_bar: bool = False) -> BridgeWords:
    """One of the other sides of a PCIe switch."""
    return _words(PcieType.DOWNSTREAM, hotplug=hotplug, with_bar=with_bar)


def pci_bridge() -> BridgeWords:
    """A conventional PCI-to-PCI bridge: 32 slots below it, no PCI Express registers."""
    return _words(None)


def _words(pcie: PcieType | None, *, hotplug: bool = False, with_bar: bool = False) -> BridgeWords:
    bars = (BarSpec(r.MSIX_BAR, BarKind.MEM32, r.MSIX_BAR_SIZE),) if with_bar else ()
    return BridgeWords(class_code=r.CLASS_BRIDGE, prefetchable=64, io=True, hotplug=hotplug, pcie=pcie, bars=bars)
