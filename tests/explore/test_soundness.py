""" "Proved" must not be false: what an exploration loses when somebody leaves cells out."""

# A tuple of calls makes a task of several steps.
# mypy: disable-error-code="func-returns-value"

from __future__ import annotations

from collections.abc import Hashable, Iterator

import pytest
from attrs import define

from movsdk.errors import BadInput
from movsdk.explore import (
    Atomic,
    Dfs,
    Dpor,
    Mutex,
    Shared,
    Strategy,
    Work,
    WorkQueue,
    World,
    cell_of,
    explore,
    fail,
    touch,
    wait_for,
)
from movsdk.points import checkpoint


@define(eq=False)
class Bus:
    """Two BARs; an access goes to the BAR that holds the address now."""

    places: list[int]
    routing: bool  # whether an access says what it is routed by

    def move(self, bar: int, address: int) -> None:
        checkpoint(f"W BAR {bar} = {address}", (), ("decode",))
        self.places[bar] = address

    def read(self, address: int) -> int:
        """Return the number of the BAR that answers, -1 for none."""
        bar = next((bar for bar, place in enumerate(self.places) if place == address), -1)
        reads: list[Hashable] = [("bar", bar)]
        if self.routing:
            reads.append("decode")
        checkpoint(f"read {address}", tuple(reads))
        return next((bar for bar, place in enumerate(self.places) if place == address), -1)


@pytest.mark.parametrize(("routing", "verdict"), [(True, "failed"), (False, "proved")])
def test_an_access_depends_on_what_it_is_routed_by(routing: bool, verdict: str) -> None:
    """Another BAR moves away from the address where a driver looks for its own: without routing cells the bug is lost."""

    def program(world: World) -> None:
        bus = Bus([1, 2], routing)

        def driver() -> None:
            if (bar := bus.read(1)) != 0:
                fail("wrong BAR", f"BAR {bar} answered at 1")

        world.spawn("driver", driver)
        world.spawn("rescan", lambda: (bus.move(0, 3), bus.move(1, 1)))

    assert explore(program).verdict == verdict


@pytest.mark.parametrize(("way", "verdict"), [("live", "failed"), ("touched", "failed"), ("stale", "proved")])
def test_where_an_address_leads_is_looked_up_when_it_is_used(way: str, verdict: str) -> None:
    """A footprint made when the access was announced is a footprint of yesterday: a write through it is missed."""

    def program(world: World) -> None:
        pointer, cells = [0], [0, 0]

        class Target:
            def __iter__(self) -> Iterator[Hashable]:
                return iter([("cell", pointer[0])])

        def through() -> None:
            if way == "live":
                checkpoint("write through", ("pointer",), Target())
            else:
                checkpoint("write through", ("pointer",), (("cell", pointer[0]),))
            if way == "touched":
                touch((), [("cell", pointer[0])])
            cells[pointer[0]] = 1

        def turn() -> None:
            checkpoint("turn", (), ("pointer",))
            pointer[0] = 1

        def look() -> None:
            checkpoint("look", (("cell", 1),))
            early = cells[1]
            checkpoint("look", (("cell", 1),))
            if (early, cells[1]) == (0, 1):
                fail("changed", "cell 1 changed between two looks")

        world.spawn("through", through)
        world.spawn("turn", turn)
        world.spawn("look", look)

    assert explore(program).verdict == verdict


class Driver:
    """A driver with a flag that it declares, and one that it does not."""

    label = "driver"
    declared = Shared(False)

    def __init__(self) -> None:
        self.undeclared = False


@pytest.mark.parametrize(
    ("state", "implicit", "verdict"),
    [("declared", (), "failed"), ("undeclared", (("driver", 0),), "failed"), ("undeclared", (), "proved")],
)
def test_undeclared_state_counts_as_one_cell_of_the_device(state: str, implicit: tuple[Hashable, ...], verdict: str) -> None:
    """Two hooks of one driver share a flag: without its implicit cell the bug is lost."""

    def program(world: World) -> None:
        driver, count = Driver(), Atomic("count")

        def pause() -> None:
            count.read()
            setattr(driver, state, True)
            count.read()
            setattr(driver, state, False)

        def work() -> None:
            count.read()
            if getattr(driver, state):
                fail("paused", "work while paused")

        world.spawn("work", work, implicit=implicit)
        world.spawn("pause", pause, implicit=implicit)

    assert explore(program).verdict == verdict


def test_an_implicit_cell_can_be_had_for_a_stretch_only() -> None:
    """Inside world.implicit_cell() the code of a driver runs; outside, steps of others need no order with it."""

    def program(scope: bool) -> object:
        def setup(world: World) -> None:
            state, count = [0], Atomic("count")

            def hook(value: int) -> None:
                count.read()
                if scope:
                    with world.implicit_cell(("driver", 0)):
                        state[0] += value
                        if state[0] == 3:
                            fail("sum", "both were here")
                else:
                    count.read()
                count.read()

            world.spawn("a", hook, 1)
            world.spawn("b", hook, 2)

        return explore(setup, stop=False, shorten=False)

    assert (program(True).verdict, program(False).runs) == ("failed", 1)  # type: ignore[attr-defined]  # a Result


