"""Deep stories: the driver's hooks and calls as tasks on several CPUs, in every order with at most one preemption.

Only ``--deep`` plays them: each is some dozens of runs. A finding names the shortest failing order.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Final

from movsdk.bench import forcing
from movsdk.bench.alarm import Hung
from movsdk.errors import BadInput, HookFailed, NoSpace, PciError
from movsdk.explore.oracles import DEADLOCK, LOST_WAKE_UP
from movsdk.explore.runner import Budget, explore
from movsdk.explore.strategies import Dfs
from movsdk.explore.tasks import World
from movsdk.kernel.actor import NOWHERE
from movsdk.kernel.pcidev import PciDev, device_of
from movsdk.testing.conformance.keeping import locks
from movsdk.testing.conformance.rule import Weight
from movsdk.testing.conformance.stage import Stage
from movsdk.testing.conformance.trial import Trial, movable, movable_and_io, trial
from movsdk.testing.tasks import Tasks

RUNS: Final = 150
_PREEMPTIONS: Final = 1
_OUR_LOCKS: Final = "At the locks of movsdk (Mutex, Gate) another task may go on; those of Python stop all of them"

Act = Callable[[Stage, PciDev], object]


def _move(stage: Stage, dev: PciDev) -> None:
    """A rescan that moves all movable BARs; a driver that answers "busy" keeps them."""
    device = device_of(dev)
    with suppress(NoSpace, BadInput), forcing.forced_away(stage.bench.world.engine, device, forcing.movable_bars(device)):
        stage.bench.world.engine.rescan()


def _rescan(stage: Stage, _dev: PciDev) -> None:
    stage.bench.world.engine.rescan()


def _remove(stage: Stage, dev: PciDev) -> None:
    stage.bench.world.engine.remove(device_of(dev))


def _user_call(stage: Stage, dev: PciDev) -> None:
    """A round of I/O. `PciError` is an answer: paused, busy, gone."""
    with suppress(PciError):
        stage.driver.exercise(dev)


def _hot_add(stage: Stage, _dev: PciDev) -> None:
    """A second card comes into a port, and is probed."""
    engine, port = stage.bench.world.engine, stage.bench.world.find("port6")
    label = stage.bench.insert(stage.driver, stage.subject.make_model(), slot="port6")
    stage.bench.world.machine.plug(label, told=False)
    if port is not None:
        engine.hotadd(port)


def _explored(stage: Stage, rule: str, first: tuple[str, Act], second: tuple[str, Act]) -> None:
    """Try the orders of two acts; what fails in one is a breach of `rule`."""
    told: list[HookFailed] = []
    reentrant: list[str] = []

    def program(world: World) -> None:
        inner = Stage(stage.subject, stage.trial, stage.known, stage.cause, dict(stage.terms))
        dev = inner.plug()
        inner.bench.world.system.ops.clock.run_pending()
        reentrant[:] = [path for path, _ in locks(dev)]
        tasks = Tasks(world)
        tasks.watch(inner.bench)
        for name, act in (first, second):
            tasks.spawn(name, lambda act=act: act(inner, dev))

        def is_quiet() -> bool:
            told[:] = [failure for failure in inner.bench.failures if not isinstance(failure.fields.get("error"), PciError)]
            return not told

        tasks.finally_("no hook and no callback of the driver raised", is_quiet)

    try:
        result = explore(program, Dfs(_PREEMPTIONS), budget=Budget(runs=RUNS))
    except Hung as hung:
        text = f"{stage.subject.name}: {first[0]} beside {second[0]}: the other orders cannot be tried: {hung}. {_OUR_LOCKS}"
        stage.note(rule, text, ("not explored",), hung.site, weight=Weight.ADVICE)
        return
    if result.failure is None:
        return
    failure = result.failure
    cause = f"{failure.name}: {failure.message}"
    if told and "no hook" in failure.name:
        cause = str(told[0])
    story = "\n".join(line for line in failure.timeline.splitlines() if not line.startswith("=>"))  # the cause stands above
    if reentrant:
        cause += f". Or no breach: {reentrant[0]} is an RLock, which stops no task of its thread; a movsdk.Mutex does"
    text = f"{stage.subject.name}: {first[0]} beside {second[0]}: {cause}\n{story}"
    site = told[0].fields.get("site", NOWHERE) if told else NOWHERE
    with stage.blaming("C31" if failure.name in (DEADLOCK, LOST_WAKE_UP) else rule):
        weight = Weight.ADVICE if reentrant else Weight.ERROR
        stage.note(stage.blame, text, ("order", first[0], second[0], failure.name), site, weight=weight)


@trial("a move beside a user call", blames="C42", rules="C31", needs=movable_and_io, owns=True)
def call_beside_move(stage: Stage) -> None:
    """I/O on one CPU, a rescan that moves the BARs on another."""
    _explored(stage, "C42", ("move", _move), ("user call", _user_call))


@trial("a move beside a removal", blames="C41", needs=movable, owns=True)
def remove_beside_move(stage: Stage) -> None:
    """``echo 1 > remove`` while a rescan moves the BARs."""
    _explored(stage, "C41", ("move", _move), ("remove", _remove))


@trial("a move beside a probe", blames="C40", needs=movable, owns=True)
def probe_beside_move(stage: Stage) -> None:
    """A second card is hot-added while the first one's BARs move."""
    _explored(stage, "C40", ("move", _move), ("hot-add", _hot_add))


@trial("two rescans at once", blames="C47", needs=movable, owns=True)
def two_rescans(stage: Stage) -> None:
    """Two users ask for a rescan at the same time."""
    _explored(stage, "C47", ("move", _move), ("rescan", _rescan))


TRIALS: Final[tuple[Trial, ...]] = (call_beside_move, remove_beside_move, probe_beside_move, two_rescans)
