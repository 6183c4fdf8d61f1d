"""What the kernel model looks at is announced: a driver's look at its work, vectors or power, beside a task that changes it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from movsdk import PciDev, PciError
from movsdk.bench.bench import Bench
from movsdk.explore import Dfs, Strategy, World, explore
from movsdk.kernel.work import Work
from movsdk.pci_regs import INTERRUPT_LINE, PowerState
from movsdk.testing.tasks import Tasks
from tests.testing.bus_programs import Card, Driver

Act = Callable[[PciDev, Work], object]


def _works(dev: PciDev) -> None:
    dev.read_config_byte(INTERRUPT_LINE)


CHANGES: dict[str, Act] = {
    "flushes": lambda _dev, work: work.flush(),
    "frees the irq": lambda dev, _work: dev.free_irq(0),
    "frees the vectors": lambda dev, _work: (dev.free_irq(0), dev.free_irq_vectors()),  # type: ignore[func-returns-value]
    "lets it sleep": lambda dev, _work: dev.pm.allow(),
    "puts it to sleep": lambda dev, _work: dev.set_power_state(PowerState.D3HOT),
}
LOOKS: dict[str, tuple[Act, str]] = {
    "flush": (lambda _dev, work: work.flush(), "flushes"),
    "is_pending": (lambda _dev, work: work.is_pending, "flushes"),
    "is_running": (lambda _dev, work: work.is_running, "flushes"),
    "due": (lambda _dev, work: work.due, "flushes"),
    "free_irq": (lambda dev, _work: dev.free_irq(0), "frees the irq"),
    "synchronize_irq": (lambda dev, _work: dev.synchronize_irq(0), "frees the vectors"),
    "why_awake": (lambda dev, _work: dev.pm.why_awake(), "lets it sleep"),
    "is_suspended": (lambda dev, _work: dev.pm.is_suspended, "puts it to sleep"),
}


def seen(look: Act, change: Act, strategy: Strategy | None = None) -> set[str]:
    """What a look can see: right after an operation that has nothing to do with the change."""
    found = set[str]()

    def program(world: World) -> None:
        tasks, bench = Tasks(world), Bench(faults="hardware", strict=False)
        dev, other = bench.plug(Driver, Card(3)), bench.plug(Driver, Card(5))
        dev.alloc_irq_vectors(1, 1)
        dev.request_irq(0, lambda: None)
        work = dev.queue_work(lambda: _works(dev), delay_ms=1)
        tasks.watch(bench, is_declared=True, ignored=("enable counts are balanced",))

        def looker() -> None:
            if change is CHANGES["puts it to sleep"]:
                other.msleep(10)  # as long as that takes: time passes for both, or for none
            other.read_config_byte(INTERRUPT_LINE)
            try:
                found.add(str(look(dev, work)))
            except PciError as error:
                found.add(error.message)

        tasks.spawn("looks", looker)
        tasks.spawn("changes", change, dev, work)

    explore(program, strategy, stop=False, shorten=False)
    return found


@pytest.mark.parametrize("name", LOOKS)
def test_a_look_depends_on_what_it_looks_at(name: str) -> None:
    """Both answers are seen, although nothing announces the look by itself; most were lost once."""
    look, change = LOOKS[name]
    every = seen(look, CHANGES[change], Dfs(1))
    assert len(every) > 1
    assert seen(look, CHANGES[change]) >= every
