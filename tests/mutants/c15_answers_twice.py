"""Answers the requests in flight in rescan_prepare, and once more when the card does."""

from __future__ import annotations

from collections.abc import Callable

from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from movsdk import PciDev, PciId

RULE, CONSEQUENCES = "C15", ()
MODEL = EduModel

Done = Callable[[int, object], None]


class AnswersTwice(Edu):
    """Its list of requests is emptied by the work alone."""

    name = "answers-twice"

    def probe(self, dev: PciDev, id: PciId) -> None:
        super().probe(dev, id)
        self._jobs: list[tuple[int, Done]] = []

    def submit(self, dev: PciDev, tag: int, done: Done) -> None:
        self._jobs.append((tag, done))
        dev.queue_work(lambda: self._next(dev), delay_ms=1)

    def rescan_prepare(self, dev: PciDev) -> None:
        for tag, done in self._jobs:
            done(tag, None)
        super().rescan_prepare(dev)

    def _next(self, dev: PciDev) -> None:
        if dev.drvdata is None:
            dev.queue_work(lambda: self._next(dev), delay_ms=1)
        elif self._jobs:
            tag, done = self._jobs.pop(0)
            self.factorial(dev, 3)
            done(tag, None)
