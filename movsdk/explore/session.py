"""Runs of one program that know of each other: one book of operations, one numbering of tasks, the same oracles.

Twin: none. Executes and judges single runs; which ones is for `runner` and `minimise` to say.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from attrs import define, field

from movsdk.explore.fibres import Pool
from movsdk.explore.footprint import Book, Restart
from movsdk.explore.oracles import ALL, Oracles
from movsdk.explore.record import Finding
from movsdk.explore.run import Program, Run

if TYPE_CHECKING:
    from movsdk.explore.strategies import Strategy


@define(eq=False)
class Session:
    """Executes runs of `program`."""

    program: Program
    oracles: frozenset[str] = ALL
    step_limit: int = 10_000
    book: Book = field(factory=Book, init=False)
    numbers: dict[tuple[int, ...], int] = field(factory=dict, init=False)
    _oracles: Oracles = field(init=False)
    _pool: Pool = field(factory=Pool, init=False)
    _last: Run | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self._oracles = Oracles(self.oracles)

    def run(
        self, forced: Sequence[int], choose: Callable[[Run], int], *, is_drawn: bool = False, hears_values: bool = False
    ) -> Run:
        """Execute one run and judge it.

        Args:
            is_drawn: keep notes, values and states.
            hears_values: keep notes and values.

        Raises:
            Restart: the session has begun again, because of what this run was the first to do. Runs before are worth nothing.
        """
        run = Run(self.book, self.numbers, self.step_limit, is_drawn, self._pool, hears_values or is_drawn)
        try:
            run.execute(self.program, forced, choose, self._enabled_along(forced))
        except Restart:
            self.book = self.book.renewed()
            self.numbers = {}
            self._oracles = Oracles(self.oracles)
            self._last = None
            raise
        self._oracles.judge(run)
        self._last = run
        return run

    def _enabled_along(self, forced: Sequence[int]) -> Sequence[int]:
        """What the run before had enabled, as far as it went the same way."""
        if self._last is None:
            return ()
        order = self._last.order
        count = len(forced)
        if order[:count] != forced:
            count = next(
                (at for at, pair in enumerate(zip(order, forced, strict=False)) if pair[0] != pair[1]), min(count, len(order))
            )
        return self._last.enabled_at[:count]

    def follow(self, strategy: Strategy, *, is_drawn: bool = False) -> Run:
        """Execute the one run of a strategy that has one."""
        while True:
            try:
                run = self.run(strategy.begin() or (), strategy.choose, is_drawn=is_drawn)
            except Restart:
                continue
            strategy.finish(run)
            return run

    def again(self, order: Sequence[int], *, is_drawn: bool = False) -> Run:
        """Execute the same choices once more; where they cannot be followed, go on as usual."""
        return self.run(order, lambda run: run.usual(len(run.order)), is_drawn=is_drawn)


def first(run: Run) -> Finding:
    """The finding that a report is about: the earliest, and of those at one step the first."""
    return min(run.findings, key=lambda finding: finding.step)


def has(run: Run, name: str) -> bool:
    """Whether a run fails in the way called `name`."""
    return any(finding.name == name for finding in run.findings)


def length_to(run: Run, name: str) -> int:
    """How many operations a run needs to fail in the way called `name`."""
    return min(finding.step for finding in run.findings if finding.name == name) + 1
