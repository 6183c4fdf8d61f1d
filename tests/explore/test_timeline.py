"""The page that a failure is printed as."""

from __future__ import annotations

from movsdk.explore import Atomic, Shared, World, explore, fail, replay


def test_a_failure_reads_like_a_commit_message() -> None:
    """A column a task, values, the failing line, the pair whose order matters, the state, and one line that replays it."""

    def program(world: World) -> None:
        count = Atomic("count")

        def add(step: int) -> None:
            value = count.read()
            count.set(value + step)

        world.spawn("adds 1", add, 1)
        world.spawn("adds 2", add, 2)
        world.finally_("the sum", lambda: count.value == 3)
        world.show("count", lambda: count.value)
        world.show("half", lambda: count.value / 2)

    failure = explore(program).failure
    assert str(failure) == (
        "the sum: the sum does not hold at the end\n"
        "\n"
        "     CPU0 adds 1 (a)  CPU1 adds 2 (b)\n"
        "   1>R count = 0\n"
        "   2                  R count = 0\n"
        "   3>                 W count = 2\n"
        "   4 W count = 1  <-- FAIL\n"
        "=> the sum: the sum does not hold at the end\n"
        "The order that matters: operation 1 (R count = 0) before operation 3 (W count = 2); "
        "the other way round it does not fail.\n"
        "State after it:\n"
        "  count = 1   (was 2)\n"
        "  half = 0.5   (was 1.0)\n"
        "\n"
        "replay: 2b4#340962"
    )


def test_notes_stand_beside_their_step() -> None:
    """What code says of a step is printed with it, and costs nothing when no timeline is drawn."""
    from movsdk.explore import note

    heard = []

    def program(world: World) -> None:
        count = Atomic("count")

        def task() -> None:
            count.set(1)
            note("(on purpose)")
            heard.append(1)
            raise ValueError("done")

        world.spawn("task", task)

    failure = explore(program).failure
    assert failure is not None
    assert "W count = 1 (on purpose)  <-- FAIL" in failure.timeline


def test_many_tasks_share_the_width() -> None:
    """A long label does not push the last column off the page."""

    def program(world: World) -> None:
        count = Atomic("a counter with quite a long name, as drivers have")
        for n in range(5):
            world.spawn(f"task {n}", count.add, 1)
        world.finally_("never", lambda: False)

    failure = explore(program).failure
    assert failure is not None
    assert failure.timeline.splitlines()[0].startswith("     CPU0 task 0 (a)")
    assert max(map(len, failure.timeline.splitlines()[:-1])) < 200


def test_a_long_stretch_is_folded_and_told_in_full_by_a_replay() -> None:
    """What a task does beside the others is no part of the story; what depends on them is, wherever it stands."""

    def program(world: World) -> None:
        own, count = Atomic("own"), Atomic("count")

        def busy() -> None:
            for step in range(31):
                own.set(step)
                if step == 20:
                    count.set(1)

        world.spawn("reader", lambda: fail("seen", "it was 1") if count.read() else None)
        world.spawn("busy", busy)

    failure = explore(program).failure
    assert failure is not None
    assert failure.timeline.splitlines()[:11] == [
        "     CPU0 reader (a)  CPU1 busy (b)",
        "   1                  W own = 0",
        "   2                  W own = 1",
        "                      ... 17 more (a replay shows all)",
        "  20                  W own = 19",
        "  21                  W own = 20",
        "  22>                 W count = 1",
        "  23                  W own = 21",
        "  24                  W own = 22",
        "                      ... 6 more (a replay shows all)",
        "  31                  W own = 29",
    ]
    assert "  33>R count = 1  <-- FAIL" in failure.timeline.splitlines()

    whole = replay(program, failure.schedule).failure
    assert whole is not None
    assert "  10                  W own = 9" in whole.timeline.splitlines()


def test_what_a_predicate_reads_is_no_step() -> None:
    """A value stands beside the operation that read or wrote it, not beside the one that happened last."""

    class Disk:
        label, users = "disk", Shared(0)

    def program(world: World) -> None:
        disk = Disk()
        world.spawn("task", lambda: setattr(disk, "users", 2))
        world.always("one user", lambda: disk.users < 2)
        world.finally_("none", lambda: disk.users == 0)

    failure = explore(program).failure
    assert failure is not None
    assert "   1 W disk.users = 2  <-- FAIL" in failure.timeline.splitlines()
