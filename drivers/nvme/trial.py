"""What the tests of this folder do with a drive on the bench: load it, settle accounts, look for traces.

Only the tests use it; it moves nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .load import Load

if TYPE_CHECKING:
    from movsdk import Bench, PciDev


def started(dev: PciDev, seed: int = 1, queue_depth: int = 80) -> Load:
    """A load with more requests than the two queues of 31 take, so that some wait when a pause comes."""
    load = Load()
    load.start(dev.drvdata, seed=seed, queue_depth=queue_depth)
    return load


def settle(load: Load) -> None:
    """Stop, read everything back, and hold the driver to its promise."""
    load.stop()
    load.verify()
    assert load.ledger.is_clean, load.ledger.complaints


def quiet(bench: Bench) -> None:
    """Nobody touched what was not there, by register access, DMA or interrupt, and nothing was left behind."""
    assert not bench.faults
    assert not bench.failures
    assert not [event for event in bench.trace.events if "after remove of" in event.text or "nobody cared" in event.text]
