"""Devices that QEMU has in stock, and which of them is nearest to a set of BARs.

BARs as read from QEMU 7.2 (``query-pci``); each of these can be hot-added to a slot. Chooses no bridge; see `qemu_plan`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from attrs import field, frozen

from movsdk.pci_regs import BarKind

Shape = tuple[BarKind, int]
"""A BAR's kind and its size in bytes."""
Options = dict[str, str | int | bool]
_IO, _MEM, _MEM64, _PREF, _PREF64 = BarKind.IO, BarKind.MEM32, BarKind.MEM64, BarKind.PREF32, BarKind.PREF64
_KIB, _MIB = 1 << 10, 1 << 20
_LIKENESS: Final = (_MEM, _PREF, _MEM64, _PREF64)
# What it costs to be twice the size, to have one more BAR, to take memory (another kind: 1 to 3); what the same ids are worth.
_TWICE, _EXTRA, _HEAVY, _SAME = 20, 3, 4, 3


@frozen
class Stock:
    """One device of QEMU's. `backend`: bytes of a memory object that it needs, 0: none. `is_heavy`: a BAR takes memory."""

    driver: str
    ids: tuple[int, int]
    bars: tuple[Shape, ...]
    options: Options = field(factory=dict)
    backend: int = 0
    is_heavy: bool = False


_PLAIN: Final = (
    Stock("edu", (0x1234, 0x11E8), ((_MEM, _MIB),)),
    Stock("nvme", (0x1B36, 0x0010), ((_MEM64, 16 * _KIB),), {"serial": "movsdk"}),
    Stock("qemu-xhci", (0x1B36, 0x000D), ((_MEM64, 16 * _KIB),)),
    Stock("intel-hda", (0x8086, 0x2668), ((_MEM, 16 * _KIB),)),
    Stock("pvscsi", (0x15AD, 0x07C0), ((_MEM, 32 * _KIB),)),
    Stock("usb-ehci", (0x8086, 0x24CD), ((_MEM, 4 * _KIB),)),
    Stock("sdhci-pci", (0x1B36, 0x0007), ((_MEM, 256),)),
    Stock("i6300esb", (0x8086, 0x25AB), ((_MEM, 16),)),
    Stock("e1000", (0x8086, 0x100E), ((_MEM, 128 * _KIB), (_IO, 64)), {"romfile": ""}),
    Stock("e1000e", (0x8086, 0x10D3), ((_MEM, 128 * _KIB), (_MEM, 128 * _KIB), (_IO, 32), (_MEM, 16 * _KIB)), {"romfile": ""}),
    Stock("rtl8139", (0x10EC, 0x8139), ((_IO, 256), (_MEM, 256)), {"romfile": ""}),
    Stock("ich9-ahci", (0x8086, 0x2922), ((_IO, 32), (_MEM, 4 * _KIB))),
    Stock("lsi53c895a", (0x1000, 0x0012), ((_IO, 256), (_MEM, _KIB), (_MEM, 8 * _KIB)), {"romfile": ""}),
    Stock("megasas-gen2", (0x1000, 0x0079), ((_IO, 256), (_MEM64, 16 * _KIB), (_MEM64, 256 * _KIB)), {"romfile": ""}),
    Stock("piix3-usb-uhci", (0x8086, 0x7020), ((_IO, 32),)),
    Stock("pci-serial", (0x1B36, 0x0002), ((_IO, 8),)),
    Stock("pci-testdev", (0x1B36, 0x0005), ((_MEM, 4 * _KIB), (_IO, 256))),
)


def _testdev(size: int) -> Stock:
    bars = ((_MEM, 4 * _KIB), (_IO, 256), (_PREF64, size))
    return Stock("pci-testdev", (0x1B36, 0x0005), bars, {"membar": size})


def _nvme(size: int) -> Stock:
    bars = ((_MEM64, 16 * _KIB), (_PREF64, size))
    return Stock("nvme", (0x1B36, 0x0010), bars, {"serial": "movsdk", "cmb_size_mb": size // _MIB}, is_heavy=True)


def _ivshmem(size: int) -> Stock:
    return Stock("ivshmem-plain", (0x1AF4, 0x1110), ((_MEM, 256), (_PREF64, size)), backend=size, is_heavy=True)


def _display(size: int) -> Stock:
    size = min(max(size, _MIB), 256 * _MIB)
    return Stock(
        "bochs-display", (0x1234, 0x1111), ((_PREF, size), (_MEM, 4 * _KIB)), {"vgamem": size, "romfile": ""}, is_heavy=True
    )


# Devices that have one BAR of a size to choose, least and most: QEMU takes memory for all but the first.
_SIZED: Final[tuple[tuple[Callable[[int], Stock], int, int], ...]] = (
    (_testdev, 4 * _KIB, 1 << 40),
    (_nvme, _MIB, 64 * _MIB),
    (_ivshmem, 4 * _KIB, 64 * _MIB),
    (_display, 4 * _MIB, 256 * _MIB),
)


STOCK: Final = (*_PLAIN, *(make(16 * _MIB) for make, _, _ in _SIZED))
"""One of each, for a test in a real QEMU."""


def nearest(bars: Iterable[Shape], ids: tuple[int, int] = (0, 0)) -> Stock:
    """The device whose BARs resemble `bars` most; the same vendor and device ids make up for a BAR of another kind.

    >>> nearest([(BarKind.PREF64, 64 << 20)]).driver, nearest([(BarKind.MEM64, 0x4000)]).driver
    ('pci-testdev', 'nvme')
    """
    wanted = [(kind, size) for kind, size in bars if kind is not BarKind.ROM]
    candidates = list(_PLAIN)
    for size in sorted({size for kind, size in wanted if kind is not BarKind.IO}):
        candidates += [make(size) for make, least, most in _SIZED if least <= size <= most]
    return min(candidates, key=lambda stock: distance(wanted, stock.bars) + _HEAVY * stock.is_heavy - _SAME * (stock.ids == ids))


def distance(wanted: Sequence[Shape], offered: Sequence[Shape]) -> int:
    """How unlike two sets of BARs are; 0 if they have the same kinds and sizes.

    >>> distance([(BarKind.MEM32, 4096)], [(BarKind.MEM32, 4096)]), distance([(BarKind.MEM32, 4096)], [(BarKind.MEM32, 8192)])
    (0, 20)
    """
    missing, extra = Counter(wanted), Counter(offered)
    both = missing & extra
    missing, extra = missing - both, extra - both
    left = sorted(extra.elements(), key=lambda shape: -shape[1])
    total = 0
    for shape in sorted(missing.elements(), key=lambda shape: -shape[1]):
        costs = [(_unlikeness(shape, other), index) for index, other in enumerate(left)]
        cost, index = min(costs, default=(_weight(shape), -1))
        if cost >= _weight(shape) or index < 0:
            total += _weight(shape)
            continue
        total += cost
        del left[index]
    return total + _EXTRA * len(left)


def _unlikeness(one: Shape, other: Shape) -> int:
    if (one[0] is BarKind.IO) != (other[0] is BarKind.IO):
        return 1000
    kinds = 0 if one[0] is BarKind.IO else abs(_LIKENESS.index(one[0]) - _LIKENESS.index(other[0]))
    return kinds + _TWICE * abs(one[1].bit_length() - other[1].bit_length())


def _weight(shape: Shape) -> int:
    """What it costs to leave a BAR out: large ones are what placing is about."""
    return 3 * shape[1].bit_length()
