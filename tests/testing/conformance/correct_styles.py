"""More correct drivers of the edu card: what they keep, and how they complain, is their own affair."""

from __future__ import annotations

import errno
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from attrs import define

from drivers.edu import regs as r
from drivers.edu.model import EduModel
from movsdk import IoMem, PciDev, PciError, PciId
from movsdk.address import SlotPath
from tests.testing.conformance.correct_drivers import ID


class Plain:
    """Unmaps, and maps again; what it keeps besides is for its children."""

    name = "plain"
    id_table = (ID,)
    model = EduModel

    def __init__(self) -> None:
        self.maps: dict[PciDev, IoMem] = {}

    def probe(self, dev: PciDev, id: PciId) -> None:
        dev.enable_device()
        self.rescan_done(dev)

    def remove(self, dev: PciDev) -> None:
        self.rescan_prepare(dev)
        dev.disable_device()

    def rescan_prepare(self, dev: PciDev) -> None:
        if dev in self.maps:
            self.maps.pop(dev).iounmap()

    def rescan_done(self, dev: PciDev) -> None:
        if dev not in self.maps:
            self.maps[dev] = dev.iomap(0)

    def identity(self, dev: PciDev) -> int:
        if dev not in self.maps:
            raise PciError(errno.EBUSY, f"{dev.name}: not now")
        return self.maps[dev].readl(r.IDENTIFICATION)

    def exercise(self, dev: PciDev) -> None:
        if self.identity(dev) != r.IDENTITY:
            raise PciError(errno.EIO, f"{dev.name}: not edu")


@dataclass
class Image:
    """What was written to a register: the number is the address of a BAR by chance."""

    control: int = 0x8000_0000
    length: int = 0x1000


class RegisterImage(Plain):
    """Keeps numbers that look like addresses, and are none."""

    name = "register-image"

    def probe(self, dev: PciDev, id: PciId) -> None:
        super().probe(dev, id)
        dev.drvdata = Image()


@define
class Places:
    """For the log."""

    now: int
    before: int = 0


class Records(Plain):
    """Remembers the last place and the one before it, and by slot all places there ever were."""

    name = "records"

    def __init__(self) -> None:
        super().__init__()
        self.history: defaultdict[SlotPath, list[tuple[int, int]]] = defaultdict(list)

    def probe(self, dev: PciDev, id: PciId) -> None:
        dev.drvdata = Places(dev.resource_start(0))
        super().probe(dev, id)

    def rescan_done(self, dev: PciDev) -> None:
        super().rescan_done(dev)
        dev.drvdata.before, dev.drvdata.now = dev.drvdata.now, dev.resource_start(0)
        self.history[dev.slot_path].append((dev.clock.now, dev.drvdata.now))


class Opaque:
    """State that nobody may look at: whatever is asked of it raises."""

    __slots__ = ("me", "regs")

    def __init__(self) -> None:
        self.me = self

    @property
    def secret(self) -> int:
        raise RuntimeError("a secret")

    def __getattr__(self, name: str) -> Any:
        raise KeyError(name)

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("incomparable")

    def __bool__(self) -> bool:
        raise RuntimeError("neither")

    __hash__ = None  # type: ignore[assignment]  # nor may it be a key


class KeepsOpaque(Plain):
    """The kit walks through what a driver keeps, and runs none of it."""

    name = "keeps-opaque"

    def probe(self, dev: PciDev, id: PciId) -> None:
        super().probe(dev, id)
        dev.drvdata = Opaque()


class Asserts(Plain):
    """Says with `assert` that the data is wrong."""

    name = "asserts"

    def exercise(self, dev: PciDev) -> None:
        assert self.identity(dev) == r.IDENTITY, "not edu"


class CardError(Exception):
    """A driver's own."""


class OwnErrors(Plain):
    """Says it with an exception of its own."""

    name = "own-errors"

    def exercise(self, dev: PciDev) -> None:
        found = self.identity(dev)
        if found != r.IDENTITY:
            raise CardError(f"{found:#x} is no edu")


class Disables(Plain):
    """Disables the device while it is paused."""

    name = "disables"

    def probe(self, dev: PciDev, id: PciId) -> None:
        self.rescan_done(dev)

    def remove(self, dev: PciDev) -> None:
        self.rescan_prepare(dev)

    def rescan_prepare(self, dev: PciDev) -> None:
        if dev in self.maps:
            super().rescan_prepare(dev)
            dev.release_regions()
            dev.disable_device()

    def rescan_done(self, dev: PciDev) -> None:
        if dev in self.maps:
            return
        dev.enable_device()
        try:
            dev.request_regions(self.name)
            super().rescan_done(dev)
        except PciError:
            dev.release_regions()
            dev.disable_device()
            raise


STYLES = (RegisterImage, Records, KeepsOpaque, Asserts, OwnErrors, Disables)
