"""Who holds an address of a BAR, before and after it moved."""

from __future__ import annotations

from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from drivers.gpu.driver import Gpu
from drivers.gpu.model import GpuModel
from movsdk import Bench, PciDev
from movsdk.bench.holders import Kind
from movsdk.kernel.user_mapping import UserMapping


def kinds(bench: Bench, dev: PciDev) -> list[tuple[Kind, int, bool]]:
    return [(one.kind, one.bar, one.is_stale) for one in bench.holders(dev)]


def test_every_holder_is_an_edge() -> None:
    """Kernel mappings, regions, and what the firmware was told."""
    bench = Bench()
    dev = bench.plug(Gpu, GpuModel)

    assert kinds(bench, dev) == [
        (Kind.KERNEL, 0, False),
        (Kind.KERNEL, 2, False),
        (Kind.REGION, 0, False),
        (Kind.REGION, 2, False),
        (Kind.FIRMWARE, 2, False),
    ]


class Forgetful(Edu):
    """Keeps everything."""

    name = "forgetful"

    def rescan_prepare(self, dev: PciDev) -> None: ...

    def rescan_done(self, dev: PciDev) -> None: ...


def test_a_stale_edge_names_both_ends() -> None:
    """Who holds it, and where the BAR is."""
    bench = Bench()
    dev = bench.plug(Forgetful, EduModel)
    user = UserMapping(dev, 0, 0, 4096, fault=UserMapping.insert)
    user.read(0)
    old = dev.resource_start(0)

    bench.force_move(dev)

    stale = [one for one in bench.holders(dev) if one.is_stale]
    assert [one.kind for one in stale] == [Kind.KERNEL, Kind.USER, Kind.REGION]
    assert str(stale[0]).startswith("kernel mapping   iomap() at drivers/edu/driver.py:")
    assert f"-> forgetful0 BAR 0 at {old:#x}: STALE, the BAR is at [{dev.resource_start(0):#x}-" in str(stale[0])


class Peer(EduModel):
    """Holds an address of somebody else."""

    def peer_addresses(self) -> list[tuple[str, str, int, int]]:
        return [("DMA_DESTINATION", "edu0", 0, 0x8000_0000), ("DMA_SOURCE", "nobody", 0, 0)]


def test_a_peer_is_a_holder() -> None:
    """Of the device that it names, and no other."""
    bench = Bench()
    dev = bench.plug(Edu, EduModel)
    bench.plug(Edu, Peer)

    assert kinds(bench, dev)[-1] == (Kind.PEER, 0, False)
