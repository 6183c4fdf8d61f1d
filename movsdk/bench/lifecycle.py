"""Life cycles on the real engine: a rescan that moves a card, and what may happen to the card meanwhile.

Twin: a hot-plug event under load. Engine, drivers and silicon are the ordinary ones, explored as `race_machine` explores the
enable path. Judges with the PCI oracles; what is tried and how much is for the caller to say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from attrs import define, field, frozen

from movsdk.bench import forcing, reference
from movsdk.bench.announce import Announcer, kernel_values
from movsdk.bench.bench import Bench
from movsdk.bench.oracles import Oracles
from movsdk.bench.system_sleep import SystemSleep
from movsdk.clock import NS_PER_MS, NS_PER_US
from movsdk.errors import BadInput, InvariantBroken, NoSpace, PciError
from movsdk.explore import current
from movsdk.explore.runner import Budget, Result, explore
from movsdk.explore.strategies import Dfs, Strategy
from movsdk.explore.sync import Mutex
from movsdk.explore.tasks import World
from movsdk.explore.time_task import TimeTask
from movsdk.kernel.device import Device
from movsdk.kernel.pcidev import PciDev, device_of
from movsdk.kernel.recovery import recover
from movsdk.kernel.runtime_pm import pm_of
from movsdk.layout.table import MEM_64
from movsdk.pci_regs import ROM_RESOURCE, bar_register

DRIVERS: Final = ("nvme", "gpu")


@define(eq=False)
class Stage:
    """A machine with one card, booted, and the acts of its life. `kind`: driver class to use instead of the reference's."""

    driver: str
    kind: type | None = None
    bench: Bench = field(init=False)
    dev: PciDev = field(init=False)
    sibling: str = field(init=False)
    _hand: Mutex = field(factory=lambda: Mutex("the tester's hand"), init=False)

    def __attrs_post_init__(self) -> None:
        known = reference.load(self.driver)
        if known.model is None:
            raise BadInput(f"driver {self.driver} has no model to try it with")
        self.bench = Bench(ports=2, faults="hardware", strict=False)
        self.dev = self.bench.plug(self.kind or known.driver, known.model())
        self.sibling = self.bench.insert(self.kind or known.driver, known.model())
        self.bench.world.system.ops.clock.run_pending()

    @property
    def device(self) -> Device:
        """The kernel's side of the card."""
        return device_of(self.dev)

    # --- acts ---------------------------------------------------------------------------------------------
    def move(self) -> None:
        """A rescan in which BAR 0 of the card goes elsewhere, if it is there still."""
        engine = self.bench.world.engine
        with self._hand, suppress(NoSpace, BadInput), forcing.forced_away(engine, self.device, (0,)):
            engine.rescan()

    def rescan(self) -> None:
        """Another rescan, in which it need not move."""
        with self._hand:
            self.bench.world.engine.rescan()

    def io(self) -> None:
        """A user's I/O; the card may say that it is gone."""
        with suppress(PciError):
            self._target.exercise(self.dev)

    def interrupt(self) -> None:
        """Time for what the card does by itself: completions of a load, where the driver offers one, or the vblank."""
        clock = self.bench.world.system.ops.clock
        if not hasattr(self._target, "start_load"):
            clock.advance(20 * NS_PER_MS)
            return
        load = self._target.start_load(self.dev, reads=1, writes=1, size=4096)
        clock.advance(30 * NS_PER_US)
        load.stop()
        for problem in load.problems:
            current.fail("load", problem)

    def sleep(self) -> None:
        """Nobody needs it: it falls asleep; then somebody does."""
        pm = pm_of(self.device)
        pm.allow()
        self.bench.world.system.ops.clock.advance(NS_PER_MS)
        pm.forbid()

    def error(self) -> None:
        """Its link fails and is recovered."""
        recover(self.device)

    def suspend(self) -> None:
        """The whole machine goes to sleep and wakes."""
        sleep = SystemSleep(self.bench.world.system)
        sleep.begin()
        sleep.end()

    def remove(self) -> None:
        """``echo 1 > remove``."""
        if not self.device.is_removed:
            self.bench.world.engine.remove(self.device)

    def pull(self) -> None:
        """Somebody takes it out; the slot tells the kernel."""
        self.bench.world.machine.unplug(self.device.label)
        self.bench.world.system.ops.clock.advance(NS_PER_MS)

    def plug(self) -> None:
        """Somebody puts a second card of its kind into the other slot."""
        self.bench.world.machine.plug(self.sibling)
        self.bench.world.system.ops.clock.advance(NS_PER_MS)

    def read_files(self) -> None:
        """A user reads the sysfs files `resource` and `config`: each address is an old one or a new one, never half of each."""
        device = self.device
        for bar in range(ROM_RESOURCE):
            if not device.resources[bar].flags:
                continue
            possible = self._places(bar)
            register = bar_register(bar)
            low = device.config_read(register, 4)
            high = device.config_read(register + 4, 4) if device.resources[bar].flags & MEM_64 else 0
            if (address := high << 32 | low & ~0xF) not in possible | self._places(bar):
                current.fail("torn", f"{device}: config says {address:#x} for BAR {bar}, where it never was")

    # --- looking ------------------------------------------------------------------------------------------
    def works(self) -> bool:
        """Whether no hook raised and the card does its I/O; one that was pulled only has to be gone, and may have been missed."""
        try:
            self.bench.world.system.ops.clock.advance(2000 * NS_PER_MS)  # what is still on its way arrives
        except InvariantBroken as error:  # a lock that nobody gives back
            current.fail("deadlock", error.message)
            return False
        if not self.bench.world.machine.function(self.device.label).present:
            return self.device.is_removed and all(isinstance(failure.__cause__, PciError) for failure in self.bench.failures)
        try:
            if self.device.driver is not None:
                self._target.exercise(self.dev)
        except PciError as error:
            current.fail("no I/O", str(error))
        return not self.bench.failures

    @property
    def _target(self) -> Any:
        return self.bench.driver(self.dev)

    def _places(self, bar: int) -> set[int]:
        """Where BAR `bar` is, for the kernel and for the card."""
        device = self.device
        function = self.bench.world.machine.function(device.label)
        return {device.resources[bar].start, function.bars[bar].address}


