"""Tasks on a bench: what an exploration of drivers is made of. The pytest fixture `tasks` and the kit's deep mode use it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from attrs import define, field

from movsdk import points
from movsdk.bench.announce import Announcer, kernel_values
from movsdk.bench.bench import Bench
from movsdk.bench.oracles import Oracles
from movsdk.bench.world import World as Machine
from movsdk.errors import BadInput
from movsdk.explore.tasks import Predicate, Task, World
from movsdk.explore.time_task import TimeTask
from movsdk.kernel.device import Device
from movsdk.kernel.pcidev import PciDev, device_of


@define(eq=False)
class Tasks:
    """The hand through which a test, or the kit, sets a world of tasks up: the fixture `tasks` is one."""

    _world: World
    _announcer: Announcer | None = field(default=None, init=False)
    _covers: bool = field(default=False, init=False)  # undeclared state of drivers
    count: int = field(default=0, init=False)  # of tasks spawned

    def spawn(self, name: str, function: Callable[..., object], *args: Any, **terms: Any) -> Task:
        """Start ``function(*args)`` as a task; `terms` are those of `movsdk.explore.World.spawn`.

        A function that is handed a `PciDev` of a watched bench is its driver's code, unless it is the bench's own; see `watch`.
        """
        if not callable(function):
            raise BadInput(f"spawn({name!r}, ...): {function!r} is no function; its arguments come after it")
        self.count += 1
        if self._covers and not isinstance(getattr(function, "__self__", None), Bench):
            own = (cell for arg in args if isinstance(arg, PciDev) for cell in _cells_of(device_of(arg)))
            terms["implicit"] = (*terms.get("implicit", ()), *own)

        def body() -> None:
            function(*args)
            if self._announcer is not None:
                self._announcer.tell()

        return self._world.spawn(name, body, **terms)

    def always(self, name: str, predicate: Predicate, reads: Iterable[Hashable] | None = None) -> None:
        """Demand `predicate` after every step that writes one of the cells `reads` (None: after every step)."""
        self._world.always(name, predicate, reads)

    def finally_(self, name: str, predicate: Predicate) -> None:
        """Demand `predicate` when all tasks have ended."""
        self._world.finally_(name, predicate)

    def show(self, name: str, value: Callable[[], object]) -> None:
        """Print `value` in the state at a failing step."""
        self._world.show(name, value)

    def watch(self, bench: Bench | Machine, *, ignored: Iterable[str] = (), is_declared: bool = False) -> Oracles:
        """Let the PCI oracles judge every step on `bench`, name its operations as a kernel developer would, and let tasks wait.

        Call it before `spawn`, once the bench is as the tasks are to find it. `ignored`: names of oracles that are not to speak.

        State of a driver that tasks share and nobody declared as `Shared` counts as one cell a device, and one for all devices of
        the driver, whose object they share: each step of its hooks, its interrupt handlers and its work, and of tasks that are
        handed the device, reads and writes both. That costs runs.
        `is_declared`: there is no such state, and it is left out. Said wrongly, a proof is worth nothing.
        """
        if self.count:
            raise BadInput("watch(bench) comes before spawn(): tasks that are there already would not be watched")
        machine = bench.world if isinstance(bench, Bench) else bench
        if not is_declared:
            self._covers = True
            points.install_scope(lambda cell: self._drivers_code(machine, cell))
        oracles = Oracles.on(machine, ignored=ignored)
        self._announcer = Announcer(machine.machine, kernel_values(machine), [oracles.check], covers_drivers=self._covers)
        self._announcer.listen()
        TimeTask(self._world, machine.system.ops.clock, one_step=self._announcer.one_step)
        self._world.finally_("enable counts are balanced", oracles.counts_are_balanced)
        return oracles

    @contextmanager
    def _drivers_code(self, machine: Machine, cell: Hashable) -> Iterator[None]:
        """Inside, the running task runs code of the driver of the device that `cell` is about."""
        device = next((one for one in machine.system.discovered if cell == ("hook", one.label)), None)
        with ExitStack() as stack:
            for each in (cell,) if device is None else _cells_of(device):
                stack.enter_context(self._world.implicit_cell(each))
            yield


def _cells_of(device: Device) -> list[Hashable]:
    """What stands for the state of a device's driver that nobody declared."""
    shared = [] if device.driver is None else [("driver", device.driver.name)]
    return [("hook", device.label), *shared]
