"""IOMMU entries that lead a device to another one's BAR."""

from __future__ import annotations

import errno

import pytest

from movsdk.errors import PciError
from movsdk.kernel.devres import release_all
from tests.kernel.rig import Card, Rig, ready


def test_an_entry_knows_the_bar_that_it_leads_to() -> None:
    """And is stale once that is elsewhere, or gone; nobody rewrites it."""
    rig = Rig.of(Card(), Card())
    dev, peer = ready(rig), rig.dev("card2")

    entry = dev.dma_map_resource(peer.resource_start(0) + 16, 32)

    assert (entry.target, entry.bar, entry.address, entry.is_stale) == (
        rig.device("card2"),
        0,
        peer.resource_start(0) + 16,
        False,
    )
    rig.move(bar=0, start=peer.resource_start(0) + 0x20_0000, label="card2")
    assert entry.is_stale
    assert str(entry) == f"IOMMU entry {entry.span} -> BAR 0 of {rig.device('card2')}"
    dev.dma_unmap_resource(entry)
    assert dev.held.resource_maps == []


@pytest.mark.parametrize(("offset", "size"), [(-4, 4), (0, 0), (0, 1 << 30)])
def test_what_no_bar_holds_cannot_be_mapped(offset: int, size: int) -> None:
    """RAM, nothing, or more than the BAR has."""
    rig = Rig.of(Card(), Card())
    dev = ready(rig)
    start = 0x1000 if offset < 0 else rig.dev("card2").resource_start(0)

    with pytest.raises(PciError, match="no memory BAR holds") as caught:
        dev.dma_map_resource(start + offset, size)
    assert caught.value.errno == errno.EINVAL


def test_each_entry_is_given_back_once() -> None:
    """What is left when the driver goes is told and taken."""
    rig = Rig.of(Card(), Card())
    dev, peer = ready(rig), rig.dev("card2")
    first, second = (dev.dma_map_resource(peer.resource_start(0), 16) for _ in range(2))
    dev.dma_unmap_resource(first)

    with pytest.raises(PciError, match="is not its own, or was given back before; unmap each once"):
        dev.dma_unmap_resource(first)
    (note,) = [note for note in release_all(rig.device()) if "IOMMU" in note]
    assert note.startswith(f"{second} is still there; dma_unmap_resource() it (mapped at ")
    assert dev.held.resource_maps == []
