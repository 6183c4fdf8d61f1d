"""Driver state that is declared."""

from __future__ import annotations

from typing import Any

import pytest

from movsdk.errors import BadInput
from movsdk.explore import Shared, World, explore
from movsdk.explore.shared import label_of


class Disk:
    """A driver's state."""

    pending = Shared(0)
    names: Shared[Any] = Shared(None)

    def __init__(self, label: str = "") -> None:
        if label:
            self.label = label


def test_it_is_an_attribute_like_others_when_nobody_explores() -> None:
    """A default, a value of its own for each object, and the class gives the declaration."""
    one, other = Disk(), Disk()
    one.pending += 2
    assert (one.pending, other.pending) == (2, 0)
    assert isinstance(Disk.pending, Shared)


def test_each_access_is_an_operation() -> None:
    """`+=` is two: the lost update is found, with the object's name in the report."""

    def program(world: World) -> None:
        disk = Disk("disk0")

        def add() -> None:
            disk.pending += 1

        world.spawn("a", add)
        world.spawn("b", add)
        world.finally_("two", lambda: disk.__dict__["pending"] == 2)

    failure = explore(program).failure
    assert failure is not None
    assert "R disk0.pending = 0" in failure.timeline


def test_a_value_that_can_change_inside_counts_as_written() -> None:
    """Two readers of a list may both change it: their order matters, that of two readers of a number does not."""

    def program(value: object) -> int:
        def setup(world: World) -> None:
            disk = Disk("disk0")
            disk.names = value
            world.spawn("a", lambda: disk.names)
            world.spawn("b", lambda: disk.names)

        return explore(setup).runs

    assert (program(7), program([7])) == (1, 2)


def test_objects_of_one_name_are_one_to_the_explorer() -> None:
    """Labels tell objects apart; without one, the class name makes them the same, which costs runs and loses nothing."""

    def program(labels: tuple[str, str]) -> int:
        def setup(world: World) -> None:
            for label in labels:
                world.spawn(label or "task", setattr, Disk(label), "pending", 1)

        return explore(setup).runs

    assert (program(("disk0", "disk1")), program(("", ""))) == (1, 2)
    assert [label_of(Disk()), label_of(Disk("disk0"))] == ["Disk", "disk0"]


def test_a_default_that_can_change_inside_is_refused() -> None:
    """It would be shared by all objects of the class."""
    with pytest.raises(BadInput, match="every object of the class would share this value"):
        Shared([])


def test_declaring_costs_no_greenlet() -> None:
    """A driver that declares fields runs where nobody explores, without the explorer's machinery."""
    import subprocess
    import sys

    program = "import movsdk.explore.shared, movsdk.explore.sync, movsdk.explore.waiting, sys; print('greenlet' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
