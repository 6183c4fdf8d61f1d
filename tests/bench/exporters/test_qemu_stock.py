"""Which of QEMU's devices stands for a set of BARs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from movsdk.bench.exporters.qemu_stock import Shape, distance, nearest
from movsdk.pci_regs import BarKind

_KINDS = [kind for kind in BarKind if kind is not BarKind.ROM]
shapes = st.lists(st.tuples(st.sampled_from(_KINDS), st.integers(4, 32).map(lambda bits: 1 << bits)), max_size=4)


@pytest.mark.parametrize(
    ("bars", "ids", "driver"),
    [
        pytest.param([(BarKind.MEM32, 1 << 20)], (0, 0), "edu", id="exactly edu"),
        pytest.param([(BarKind.MEM64, 16 << 10)], (0, 0), "nvme", id="exactly nvme"),
        pytest.param([(BarKind.MEM64, 16 << 10)], (0x1B36, 0x000D), "qemu-xhci", id="of equals the one with the ids"),
        pytest.param([(BarKind.MEM32, 16 << 10)], (0x1B36, 0x0010), "nvme", id="the same ids beat another kind"),
        pytest.param([(BarKind.PREF64, 256 << 30)], (0, 0), "pci-testdev", id="any size"),
        pytest.param([(BarKind.MEM32, 256), (BarKind.PREF64, 64 << 20)], (0, 0), "ivshmem-plain", id="exactly ivshmem"),
        pytest.param([(BarKind.MEM32, 64 << 20)], (0, 0), "bochs-display", id="large and below 4G"),
        pytest.param([(BarKind.ROM, 1 << 16), (BarKind.MEM32, 1 << 20)], (0, 0), "edu", id="the ROM does not count"),
        pytest.param([(BarKind.IO, 256), (BarKind.MEM32, 256)], (0, 0), "rtl8139", id="ports and registers"),
    ],
)
def test_the_nearest_device(bars: list[Shape], ids: tuple[int, int], driver: str) -> None:
    """The one that has the same BARs, where there is one."""
    assert nearest(bars, ids).driver == driver


@given(shapes, shapes)
def test_distance_is_zero_for_equals_only(one: list[Shape], other: list[Shape]) -> None:
    """And never negative; order does not matter."""
    assert distance(one, list(reversed(one))) == 0
    assert (distance(one, other) == 0) == (sorted(one, key=str) == sorted(other, key=str))


@given(shapes)
def test_the_largest_memory_bar_has_its_size(bars: list[Shape]) -> None:
    """It is what a hot-add is about: from 4 KiB to 1 TiB, some device has one of that size."""
    sizes = [size for kind, size in bars if not kind.is_io]
    if len(bars) == 1 and sizes and sizes[0] >= 4096:
        assert sizes[0] in {size for kind, size in nearest(bars).bars if not kind.is_io}
