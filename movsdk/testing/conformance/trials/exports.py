"""A story about addresses that the driver handed out: another card writes into its BAR by bus address."""

from __future__ import annotations

from typing import Any, Final

from mockbus.bar import BarSpec
from mockbus.model import DeviceModel
from movsdk.clock import NS_PER_US
from movsdk.hooks import PciId
from movsdk.kernel.actor import show
from movsdk.kernel.pcidev import PciDev, device_of
from movsdk.ops import Space
from movsdk.pci_regs import ROM_RESOURCE, BarKind
from movsdk.testing.conformance.driver_calls import method_site
from movsdk.testing.conformance.stage import Stage
from movsdk.testing.conformance.trial import Trial, all_of, movable, trial
from movsdk.testing.conformance.trials.holders import offers

_EVERY: Final = 100 * NS_PER_US


class _Engine(DeviceModel):
    """A card that stores four bytes at `target` again and again, while there is one."""

    vendor_id, device_id = 0x1AF4, 0x10FC
    bars = (BarSpec(0, BarKind.MEM32, 4096),)

    def __init__(self) -> None:
        self.target: int | None = None

    def aim(self, target: int | None) -> None:
        """Store there from now on; None: nowhere."""
        is_new, self.target = self.target is None, target
        if target is not None and is_new:
            self.clock.call_later(_EVERY, self._store, "a peer's store")

    def _store(self) -> None:
        if self.target is not None and self.function.present:
            self.dma_write(self.target, b"peer")
            self.clock.call_later(_EVERY, self._store, "a peer's store")


class _Importer:
    """Drives the engine; nothing of it moves."""

    name = "importer"
    id_table = (PciId(_Engine.vendor_id, _Engine.device_id),)

    def probe(self, dev: PciDev, id: PciId) -> None:
        dev.enable_device()
        dev.set_master()

    def remove(self, dev: PciDev) -> None:
        dev.disable_device()


@trial("memory lent to a peer", blames="C21", needs=all_of(movable, offers("export_memory", "dev, revoke")), owns=True)
def borrowed(stage: Stage) -> None:
    """Another card stores at an address of the BAR that the driver gave it; the driver takes it back before the BAR moves."""
    dev, engine = stage.plug(), _Engine()
    peer = stage.bench.plug(_Importer, engine)
    driver: Any = stage.bench.driver(dev)
    stage.helpers.add(device_of(peer).label)
    lent: list[int] = []
    taken_back: list[bool] = []  # whether the BAR was still there, and awake

    def revoke() -> None:
        taken_back.append(_bar_at(dev, lent[-1]) is not None and not device_of(dev).is_paused)
        engine.aim(None)

    for turn in ("before", "after"):
        address: Any = stage.do("export_memory", lambda: driver.export_memory(dev, revoke))
        if _bar_at(dev, address) is None:
            site = method_site(stage.driver, "export_memory")
            text = f"{dev}: export_memory ({show(site)}) returned {address!r:.40} {turn} a move, which is in none of its BARs"
            stage.note("C21", text, ("export", turn), site)
            break
        lent.append(address)
        engine.aim(address)
        stage.settle(1)
        if turn == "before":
            stage.move(dev, stage.movable_bars(dev))
            _judge(stage, dev, peer, address, taken_back)
    engine.aim(None)
    stage.finish()


def _judge(stage: Stage, dev: PciDev, peer: PciDev, address: int, taken_back: list[bool]) -> None:
    if taken_back and taken_back[0]:
        return
    site = method_site(stage.driver, "rescan_prepare")
    hit = ", ".join(map(str, device_of(dev).system.ops.claims(Space.MEM, address))) or "nobody"
    late = "was told too late" if taken_back else "was not told"
    stage.note(
        "C21",
        f"{dev}: {peer} stores at {address:#x}, which export_memory gave it, and {late} (see {show(site)}) that the BAR moves; "
        f"who answers there now is {hit}",
        ("lent", bool(taken_back)),
        site,
    )


def _bar_at(dev: PciDev, address: object) -> int | None:
    for bar in range(ROM_RESOURCE):
        span = device_of(dev).bar_span(bar)
        if span is not None and isinstance(address, int) and address in span:
            return bar
    return None


TRIALS: Final[tuple[Trial, ...]] = (borrowed,)
