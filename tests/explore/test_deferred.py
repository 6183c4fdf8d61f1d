"""Work queues and interrupt lines."""

# A tuple of calls makes a task of several steps.
# mypy: disable-error-code="func-returns-value"

from __future__ import annotations

from movsdk.explore import Atomic, InterruptLine, Work, WorkQueue, World, explore
from movsdk.points import checkpoint


def test_work_runs_once_for_each_time_it_was_queued() -> None:
    """Queued while pending, it is one; queued while running, it runs again."""
    counts = set()

    def program(world: World) -> None:
        queue, count = WorkQueue(world, "wq"), Atomic("count")
        work = Work("work", lambda: count.add(1))
        world.spawn("driver", lambda: (queue.queue(work), queue.queue(work), queue.flush(work)))
        world.finally_("seen", lambda: counts.add(count.value) is None)

    assert explore(program).verdict == "proved"
    assert counts == {1, 2}


def test_after_cancel_the_work_does_not_run() -> None:
    """Neither pending nor running, whatever it was doing when it was cancelled."""
    was_pending = set()

    def program(world: World) -> None:
        queue, gone = WorkQueue(world, "wq"), [False]

        def function() -> None:
            checkpoint("use", ("thing",))
            assert not gone[0]

        work = Work("work", function)

        def driver() -> None:
            queue.queue(work)
            was_pending.add(queue.cancel(work))
            checkpoint("free", (), ("thing",))
            gone[0] = True

        world.spawn("driver", driver)

    assert explore(program).verdict == "proved"
    assert was_pending == {True, False}


def test_a_queue_keeps_its_order() -> None:
    """One worker: first in, first out, and one after the other."""

    def program(world: World) -> None:
        queue, log = WorkQueue(world, "wq"), []
        works = [Work(name, lambda name=name: log.append(name)) for name in ("a", "b")]  # type: ignore[misc]  # bound now
        world.spawn("driver", lambda: [queue.queue(work) for work in works] and queue.flush(works[1]))
        world.finally_("in order", lambda: log == ["a", "b"])

    assert explore(program).verdict == "proved"


def test_an_interrupt_is_served_after_it_was_raised() -> None:
    """Requests that come before it is served are one; none is lost."""
    counts = set()

    def program(world: World) -> None:
        count = Atomic("count")
        line = InterruptLine(world, "irq", lambda: count.add(1))
        world.spawn("device", lambda: (line.raise_(), line.raise_()))
        world.finally_("seen", lambda: counts.add(count.value) is None)

    assert explore(program).verdict == "proved"
    assert counts == {1, 2}


def test_a_disabled_line_is_quiet() -> None:
    """disable() waits for the handler that runs; disable_nosync() does not, which is the bug to find."""

    def program(waits: bool) -> str:
        def setup(world: World) -> None:
            quiet = [False]

            def handler() -> None:
                checkpoint("use", ("thing",))
                assert not quiet[0], "handler while quiet"

            line = InterruptLine(world, "irq", handler)

            def driver() -> None:
                if waits:
                    line.disable()
                else:
                    line.disable_nosync()
                checkpoint("quiet", (), ("thing",))
                quiet[0] = True
                checkpoint("loud", (), ("thing",))
                quiet[0] = False
                line.enable()

            world.spawn("driver", driver)
            world.spawn("device", line.raise_)

        result = explore(setup)
        return result.failure.message if result.failure else result.verdict

    assert program(waits=True) == "proved"
    assert program(waits=False).startswith("handler while quiet")


def test_what_was_raised_while_disabled_is_served_later() -> None:
    """And nothing is served after free()."""

    def program(world: World) -> None:
        count, kept = Atomic("count"), Atomic("kept")
        line, freed = InterruptLine(world, "irq", lambda: count.add(1)), InterruptLine(world, "dead", lambda: kept.add(1))

        def driver() -> None:
            line.disable()
            freed.free()
            line.raise_()
            freed.raise_()
            line.enable()

        world.spawn("driver", driver)
        world.finally_("served", lambda: (count.value, kept.value) == (1, 0))

    assert explore(program).verdict == "proved"
