"""One run: who may go on, what a step is, and what happens to code that does not play along."""

# A tuple of calls makes a task of several steps.
# mypy: disable-error-code="func-returns-value"

from __future__ import annotations

from functools import partial

import pytest

from movsdk import points
from movsdk.errors import BadInput
from movsdk.explore import Atomic, Budget, Dfs, Mutex, RandomWalk, World, explore, fail
from movsdk.explore.dpor import Dpor
from movsdk.explore.session import Session
from movsdk.points import checkpoint


def test_a_task_stops_before_its_operation() -> None:
    """An announcement comes before the act: a schedule can put another task between the two."""
    seen: set[tuple[int, int]] = set()

    def program(world: World) -> None:
        value = [0]

        def writer(number: int) -> None:
            checkpoint(f"W {number}", (), ("value",))
            value[0] = number

        world.spawn("one", writer, 1)
        world.spawn("two", writer, 2)
        world.finally_("seen", lambda: seen.add((value[0], 0)) is None)

    assert explore(program).verdict == "proved"
    assert seen == {(1, 0), (2, 0)}


def test_nothing_listens_outside_a_run() -> None:
    """The explorer installs itself for the run only, and comes off when the program fails to set up."""

    def program(world: World) -> None:
        assert points.is_watched()
        raise LookupError("no such machine")

    with pytest.raises(LookupError, match="no such machine"):
        explore(program)
    assert not points.is_watched()


def test_an_exception_in_a_task_is_a_failure_of_that_run() -> None:
    """The other tasks go on; the name of the exception is the name of the failure."""

    def program(world: World) -> None:
        count = Atomic("count")

        def broken() -> None:
            if count.read():
                raise ValueError("too late")

        world.spawn("broken", broken)
        world.spawn("other", count.set, 1)

    result = explore(program, stop=False)
    assert (result.verdict, result.runs, result.failing) == ("failed", 2, 1)
    assert result.failure is not None
    assert (result.failure.name, result.failure.message, result.failure.task) == ("ValueError", "too late", "broken")


def test_fail_goes_on() -> None:
    """A soft failure: the task reports and continues, so that one run may have several."""
    ends = []

    def program(world: World) -> None:
        def task() -> None:
            checkpoint("step")
            fail("first", "of two")
            fail("second", "of two")
            ends.append(1)

        world.spawn("task", task)

    result = explore(program, shorten=False)
    assert result.failure is not None
    assert (result.failure.name, bool(ends)) == ("first", True)


def test_a_run_that_goes_on_for_ever_is_cut() -> None:
    """What was cut proves nothing."""

    def program(world: World) -> None:
        def spin() -> None:
            while True:
                checkpoint("spin")

        world.spawn("spin", spin)

    result = explore(program, budget=Budget(steps=50))
    assert (result.verdict, result.runs, result.note) == ("bounded", 1, "1 run was cut after 50 operations")


@pytest.mark.parametrize("strategy", [Dpor, Dfs, lambda: Dfs(is_sleeping=True), lambda: RandomWalk(20)])
def test_a_task_may_start_another(strategy: type[Dpor]) -> None:
    """A child has the same name in every run, runs after what started it, and may come before or after everything else."""
    ends: set[tuple[str, ...]] = set()

    def program(world: World) -> None:
        log: list[str] = []

        def say(word: str) -> None:
            checkpoint(f"say {word}", (), ("log",))
            log.append(word)

        def parent() -> None:
            say("parent")
            world.spawn("child", say, "child")

        world.spawn("parent", parent)
        world.spawn("other", say, "other")
        world.finally_("order", lambda: log.index("parent") < log.index("child"))
        world.finally_("seen", lambda: ends.add(tuple(log)) is None)

    assert explore(program, strategy()).failure is None
    assert ends == {("parent", "child", "other"), ("parent", "other", "child"), ("other", "parent", "child")}


def test_a_daemon_may_wait_at_the_end() -> None:
    """Others may not."""

    def program(daemon: bool) -> str:
        def setup(world: World) -> None:
            world.spawn("server", lambda: checkpoint("serve", ("request",), (), lambda: False), daemon=daemon)

        return explore(setup).verdict

    assert (program(True), program(False)) == ("proved", "failed")


def test_clean_up_runs_when_a_run_is_given_up() -> None:
    """A task that is left standing is unwound: its `with` and `finally` blocks run, unheard, and its stack is used again."""
    cleaned = []

    def program(world: World) -> None:
        lock = Mutex("lock")

        def task() -> None:
            try:
                with lock:
                    checkpoint("for ever", ("never",), (), lambda: False)
            finally:
                checkpoint("unheard")
                cleaned.append(lock.is_locked)

        world.spawn("task", task, daemon=True)

    assert explore(program).verdict == "proved"
    assert cleaned == [False, False]  # the first run is done twice


def test_the_first_steps_of_a_known_schedule_ask_no_guards() -> None:
    """What the run before has shown is not asked again; from there on guards count."""
    asked = []

    def program(world: World) -> None:
        def wait(number: int) -> bool:
            asked.append(number)
            return True

        def task() -> None:
            for number in range(4):
                checkpoint(f"a{number}", (), ("x",), partial(wait, number))

        world.spawn("a", task)

    session = Session(program)
    first = session.run((), lambda run: run.usual(len(run.ops)))
    count = len(asked)
    session.run(first.order[:3], lambda run: run.usual(len(run.ops)))
    assert (count, asked[count:]) == (4, [3])


def test_an_idle_task_lets_all_others_go_first() -> None:
    """As time that passes on a machine that has nothing to do."""
    orders = set()

    def program(world: World) -> None:
        log: list[str] = []

        def say(word: str) -> None:
            checkpoint(word, (), ("log",))
            log.append(word)

        world.spawn("idle", say, "idle", idle=True)
        world.spawn("a", say, "a")
        world.spawn("b", say, "b")
        world.finally_("seen", lambda: orders.add(tuple(log)) is None)

    assert explore(program).verdict == "proved"
    assert orders == {("a", "b", "idle"), ("b", "a", "idle")}


def test_a_touch_before_the_first_operation_has_no_step() -> None:
    """It could not be ordered with anything."""

    def program(world: World) -> None:
        world.spawn("early", lambda: points.checkpoint("", (), ("cell",)))

    with pytest.raises(BadInput, match=r"early touches \('cell',\) before its first operation; give it implicit cells"):
        explore(program)


def test_the_running_task_is_known_to_the_code_it_runs() -> None:
    """`world.task()` outside a task is a mistake."""
    names = []

    def program(world: World) -> None:
        world.spawn("a", lambda: (checkpoint("x"), names.append(world.task().name)))
        with pytest.raises(BadInput, match="no task runs"):
            world.task()

    explore(program)
    assert names[0] == "a"
