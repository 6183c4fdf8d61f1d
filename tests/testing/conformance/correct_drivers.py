"""Correct drivers of the edu card, each written in another style: the kit must find nothing in them."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from attrs import define, field

from drivers.edu import regs as r
from movsdk import IoMem, PciDev, PciError, PciId
from movsdk.kernel.work import Work

ID = PciId(r.VENDOR, r.DEVICE)


def compute(dev: PciDev, regs: Callable[[], IoMem], n: int = 5) -> int:
    """n!, polled for; the mapping is fetched anew after each wait."""
    regs().writel(n, r.FACTORIAL)
    dev.udelay(n + 1)
    return regs().readl(r.FACTORIAL)


def check(dev: PciDev, found: int) -> None:
    if found != 120:
        raise PciError(errno.EIO, f"{dev.name}: 5! is {found}")


class LazyMapping:
    """Maps for each round of I/O, and holds nothing in between."""

    name = "lazy-mapping"
    id_table = (ID,)

    def probe(self, dev: PciDev, id: PciId) -> None:
        dev.enable_device()

    def remove(self, dev: PciDev) -> None:
        dev.disable_device()

    def rescan_prepare(self, dev: PciDev) -> None:
        """Nothing is held."""

    def rescan_done(self, dev: PciDev) -> None:
        """Nothing to take back."""

    @contextmanager
    def _mapped(self, dev: PciDev) -> Iterator[IoMem]:
        regs = dev.iomap(0)
        try:
            yield regs
        finally:
            regs.iounmap()

    def exercise(self, dev: PciDev) -> None:
        with self._mapped(dev) as regs:
            regs.writel(7, r.LIVENESS)
            if regs.readl(r.LIVENESS) != ~7 & 0xFFFF_FFFF:
                raise PciError(errno.EIO, f"{dev.name}: not alive")


class RemapsIfMoved:
    """Keeps its mapping where nothing moved: allowed where movability comes from the hooks."""

    name = "remaps-if-moved"
    id_table = (ID,)

    def probe(self, dev: PciDev, id: PciId) -> None:
        dev.enable_device()
        dev.drvdata = dev.iomap(0)

    def remove(self, dev: PciDev) -> None:
        dev.drvdata.iounmap()
        dev.disable_device()

    def rescan_prepare(self, dev: PciDev) -> None:
        """No timer, no interrupt, no DMA: quiet at any time."""

    def rescan_done(self, dev: PciDev) -> None:
        if dev.drvdata.closed or dev.resource_start(0) != dev.drvdata.start:
            if not dev.drvdata.closed:
                dev.drvdata.iounmap()
            dev.drvdata = dev.iomap(0)

    def exercise(self, dev: PciDev) -> None:
        check(dev, compute(dev, lambda: dev.drvdata))


@define(eq=False)
class State:
    """Everything of one card, in a registry of the driver."""

    dev: PciDev
    regs: IoMem | None = None
    ticks: int = 0
    timer: Work | None = None
    places: list[int] = field(factory=list)

    def start(self) -> None:
        self.dev.request_regions("registry")
        try:
            self.regs = self.dev.iomap(0)
        except PciError:
            self.dev.release_regions()
            raise
        self.places.append(self.regs.start)
        self.again()

    def stop(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        if self.regs is not None:
            self.regs.iounmap()
            self.regs = None
        self.dev.release_regions()

    def again(self) -> None:
        self.timer = self.dev.queue_work(self.tick, delay_ms=1)

    def tick(self) -> None:
        if self.regs is None or self.regs.readl(r.IDENTIFICATION) != r.IDENTITY:
            return  # gone
        self.ticks += 1
        self.again()


class Registry:
    """A dictionary keyed by slot path, a periodic timer, a history of places."""

    name = "registry"
    id_table = (ID,)

    def __init__(self) -> None:
        self.cards: dict[Any, State] = {}

    def probe(self, dev: PciDev, id: PciId) -> None:
        dev.enable_device()
        state = State(dev)
        try:
            state.start()
        except PciError:
            dev.disable_device()
            raise
        self.cards[dev.slot_path] = state

    def remove(self, dev: PciDev) -> None:
        self.cards.pop(dev.slot_path).stop()
        dev.disable_device()

    def rescan_prepare(self, dev: PciDev) -> None:
        self.cards[dev.slot_path].stop()

    def rescan_done(self, dev: PciDev) -> None:
        state = self.cards[dev.slot_path]
        if state.regs is None:
            state.start()

    def exercise(self, dev: PciDev) -> None:
        check(dev, compute(dev, lambda: self._regs(dev)))

    def _regs(self, dev: PciDev) -> IoMem:
        regs = self.cards[dev.slot_path].regs
        if regs is None:
            raise PciError(errno.EBUSY, f"{dev.name}: not now")
        return regs


class KeepsHandler:
    """Silences the card in rescan_prepare and keeps vector and handler."""

    name = "keeps-handler"
    id_table = (ID,)

    def probe(self, dev: PciDev, id: PciId) -> None:
        dev.enable_device()
        dev.set_master()
        dev.alloc_irq_vectors(1, 1)
        dev.request_irq(0, lambda: self._handle(dev), "keeps-handler")
        dev.drvdata = dev.iomap(0)

    def remove(self, dev: PciDev) -> None:
        self.rescan_prepare(dev)
        dev.free_irq(0)
        dev.free_irq_vectors()
        dev.disable_device()

    def rescan_prepare(self, dev: PciDev) -> None:
        if dev.drvdata is None:
            return
        dev.wait_for(lambda: not dev.drvdata.readl(r.STATUS) & r.STATUS_COMPUTING, timeout_ms=5)
        dev.drvdata.writel(0, r.STATUS)
        dev.synchronize_irq(0)
        dev.drvdata.iounmap()
        dev.drvdata = None

    def rescan_done(self, dev: PciDev) -> None:
        if dev.drvdata is None:
            dev.drvdata = dev.iomap(0)

    def _handle(self, dev: PciDev) -> None:
        if dev.drvdata is not None:
            dev.drvdata.writel(dev.drvdata.readl(r.IRQ_STATUS), r.IRQ_ACK)

    def exercise(self, dev: PciDev) -> None:
        if dev.drvdata is None:
            raise PciError(errno.EBUSY, f"{dev.name}: not now")
        dev.drvdata.writel(r.STATUS_IRQ_WHEN_DONE, r.STATUS)
        check(dev, compute(dev, lambda: dev.drvdata))


class CountsUsers(RemapsIfMoved):
    """Pauses only when no user call is under way; answers EBUSY otherwise, which keeps the BARs where they are."""

    name = "counts-users"

    def __init__(self) -> None:
        self.users = 0

    def rescan_prepare(self, dev: PciDev) -> None:
        if not dev.wait_for(lambda: not self.users, timeout_ms=2):
            raise PciError(errno.EBUSY, f"{dev.name}: {self.users} users")
        dev.drvdata.iounmap()

    def exercise(self, dev: PciDev) -> None:
        self.users += 1
        regs = dev.drvdata
        try:
            check(dev, compute(dev, lambda: regs))
        finally:
            self.users -= 1


class Pinned(RemapsIfMoved):
    """Says that its BAR must stay, and why should it not?"""

    name = "pinned"

    def bar_fixed(self, dev: PciDev, bar: int) -> bool:
        return True


class Quiet:
    """No I/O that the kit could ask for, no state at all."""

    name = "quiet"
    id_table = (ID,)

    def probe(self, dev: PciDev, id: PciId) -> None:
        dev.enable_device()

    def remove(self, dev: PciDev) -> None:
        dev.disable_device()

    def rescan_prepare(self, dev: PciDev) -> None: ...

    def rescan_done(self, dev: PciDev) -> None: ...


class Devres:
    """Leaves the enable count and the mapping to remove, resets nothing, and works immovably."""

    name = "devres"
    id_table = (ID,)

    def probe(self, dev: PciDev, id: PciId) -> None:
        dev.enable_device()
        dev.request_regions(self.name)
        dev.drvdata = {"regs": dev.iomap(0), "where": dev.resource_start(0)}

    def remove(self, dev: PciDev) -> None:
        dev.drvdata.pop("regs").iounmap()
        dev.release_regions()
        dev.disable_device()

    def exercise(self, dev: PciDev) -> None:
        check(dev, compute(dev, lambda: dev.drvdata["regs"]))


CORRECT = (LazyMapping, RemapsIfMoved, Registry, KeepsHandler, CountsUsers, Pinned, Quiet, Devres)
