"""What the kernel believes of a device is announced, under names that are the same in every run."""

from __future__ import annotations

from collections.abc import Callable, Hashable

import pytest

from movsdk import points
from movsdk.bench import reference
from movsdk.bench.bench import Bench

Make = Callable[..., Bench]
Said = list[tuple[str, tuple[Hashable, ...], tuple[Hashable, ...]]]


def told(bench: Bench, name: str) -> Said:
    """Everything that a move and a removal of a reference card announce."""
    known, said = reference.load(name), Said()
    assert known.model is not None
    dev = bench.plug(known.driver, known.model())
    before = points.install(lambda label, reads, writes, _guard: said.append((label, tuple(reads), tuple(writes))))
    try:
        bench.force_move(dev)
        bench.remove(dev)
    finally:
        points.install(before)
    return said


@pytest.mark.parametrize("name", ["edu", "nvme", "gpu"])
def test_two_machines_announce_the_same(make_bench: Make, name: str) -> None:
    """Cells are names, not ids: a schedule found today is replayed tomorrow."""
    assert told(make_bench(), name) == told(make_bench(), name)


def test_writes_of_what_accesses_depend_on(make_bench: Make) -> None:
    """An access reads `paused` and `generation`; whoever writes them says so, or an order that matters would be left out."""
    writes = {cell: label for label, _, cells in told(make_bench(), "edu") for cell in cells}

    assert writes["generation", "edu0", 0] == "edu0 W generation of BAR 0"
    labels = [label for label, _, cells in told(make_bench(), "edu") if ("paused", "edu0") in cells]
    assert labels == ["edu0 W is_paused = 1", "edu0 W is_paused = 0", "edu0 W is_removed"]
