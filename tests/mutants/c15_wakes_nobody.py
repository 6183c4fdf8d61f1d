"""Holds requests while paused and serves them when the next one comes: rescan_done wakes nobody."""

from __future__ import annotations

from collections.abc import Callable

from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from movsdk import PciDev, PciId

RULE, CONSEQUENCES = "C15", ()
MODEL = EduModel
Done = Callable[[int, object], None]


class WakesNobody(Edu):
    """A queue that whoever comes along empties."""

    name = "wakes-nobody"

    def probe(self, dev: PciDev, id: PciId) -> None:
        super().probe(dev, id)
        self._waiting: list[tuple[int, Done]] = []

    def submit(self, dev: PciDev, tag: int, done: Done) -> None:
        self._waiting.append((tag, done))
        while self._waiting and dev.drvdata is not None:
            tag, done = self._waiting.pop(0)
            done(tag, None)