ACTS: Final[Mapping[str, Callable[[Stage], None]]] = MappingProxyType(
    {
        "user I/O": Stage.io,
        "interrupt": Stage.interrupt,
        "runtime PM": Stage.sleep,
        "AER recovery": Stage.error,
        "remove": Stage.remove,
        "surprise removal": Stage.pull,
        "probe of a sibling": Stage.plug,
        "sysfs access": Stage.read_files,
        "second rescan": Stage.rescan,
    }
)
"""What may meet a rescan."""

_EVERY: Final[Mapping[str, Callable[[Stage], None]]] = MappingProxyType(
    {**ACTS, "rescan": lambda stage: stage.move(), "system sleep": Stage.suspend}
)

FROM_THE_CLOCK: Final = ("interrupt", "runtime PM", "AER recovery", "surprise removal", "probe of a sibling")
"""Acts whose second half comes after a sleep, or by a timer or an interrupt: at any moment."""


@frozen
class LifeCycle:
    """A rescan that moves a card of `driver`, against one of `ACTS`. A program for `movsdk.explore`.

    `meets`: another act than the rescan, or "system sleep"; `against` may be that, too.
    """

    driver: str
    against: str
    kind: type | None = None
    meets: str = "rescan"

    def __call__(self, world: World) -> None:
        """Set it up: two tasks, and time."""
        stage = Stage(self.driver, self.kind)
        system = stage.bench.world.system
        # A hook that finds nobody may say so.
        ignored = ("hook raised",) if "surprise removal" in (self.against, self.meets) else ()
        oracles = Oracles.on(stage.bench.world, ignored=ignored)
        announcer = Announcer(stage.bench.world.machine, kernel_values(stage.bench.world), [oracles.check])
        announcer.listen()
        TimeTask(
            world,
            system.ops.clock,
            is_patient=not {self.against, self.meets} & {*FROM_THE_CLOCK},
            one_step=announcer.one_step,
        )
        for act in (self.meets, self.against):
            world.spawn(act, _told(announcer, partial(_EVERY[act], stage)))
        world.finally_("enable counts are balanced", oracles.counts_are_balanced)
        world.finally_("the card works", stage.works)


def _told(announcer: Announcer, act: Callable[[], None]) -> Callable[[], None]:
    def body() -> None:
        act()
        announcer.tell()

    return body


def live(cycle: LifeCycle, *, runs: int, strategy: Strategy | None = None) -> Result:
    """Explore with at most `runs` runs; default: every schedule with one preemption at most."""
    return explore(cycle, strategy or Dfs(1), budget=Budget(runs=runs), shorten=False)
