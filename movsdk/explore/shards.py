"""A large exploration in parts: split by the first choices, done by any executor, written down as parts end, continued later.

Twin: none. The parts depend on the program alone, so that the totals are the same with 1, 2 or N workers. Counts everything; does
not stop at the first failure.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, as_completed
from hashlib import sha256
from pathlib import Path
from typing import Any

from attrs import asdict, frozen

from movsdk.errors import BadInput
from movsdk.explore.dpor import Dpor
from movsdk.explore.footprint import Announced, Book, Restart
from movsdk.explore.oracles import ALL
from movsdk.explore.run import Program
from movsdk.explore.runner import Result, report
from movsdk.explore.schedule import Replay, parse, write
from movsdk.explore.session import Session, first, length_to
from movsdk.explore.strategies import Dfs


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


def explore_shard(program: Program, shard: Shard, oracles: frozenset[str] = ALL, step_limit: int = 10_000) -> Part:
    """Explore one part; what a worker does."""
    session = Session(program, oracles, step_limit)
    session.book = Book(*shard.kinds)
    while True:
        session.numbers = {key: number for number, key in enumerate(shard.keys)}
        runs = complete = failing = 0
        first_bug, schedule = None, None
        try:
            session.run((), lambda _run: -1)  # sets the world up once, so that the book knows its predicates
            sleep = {task: session.book.op(said) for task, said in shard.sleepers}
            strategy = Dpor(path=shard.path, sleep=sleep)
            while (forced := strategy.begin()) is not None:
                run = session.run(forced, strategy.choose)
                runs, complete = runs + 1, complete + run.is_complete
                failing += bool(run.findings) and run.is_complete
                if run.findings and schedule is None:
                    first_bug, schedule = runs, str(write(run, length_to(run, first(run).name)))
                strategy.finish(run)
        except Restart:
            continue
        return Part(shard.number, runs, complete, failing, first_bug, schedule)


def campaign(
    program: Program,
    *,
    executor: Executor | None = None,
    shards: int = 32,
    results: Path | None = None,
    oracles: frozenset[str] = ALL,
    progress: Callable[[int, int], None] | None = None,
) -> Result:
    """Explore `program` in parts.

    Args:
        program: for an executor of processes, something that can be pickled.
        executor: any of `concurrent.futures`; None: here, one part after the other.
        shards: at least so many parts; keep the number, and the parts stay the same.
        results: a file that gets one line a part; parts found there are not done again.
        progress: called with (parts done, parts) after each.
    """
    todo = split(program, shards, oracles)
    done = {} if results is None else _read(results, todo)
    missing = [shard for shard in todo if shard.number not in done]
    for part in _explore(program, missing, executor, oracles):
        done[part.shard] = part
        if results is not None:
            with results.open("a") as file:
                file.write(json.dumps(asdict(part)) + "\n")
        if progress is not None:
            progress(len(done), len(todo))
    return _total(program, [done[shard.number] for shard in todo], oracles)


def _explore(program: Program, shards: list[Shard], executor: Executor | None, oracles: frozenset[str]) -> Iterator[Part]:
    if executor is None:
        yield from (explore_shard(program, shard, oracles) for shard in shards)
        return
    futures = [executor.submit(explore_shard, program, shard, oracles) for shard in shards]
    yield from (future.result() for future in as_completed(futures))


def _total(program: Program, parts: list[Part], oracles: frozenset[str]) -> Result:
    """Add the parts up; the failure reported is that of the first part that has one."""
    runs = sum(part.runs for part in parts)
    complete = sum(part.complete for part in parts)
    failing = sum(part.failing for part in parts)
    failed = next((part for part in parts if part.schedule is not None), None)
    if failed is None or failed.schedule is None or failed.first_bug is None:
        return Result("proved", runs, complete, runs - complete)
    session = Session(program, oracles)
    while True:
        try:
            failure = report(session, session.follow(Replay(parse(failed.schedule))))
            break
        except Restart:
            continue
    first_bug = sum(part.runs for part in parts[: parts.index(failed)]) + failed.first_bug
    return Result("failed", runs, complete, runs - complete, failing, first_bug, failure)


def _read(results: Path, shards: list[Shard]) -> dict[int, Part]:
    """Read the parts that are done; begin the file if there is none.

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
    parts = [Part(**line) for line in map(_object, lines) if line]
    return {part.shard: part for part in parts}


def _object(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
