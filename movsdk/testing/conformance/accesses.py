"""Each access of a driver to the BARs of a card, before it happens: counted, and with something done before one of them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager

from movsdk import points
from movsdk.kernel.pcidev import PciDev, device_of


@contextmanager
def counting(
    dev: PciDev, act: Callable[[], object] = lambda: None, moment: int = -1, counts: Callable[[], bool] = lambda: True
) -> Iterator[list[str]]:
    """While inside, note each access to a BAR of `dev` while `counts()`; `act` before the one with number `moment`."""
    seen: list[str] = []
    start = f"{device_of(dev).label} "

    def listen(label: str, reads: Iterable[Hashable], writes: Iterable[Hashable], guard: Callable[[], bool] | None) -> None:
        if before is not None:
            before(label, reads, writes, guard)
        if not label.startswith(start) or " BAR " not in label or " + 0x" not in label or not counts():
            return
        seen.append(label)
        if len(seen) == moment + 1:
            act()

    before = points.install(listen)
    try:
        yield seen
    finally:
        points.install(before)
