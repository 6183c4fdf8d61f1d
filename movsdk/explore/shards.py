"""A large exploration in parts: split by the first choices, done by any executor, written down as parts end, continued later.

Twin: none. The parts depend on the program alone, so that the totals are the same with 1, 2 or N workers. Counts everything; does
not stop at the first failure. What makes an exploration less than a proof (a budget, a run without end, a program that does
something else each time) makes a campaign less than a proof.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, as_completed
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from attrs import asdict, fields, frozen

from movsdk.errors import BadInput
from movsdk.explore.dpor import Dpor
from movsdk.explore.footprint import Announced, Book, Restart
from movsdk.explore.oracles import ALL
from movsdk.explore.record import Drift
from movsdk.explore.run import Program
from movsdk.explore.runner import REMEDY, Result, report
from movsdk.explore.schedule import Replay, parse, write
from movsdk.explore.session import Session, first, length_to
from movsdk.explore.strategies import Dfs, compare

_ALONE: Final = threading.Lock()
"""One exploration a process: who listens at `movsdk.points` is one for all threads."""


@frozen
class Shard:
    """One part: all that begins with `path`, except what goes on with a sleeping task. Plain values: it travels to workers."""

    number: int
    path: tuple[int, ...]
    sleepers: tuple[tuple[int, Announced], ...]
    keys: tuple[tuple[int, ...], ...]  # of the tasks, in the order of their numbers
    kinds: tuple[bool, bool]  # what kinds of operations there are, see Book


@frozen
class Part:
    """What a shard came to."""

    shard: int
    runs: int
    complete: int
    failing: int
    first_bug: int | None = None
    schedule: str | None = None  # of the first failure
    cut: int = 0  # runs that had too many operations
    is_stopped: bool = False  # by the budget, with runs left


_KEYS: Final = ({"shard", "runs", "complete", "failing"}, {each.name for each in fields(Part)})


def split(program: Program, shards: int, oracles: frozenset[str] = ALL, step_limit: int = 10_000) -> list[Shard]:
    """Split the schedules of `program` into at least `shards` parts, if there are as many."""
    session = Session(program, oracles, step_limit)
    leaves: list[Any] = []
    for depth in range(1, step_limit):
        found = _leaves(session, depth)
        is_whole = all(len(order) < depth for order, _ in found)
        leaves = found
        if len(leaves) >= shards or is_whole:
            break
    keys = tuple(sorted(session.numbers, key=session.numbers.__getitem__))
    book = session.book
    kinds = (book.uses_any, book.has_live)
    return [
        Shard(
            number,
            tuple(order),
            tuple((task, op.said) for task, op in sorted(asleep.items())),
            keys,
            kinds,
        )
        for number, (order, asleep) in enumerate(leaves)
    ]


def _leaves(session: Session, depth: int) -> list[Any]:
    while True:
        strategy = Dfs(is_sleeping=True, depth=depth)
        try:
            while (forced := strategy.begin()) is not None:
                strategy.finish(session.run(forced, strategy.choose))
        except Restart:
            continue
        return strategy.leaves


def explore_shard(
    program: Program, shard: Shard, oracles: frozenset[str] = ALL, step_limit: int = 10_000, most: int | None = None
) -> Part:
    """Explore one part, with `most` runs at most; what a worker does."""
    with _ALONE:
        return _explore_shard(program, shard, oracles, step_limit, most)


def _explore_shard(program: Program, shard: Shard, oracles: frozenset[str], step_limit: int, most: int | None) -> Part:
    session = Session(program, oracles, step_limit)
    session.book = Book(*shard.kinds)
    while True:
        session.numbers = {key: number for number, key in enumerate(shard.keys)}
        runs = complete = failing = cut = 0
        first_bug, schedule, is_stopped = None, None, False
        try:
            session.run((), lambda _run: -1)  # sets the world up once, so that the book knows its predicates
            sleep = {task: session.book.op(said) for task, said in shard.sleepers}
            strategy = Dpor(path=shard.path, sleep=sleep)
            while (forced := strategy.begin()) is not None:
                if is_stopped := runs == most:
                    break
                run = session.run(forced, strategy.choose)
                runs, complete, cut = runs + 1, complete + run.is_complete, cut + run.is_cut
                failing += bool(run.findings) and run.is_complete
                if run.findings and schedule is None:
                    first_bug, schedule = runs, str(write(run, length_to(run, first(run).name)))
                strategy.finish(run)
        except Restart:
            continue
        return Part(shard.number, runs, complete, failing, first_bug, schedule, cut, is_stopped)


def campaign(
    program: Program,
    *,
    executor: Executor | None = None,
    shards: int = 32,
    results: Path | None = None,
    oracles: frozenset[str] = ALL,
    progress: Callable[[int, int], None] | None = None,
    runs: int | None = None,
) -> Result:
    """Explore `program` in parts.

    Args:
        program: for an executor of processes, something that can be pickled.
        executor: any of `concurrent.futures`; None: here, one part after the other.
        shards: at least so many parts; keep the number, and the parts stay the same.
        results: a file that gets one line a part; parts found there are not done again.
        progress: called with (parts done, parts) after each.
        runs: a budget, dealt out to the parts in equal shares of at least one run. A larger one goes on
            with what a smaller one left.
    """
    try:
        return _campaign(program, executor, shards, results, oracles, progress, runs)
    except Drift as drift:
        return Result("nondeterministic", 0, note=f"{drift}; {REMEDY}")


def _campaign(
    program: Program,
    executor: Executor | None,
    shards: int,
    results: Path | None,
    oracles: frozenset[str],
    progress: Callable[[int, int], None] | None,
    runs: int | None,
) -> Result:
    with _ALONE:
        _do_it_twice(program, oracles)
        todo = split(program, shards, oracles)
    most = None if runs is None else max(1, runs // len(todo))
    done = {} if results is None else _read(results, todo, most)
    missing = [shard for shard in todo if shard.number not in done]
    for part in _explore(program, missing, executor, oracles, most):
        done[part.shard] = part
        if results is not None:
            with results.open("a") as file:
                file.write(json.dumps(asdict(part)) + "\n")
        if progress is not None:
            progress(len(done), len(todo))
    with _ALONE:
        return _total(program, [done[shard.number] for shard in todo], oracles)


def _do_it_twice(program: Program, oracles: frozenset[str]) -> None:
    """Raise `Drift` if the first run is another one the second time."""
    session = Session(program, oracles)
    while True:
        strategy = Dfs()
        try:
            strategy.begin()
            run = session.run((), strategy.choose, hears_values=True)
            compare(run, session.run(run.order, lambda _run: -1, hears_values=True))
        except Restart:
            continue
        return


def _explore(
    program: Program, shards: list[Shard], executor: Executor | None, oracles: frozenset[str], most: int | None
) -> Iterator[Part]:
    if executor is None:
        yield from (explore_shard(program, shard, oracles, most=most) for shard in shards)
        return
    futures = [executor.submit(explore_shard, program, shard, oracles, most=most) for shard in shards]
    yield from (future.result() for future in as_completed(futures))


def _total(program: Program, parts: list[Part], oracles: frozenset[str]) -> Result:
    """Add the parts up; the failure reported is that of the first part that has one."""
    runs = sum(part.runs for part in parts)
    complete = sum(part.complete for part in parts)
    failing = sum(part.failing for part in parts)
    cut, stopped = sum(part.cut for part in parts), sum(part.is_stopped for part in parts)
    redundant = runs - complete - cut
    notes = [f"the budget ended in {stopped} of {len(parts)} parts"] * bool(stopped)
    notes += [f"{cut} run{'s were' if cut > 1 else ' was'} cut: too many operations"] * bool(cut)
    note = "; ".join(notes)
    failed = next((part for part in parts if part.schedule is not None), None)
    if failed is None or failed.schedule is None or failed.first_bug is None:
        return Result("bounded" if note else "proved", runs, complete, redundant, note=note)
    session = Session(program, oracles)
    while True:
        try:
            failure = report(session, session.follow(Replay(parse(failed.schedule))))
            break
        except Restart:
            continue
    first_bug = sum(part.runs for part in parts[: parts.index(failed)]) + failed.first_bug
    return Result("failed", runs, complete, redundant, failing, first_bug, failure, note)


def _read(results: Path, shards: list[Shard], most: int | None) -> dict[int, Part]:
    """Read the parts that are done, but for those that a smaller budget stopped; begin the file if there is none.

    Raises:
        BadInput: the file belongs to another program, or to another number of parts.
    """
    text = repr([(shard.path, shard.sleepers, shard.keys) for shard in shards])
    header = {"campaign": sha256(text.encode()).hexdigest()[:16], "shards": len(shards)}
    if not results.exists():
        results.write_text(json.dumps(header) + "\n")
        return {}
    written = results.read_text()
    first_line, *lines = written.splitlines() or [""]
    if _object(first_line) != header:
        raise BadInput(f"{results}: of another program, or another number of shards ({first_line}, not {json.dumps(header)})")
    if not written.endswith("\n"):  # the last line was cut off; the next is not to continue it
        with results.open("a") as file:
            file.write("\n")
    parts = [Part(**line) for line in map(_object, lines) if _KEYS[0] <= line.keys() <= _KEYS[1]]
    return {part.shard: part for part in parts if not part.is_stopped or (most is not None and part.runs >= most)}


def _object(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
