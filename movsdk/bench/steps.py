"""A hand in the machine at one step of the rescan transaction: pull the card between prepare and done, take a BAR away.

Twin: whoever stands at the rack. Changes nothing by itself.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field

from movsdk.rescan.engine import Engine


@define(eq=False)
class AtStep:
    """Runs an action once before a step of the transaction, while inside."""

    engine: Engine
    step: str
    action: Callable[[], object]
    _before: Callable[[str], None] | None = field(default=None, init=False)

    def __enter__(self) -> None:
        self._before = before = self.engine.before_step
        pending = [self.action]

        def at(step: str) -> None:
            before(step)
            if step == self.step and pending:
                pending.pop()()

        self.engine.before_step = at

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            self.engine.before_step = self._before
