"""The config file: which accesses a read of any range makes, and how long it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockbus import Pm
from mockbus.capabilities import Pcie
from movsdk.bench.bench import Bench
from movsdk.bench.sysfs.config_file import _pieces, config_size, read_config, write_config
from movsdk.kernel.pcidev import device_of
from tests.bench.sysfs.cards import Card, MemoryCard


@given(offset=st.integers(0, 4095), count=st.integers(0, 64))
def test_pieces_cover_a_range_with_aligned_accesses(offset: int, count: int) -> None:
    """Each byte once, in order; never more than a byte and a word at either end."""
    pieces = list(_pieces(offset, count))
    assert [at + i for at, size in pieces for i in range(size)] == list(range(offset, offset + count))
    assert all(size in (1, 2, 4) and at % size == 0 for at, size in pieces)
    assert sum(size < 4 for _, size in pieces) <= 4


@pytest.mark.parametrize(
    ("capabilities", "config", "size"),
    [((Pm(),), 256, 256), ((Pcie(),), 4096, 4096), ((Pm(),), 4096, 256)],
    ids=["conventional", "express", "extended space without the capability"],
)
def test_the_kernel_looks_for_extended_space_behind_the_express_capability_only(
    bench: Bench, capabilities: tuple[object, ...], config: int, size: int
) -> None:
    """4096 bytes, else 256."""
    model = MemoryCard()
    model.capabilities, model.config_size = capabilities, config  # type: ignore[assignment]
    assert config_size(device_of(bench.plug(Card, model))) == size


def test_writes_go_through_the_masks(bench: Bench) -> None:
    """A byte of a BAR register below the BAR's size cannot be set."""
    dev = bench.plug(Card, MemoryCard)
    device = device_of(dev)
    before = read_config(device, 0x10, 4)
    assert write_config(device, 0x0F, b"\x00\xff") == 2
    assert read_config(device, 0x10, 4) == before
    assert write_config(device, 0x3C, b"\x2a") == 1
    assert read_config(device, 0x3B, 3)[1] == 0x2A
