"""Reads config space from a work while it is paused."""

from __future__ import annotations

from drivers.edu.model import EduModel
from movsdk import PciDev

from .c05_polling_timer import PollingTimer

RULE, CONSEQUENCES = "C05", ()
MODEL = EduModel


class ConfigPoll(PollingTimer):
    """Looks at the status register now and then."""

    name = "config-poll"
    period_ms = 1.0

    def _poll(self, dev: PciDev) -> None:
        self._again(dev)
        dev.read_config_word(6)
