"""The explorer against brute force, on random programs; `tests.explore.nightly` does the same on many thousands."""

from __future__ import annotations

import pytest

from tests.explore import oracle
from tests.explore.programs import KEPT, generate
from tests.explore.reference import truth

BLOCK = 40


@pytest.mark.parametrize("start", range(0, 400, BLOCK))
def test_every_way_of_exploring_finds_the_same(start: int) -> None:
    """DPOR, sleep sets and all schedules end in the states that brute force ends in; the first two run each trace once."""
    parts = oracle.explorer()
    judged = 0
    for seed in range(start, start + BLOCK):
        found = oracle.differences(generate(seed), parts, limit=150)
        judged += found is not None
        assert not found, f"seed {seed}: {found}\n{generate(seed)}"
    assert judged > BLOCK // 2


@pytest.mark.parametrize("seed", range(-len(KEPT), 0))
def test_programs_that_showed_a_bug_once_show_none_now(seed: int) -> None:
    """They were found by the comparison above, on larger programs, and shortened by hand."""
    assert oracle.differences(generate(seed), oracle.explorer(), limit=500) == []


def test_parts_add_up_to_the_whole() -> None:
    """An exploration in shards runs each trace once, in exactly one shard."""
    parts = oracle.explorer()
    for seed in range(120):
        real = truth(generate(seed), 100)
        if real.is_whole:
            assert not oracle.shard_differences(generate(seed), parts, real, 6), f"seed {seed}"


def test_plain_programs_cost_no_redundant_run() -> None:
    """Without guards and mutable addresses, reads and writes alone: the number of runs is the number of traces."""
    parts = oracle.explorer()
    plain = {"read", "write", "store", "add", "nothing", "check", "jump unless", "end", "spawn"}
    sources = [source for source in map(generate, range(600)) if {step[0] for code in source.tasks for step in code} <= plain]
    for source in sources:
        real = truth(source, 300)
        if real.is_whole:
            assert oracle.explored(source, parts, parts.dpor).runs == len(real.traces)
    assert len(sources) > 25
