"""What silicon noticed: the log of faults, and who answered which addresses before.

Twin: none in hardware, which forgets; a bus analyser keeps such a log. Judges nothing: a fault is a fact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, overload

from attrs import define, field

from movsdk.address import Span
from movsdk.clock import Clock
from movsdk.ops import Claim, Fault, FaultKind, Space

_REMEMBERED: Final = 4096  # spans; the oldest are forgotten first


@define(eq=False)
class FaultLog(Sequence[Fault]):
    """All faults so far, oldest first, stamped with virtual time."""

    clock: Clock = field(repr=False)
    _faults: list[Fault] = field(factory=list, init=False)

    def record(
        self,
        kind: FaultKind,
        space: Space,
        operation: str,
        address: int,
        size: int,
        *,
        by: str = "cpu",
        claims: tuple[Claim, ...] = (),
        blocked: str = "",
        previous: str = "",
    ) -> Fault:
        """Append one fault and return it; see `movsdk.ops.Fault` for the fields."""
        fault = Fault(kind, space, operation, address, size, by, claims, blocked, previous, self.clock.now)
        self._faults.append(fault)
        return fault

    def __len__(self) -> int:
        return len(self._faults)

    @overload
    def __getitem__(self, index: int) -> Fault: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Fault]: ...
    def __getitem__(self, index: int | slice) -> Fault | Sequence[Fault]:
        return self._faults[index]

    def __iter__(self) -> Iterator[Fault]:
        return iter(self._faults)


@define(eq=False)
class Owners:
    """Spans that somebody decoded once and let go, newest last."""

    _spans: dict[tuple[Space, Span, str, int], None] = field(factory=dict, init=False)

    def remember(self, space: Space, span: Span, label: str, bar: int) -> None:
        """Note that BAR `bar` of `label` answered `span` until now."""
        key = (space, span, label, bar)
        self._spans.pop(key, None)
        self._spans[key] = None
        if len(self._spans) > _REMEMBERED:
            del self._spans[next(iter(self._spans))]

    def recall(self, space: Space, address: int, still_there: Callable[[str, int], bool]) -> Claim | None:
        """Return who let `address` go most recently, passing over BARs that are `still_there(label, bar)`."""
        for known, span, label, bar in reversed(self._spans):
            if known is space and address in span and not still_there(label, bar):
                return Claim(label, bar, address - span.start)
        return None
