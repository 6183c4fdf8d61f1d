"""D3hot against work in flight (snd_hda_intel, 2021): prepare holds the power lock and waits for users, who wait for the lock."""

from __future__ import annotations

import errno

from drivers.edu import regs as r
from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from movsdk import Gate, Mutex, PciDev, PciError, PciId


class Audio(Edu):
    """A user call keeps the stream, then the power; rescan_prepare keeps the power, then waits for all streams."""

    name = "audio"
    model = EduModel

    def __init__(self) -> None:
        super().__init__()
        self._power: dict[PciDev, Mutex] = {}
        self._streams: dict[PciDev, Gate] = {}

    def probe(self, dev: PciDev, id: PciId) -> None:
        self._power[dev] = Mutex(f"{dev}.power")
        self._streams[dev] = Gate(f"{dev}.streams")
        super().probe(dev, id)

    def exercise(self, dev: PciDev) -> None:
        with self._streams[dev].entered(), self._power[dev].held():
            if dev.drvdata.readl(r.IDENTIFICATION) != r.IDENTITY:
                raise PciError(errno.ENODEV, f"{dev.name}: no card answers")

    def rescan_prepare(self, dev: PciDev) -> None:
        with self._power[dev].held():
            if dev.drvdata is not None:
                self._streams[dev].freeze()
                super().rescan_prepare(dev)

    def rescan_done(self, dev: PciDev) -> None:
        super().rescan_done(dev)
        self._streams[dev].unfreeze()


class AudioFixed(Audio):
    """Waits for the streams first, and takes the power lock then."""

    name = "audio-fixed"

    def rescan_prepare(self, dev: PciDev) -> None:
        if dev.drvdata is None:
            return
        self._streams[dev].freeze()
        with self._power[dev].held():
            Edu.rescan_prepare(self, dev)
