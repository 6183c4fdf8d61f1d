"""Who runs, and what an interrupt handler must not do."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest

from movsdk.errors import MovError
from movsdk.kernel.gate import Gate
from movsdk.kernel.pcidev import PciDev
from movsdk.pci_regs import PowerState
from tests.kernel.rig import Card, Rig, raise_irq, ready

SLEEPING: list[tuple[str, Callable[[PciDev], object]]] = [
    ("iomap", lambda dev: dev.iomap(0)),
    ("iounmap", lambda dev: dev.iomap(0).iounmap()),
    ("msleep", lambda dev: dev.msleep(1)),
    ("wait_for", lambda dev: dev.wait_for(lambda: True, 1)),
    ("alloc_irq_vectors", lambda dev: dev.alloc_irq_vectors(1, 1)),
    ("request_irq", lambda dev: dev.request_irq(1, print)),
    ("free_irq", lambda dev: dev.free_irq(1)),
    ("synchronize_irq", lambda dev: dev.synchronize_irq(1)),
    ("free_irq_vectors", lambda dev: dev.free_irq_vectors()),
    ("enable_device", lambda dev: dev.enable_device()),
    ("set_power_state", lambda dev: dev.set_power_state(PowerState.D0)),
    ("cancel", lambda dev: dev.queue_work(print).cancel()),
    ("flush", lambda dev: dev.queue_work(int).flush()),
    ("io.freeze", lambda dev: Gate("io").freeze()),
]


def told_in_handler(act: Callable[[PciDev], object]) -> list[str]:
    """Let a handler do it, and return the breaches that were recorded."""
    rig = Rig.of(Card())
    dev = ready(rig)
    dev.alloc_irq_vectors(1, 2)

    def handler() -> None:
        with suppress(MovError):  # whether it could be done does not matter
            act(dev)

    dev.request_irq(0, handler, "card")
    raise_irq(rig, 0)
    return [str(failure) for failure in rig.system.failures if failure.fields.get("kind") == "atomic"]


@pytest.mark.parametrize(("call", "act"), SLEEPING, ids=[name for name, _ in SLEEPING])
def test_what_may_sleep_is_told_in_an_interrupt_handler(call: str, act: Callable[[PciDev], object]) -> None:
    """C32, whether or not it would have slept this time, with the line; and nowhere else."""
    found = [line for line in told_in_handler(act) if f": {call}() in " in line]

    assert len(found) == 1
    assert found[0].startswith(f"card1 (0000:00:01.0): {call}() in irq 0 card: an interrupt handler must not sleep; queue_work()")
    assert "test_actor.py:" in found[0]


def test_work_that_a_handler_queues_may_sleep() -> None:
    """It runs later, and not as the handler; so does what runs while a handler sleeps all the same."""
    assert told_in_handler(lambda dev: dev.queue_work(lambda: dev.msleep(1))) == []
    told = told_in_handler(lambda dev: [dev.queue_work(lambda: dev.iomap(0)), dev.wait_for(lambda: False, 1)])
    assert [line.split("()")[0].split(": ")[1] for line in told] == ["wait_for"]


def test_tasks_may_sleep() -> None:
    """Hooks and users."""
    rig = Rig.of(Card())
    dev = ready(rig)

    dev.iomap(0).iounmap()
    dev.msleep(1)

    assert rig.system.failures == []
