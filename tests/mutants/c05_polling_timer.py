"""Polls the card from a work that nobody cancels."""

from __future__ import annotations

from drivers.edu import regs as r
from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from movsdk import PciDev, PciId

RULE, CONSEQUENCES = "C05", ("C01", "C03", "C08", "C43", "C07", "C35")
MODEL = EduModel


class PollingTimer(Edu):
    """Reads the liveness register each second, as hwmon does."""

    name = "polling-timer"
    period_ms = 1000.0

    def probe(self, dev: PciDev, id: PciId) -> None:
        super().probe(dev, id)
        self._again(dev)

    def remove(self, dev: PciDev) -> None:
        for work in list(dev.held.works):
            work.cancel()
        super().remove(dev)

    def _again(self, dev: PciDev) -> None:
        dev.queue_work(lambda: self._poll(dev), delay_ms=self.period_ms)

    def _poll(self, dev: PciDev) -> None:
        self._again(dev)
        mapping = dev.drvdata or dev.iomap(0)
        mapping.readl(r.LIVENESS)
        if mapping is not dev.drvdata:
            mapping.iounmap()
