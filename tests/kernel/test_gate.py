"""The gate before a driver's I/O path."""

from __future__ import annotations

import errno

import pytest

from movsdk.errors import ContractError, PciError
from movsdk.explore import World, explore
from movsdk.kernel.gate import Gate
from movsdk.points import checkpoint


def test_users_pass_an_open_gate_together() -> None:
    """They do not depend on each other: two of them make one behaviour."""

    def program(world: World) -> None:
        gate = Gate("io")

        def user() -> None:
            with gate.entered():
                pass

        for name in ("first", "second"):
            world.spawn(name, user)
        world.finally_("left", lambda: not gate.users)

    result = explore(program)
    assert (result.verdict, result.runs) == ("proved", 1)


def test_nobody_is_inside_while_it_is_frozen() -> None:
    """In every order; who comes meanwhile waits and goes on afterwards."""

    def program(world: World) -> None:
        gate, seen = Gate("io"), []

        def user() -> None:
            with gate.entered():
                checkpoint("uses it", (("it",),), ())
                seen.append(gate.depth and not gate.users)

        def pause() -> None:
            gate.freeze()
            checkpoint("moves it", (), (("it",),))
            seen.append(bool(gate.users))
            gate.unfreeze()

        world.spawn("user", user)
        world.spawn("pause", pause)
        world.finally_("apart", lambda: len(seen) == 2 and not any(seen))

    assert explore(program).verdict == "proved"


def test_a_dead_gate_lets_waiters_fail() -> None:
    """Removed while they wait: ENODEV, not for ever."""
    answers = set()

    def program(world: World) -> None:
        gate = Gate("io")

        def user() -> None:
            try:
                with gate.entered():
                    answers.add("inside")
            except PciError as error:
                answers.add(errno.errorcode[error.errno or 0])

        def remove() -> None:
            gate.freeze()
            gate.kill()

        world.spawn("user", user)
        world.spawn("remove", remove)

    assert explore(program).verdict == "proved"
    assert answers == {"inside", "ENODEV"}


def test_each_freeze_needs_its_own_unfreeze() -> None:
    """Two reasons to be quiet; without an explorer a user is told EBUSY instead of waiting for ever."""
    gate = Gate("io")
    gate.freeze()
    gate.freeze()
    gate.unfreeze()
    with pytest.raises(PciError, match="io is frozen") as caught:
        gate.enter()
    assert caught.value.errno == errno.EBUSY

    gate.unfreeze()
    with gate.entered():
        assert gate.users == 1


@pytest.mark.parametrize("close", ["freeze", "kill"])
def test_whoever_is_inside_cannot_wait_for_himself(close: str) -> None:
    """A hook that runs while its own task is inside would hang on a real machine."""
    gate = Gate("io")
    with gate.entered(), pytest.raises(ContractError, match="io: frozen with 1 inside, in one task"):
        getattr(gate, close)()
    assert gate.depth == 0


def test_an_unfreeze_that_undoes_nothing_is_refused() -> None:
    """Else the next freeze would keep nobody out; the gate stays as it is, and the message names it."""
    gate = Gate("gpu0.io")

    with pytest.raises(ContractError, match=r"^gpu0\.io: unfrozen, but nobody froze it; each unfreeze\(\) undoes one"):
        gate.unfreeze()

    gate.freeze()
    with pytest.raises(PciError, match=r"gpu0\.io is frozen"):
        gate.enter()
