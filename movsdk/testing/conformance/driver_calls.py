"""What is learnt from a driver's calls: whether one has run at all, and how long what it left pending takes."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Final

from movsdk.clock import NS_PER_MS
from movsdk.errors import ContractError
from movsdk.kernel.actor import NOWHERE, Site
from movsdk.kernel.hookcheck import members_of
from movsdk.kernel.pcidev import PciDev

MOST_PAUSE_MS: Final = 60_000


def ran(result: object) -> None:
    """Refuse what a call returns that has not run yet. Raises `ContractError`."""
    if inspect.isgenerator(result) or inspect.iscoroutine(result):
        result.close()
        raise ContractError(f"it returned a {type(result).__name__}: no line of it ran; make it a plain function")


def method_site(driver: object, name: str) -> Site:
    """Where the driver's method `name` is written; nowhere if it has no such plain method."""
    code = getattr(members_of(driver).get(name), "__code__", None)
    return (code.co_filename, code.co_firstlineno) if code is not None else NOWHERE


def patience(cards: Sequence[PciDev], at_least: float) -> float:
    """Milliseconds until the last work that a card's driver left pending has run, at most a minute."""
    pending = [(work.due - dev.clock.now) / NS_PER_MS + 1 for dev in cards for work in dev.held.works if work.due is not None]
    return min(MOST_PAUSE_MS, max([at_least, *pending]))
