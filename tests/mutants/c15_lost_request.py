"""Forgets requests that were waiting when the pause came."""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field

from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from movsdk import PciDev, PciId

RULE, CONSEQUENCES = "C15", ()
MODEL = EduModel


@define(eq=False)
class Answers:
    """A load of `wanted` requests."""

    wanted: int
    got: int = 0
    problems: list[str] = field(factory=list)

    def answer(self) -> None:
        self.got += 1

    def stop(self) -> None:
        if self.got != self.wanted:
            self.problems.append(f"{self.wanted - self.got} of {self.wanted} requests were never answered")

    def summary(self) -> str:
        return f"{self.got} of {self.wanted}"


class LostRequest(Edu):
    """A queue of jobs that rescan_prepare throws away."""

    name = "lost-request"

    def probe(self, dev: PciDev, id: PciId) -> None:
        super().probe(dev, id)
        self._jobs: list[Callable[[], None]] = []

    def rescan_prepare(self, dev: PciDev) -> None:
        self._jobs.clear()
        super().rescan_prepare(dev)

    def start_load(self, dev: PciDev, *, reads: int, writes: int, size: int) -> Answers:
        answers = Answers(reads + writes)
        self._jobs += [answers.answer] * answers.wanted
        dev.queue_work(lambda: self._next(dev), delay_ms=0.01)
        return answers

    def _next(self, dev: PciDev) -> None:
        if self._jobs and dev.drvdata is not None:
            self.factorial(dev, 3)
            self._jobs.pop(0)()
            dev.queue_work(lambda: self._next(dev), delay_ms=0.01)
