"""The oracle test on many programs: ``python -m tests.explore.nightly [--programs N] [--start S] [--limit L] [--jobs J]``.

``--primitives``: programs of the room's own primitives, as in `primitive_programs`; of those, only the ends are compared.
Twin: none. Prints what was judged and every difference; ends with status 1 if there was one. Minutes, not seconds: no test of the
suite.
"""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor

from attrs import define

from tests.explore import oracle, primitive_programs
from tests.explore.programs import generate
from tests.explore.reference import truth

BLOCK = 100


@define
class Tally:
    """What a block of programs came to."""

    judged: int = 0
    schedules: int = 0
    traces: int = 0
    runs: int = 0
    failing: int = 0

    def add(self, other: Tally) -> None:
        """Add another block."""
        self.judged += other.judged
        self.schedules += other.schedules
        self.traces += other.traces
        self.runs += other.runs
        self.failing += other.failing


def judge(start: int, limit: int) -> Tally:
    """Judge the programs of `BLOCK` seeds that have at most `limit` schedules."""
    parts = oracle.explorer()
    tally = Tally()
    for seed in range(start, start + BLOCK):
        source = generate(seed)
        found = oracle.differences(source, parts, limit)
        if found is None:
            continue
        real = truth(source, limit)
        found += oracle.shard_differences(source, parts, real, 6)
        tally.add(Tally(1, real.schedules, len(real.traces), oracle.explored(source, parts, parts.dpor).runs, bool(found)))
        if found:
            print(f"seed {seed}: {found}\n{source}", flush=True)
    return tally


def judge_primitives(start: int, limit: int) -> Tally:
    """The same for programs of primitives."""
    tally = Tally()
    for seed in range(start, start + BLOCK):
        source = primitive_programs.generate(seed)
        found = primitive_programs.differences(source, limit)
        if found is not None:
            tally.add(Tally(judged=1, failing=bool(found)))
        if found:
            print(f"seed {seed}: {found}\n{source}", flush=True)
    return tally


def main() -> int:
    """Judge until enough programs are done."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=int, default=10_000)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--limit", type=int, default=1000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--primitives", action="store_true")
    given = parser.parse_args()
    judges = judge_primitives if given.primitives else judge
    total, start, began = Tally(), given.start, time.monotonic()
    with ProcessPoolExecutor(given.jobs) as pool:
        while total.judged < given.programs:
            blocks = [start + BLOCK * n for n in range(given.jobs * 5)]
            for tally in pool.map(judges, blocks, [given.limit] * len(blocks)):
                total.add(tally)
            start = blocks[-1] + BLOCK
            print(f"{total.judged} programs, {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    if given.primitives:
        print(f"{total.judged} programs of primitives, {total.failing} with a difference")
        return 1 if total.failing else 0
    print(
        f"{total.judged} programs: {total.schedules} schedules, {total.traces} traces, {total.runs} DPOR runs "
        f"({total.runs - total.traces} redundant), {total.failing} programs with a difference"
    )
    return 1 if total.failing else 0


if __name__ == "__main__":
    sys.exit(main())