def test_a_predicate_makes_the_steps_it_sees_dependent() -> None:
    """Two tasks that share nothing can still break a predicate over both: it is looked at in every order."""

    def program(world: World) -> None:
        a, b = Atomic("a"), Atomic("b")
        world.spawn("a", lambda: (a.set(1), a.set(0)))
        world.spawn("b", lambda: (b.set(1), b.set(0)))
        world.always("not both", lambda: not (a.value and b.value), reads=[("atomic", "a"), ("atomic", "b")])

    result = explore(program)
    assert (result.verdict, result.failure and result.failure.name) == ("failed", "not both")


def test_a_predicate_without_cells_is_looked_at_in_every_order() -> None:
    """Who does not say what a predicate looks at gets all schedules, not a false proof."""

    def program(world: World) -> None:
        a, b = Atomic("a"), Atomic("b")
        world.spawn("a", lambda: (a.set(1), a.set(0)))
        world.spawn("b", lambda: (b.set(1), b.set(0)))
        world.always("fine", lambda: True)

    assert explore(program).runs == 6


def test_a_predicate_that_looks_elsewhere_is_refused() -> None:
    """A declared field that is not among the cells of the predicate is named."""

    def program(world: World) -> None:
        driver, count = Driver(), Atomic("count")
        world.spawn("a", lambda: (count.set(1), count.set(2)))
        world.always("quiet", lambda: not driver.declared, reads=[("atomic", "count")])

    with pytest.raises(BadInput) as caught:
        explore(program)
    assert str(caught.value) == (
        "always 'quiet' looks at ('shared', 'driver.declared'), which is not among the cells it reads; name it there"
    )


def test_a_guard_that_looks_elsewhere_is_refused() -> None:
    """The same for what a task waits for."""

    def program(world: World) -> None:
        driver = Driver()
        world.spawn("a", lambda: wait_for("the flag", lambda: driver.declared, [("atomic", "count")]))

    with pytest.raises(BadInput, match="the guard of wait for the flag looks at"):
        explore(program)


def test_a_guard_that_names_nothing_may_look_at_anything() -> None:
    """It costs runs, not soundness: the change of the flag is not missed."""

    def program(world: World) -> None:
        flag, seen = [0], []

        def setter() -> None:
            for value in (1, 0):
                checkpoint(f"flag = {value}")
                flag[0] = value

        world.spawn("waiter", lambda: (wait_for("the flag", lambda: flag[0] == 1), seen.append(flag[0])))
        world.spawn("setter", setter)

    result = explore(program, stop=False)
    assert (result.verdict, result.failing) == ("failed", 1)
    assert result.failure is not None
    assert result.failure.message == "waiter waits at 'wait for the flag'"


def test_a_change_that_nobody_announced_is_noticed() -> None:
    """A guard that holds at the end although no announced write could have opened it: somebody's cells are missing."""

    def program(world: World) -> None:
        flag = [0]

        def setter() -> None:
            checkpoint("something else", (), ("other",))
            flag[0] = 1

        world.spawn("waiter", lambda: wait_for("the flag", lambda: flag[0] == 1, ["flag"]))
        world.spawn("setter", setter)

    with pytest.raises(BadInput, match="nobody announced a write of what it waits for"):
        explore(program)


def test_cells_of_a_shared_field_have_a_name() -> None:
    """A guard names the field of the object."""
    assert cell_of(Driver(), "declared") == ("shared", "driver.declared")


@pytest.mark.parametrize("strategy", [Dpor(), Dfs()], ids=["dpor", "every schedule"])
@pytest.mark.parametrize("place", ["set-up", "task"])
def test_two_locks_of_one_name_are_two_locks(strategy: Strategy, place: str) -> None:
    """Each device of a driver has a `Mutex("lock")`: who holds one keeps nobody from the other, and the lost update is found."""

    def program(world: World) -> None:
        count = Atomic("count")
        made = [Mutex("lock"), Mutex("lock")] if place == "set-up" else [None, None]

        def add(number: int) -> None:
            with made[number] or Mutex("lock"):
                count.set(count.read() + 1)

        world.spawn("a", add, 0)
        world.spawn("b", add, 1)
        world.finally_("both counted", lambda: count.value == 2)

    result = explore(program, strategy)
    assert result.failure is not None
    assert result.failure.name == "both counted"


def test_work_belongs_to_one_queue() -> None:
    """What is announced at one queue says nothing to the users of another, so that nobody may have work in both."""

    def program(world: World) -> None:
        first, second, work = WorkQueue(world, "first"), WorkQueue(world, "second"), Work("reset", lambda: None)
        world.spawn("a", first.queue, work)
        world.spawn("b", second.queue, work)

    failure = explore(program).failure
    assert failure is not None
    assert failure.message == "work reset belongs to first, and is handed to second; give each queue works of its own"
