"""PCI oracles: what no driver may do to hardware, whatever the interleaving; judged at the step that does it.

Twin: KASAN's report, for a bus. Silicon and the sanitizer notice; this names it and reports it to the explorer that runs, and in
`misses`. Judges the bus and the enable counts; deadlocks and the order of locks are the explorer's own affair.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Any, Final

from attrs import define, field, frozen

from mockbus.faults import FaultLog
from movsdk import errors
from movsdk.bench.world import World
from movsdk.explore import current
from movsdk.kernel.device import Device
from movsdk.kernel.sanitizer import MAY_READ_ONES
from movsdk.ops import Fault, FaultKind
from movsdk.trace import Event, What

BY_ERROR: Final[tuple[tuple[type[errors.ContractError], str], ...]] = (
    (errors.MappingClosed, "use after iounmap"),
    (errors.AccessWhilePaused, "access between prepare and done"),
    (errors.StaleMapping, "MMIO through a moved BAR"),
    (errors.DeviceGone, "MMIO to an absent device"),
    (errors.DeviceAsleep, "MMIO to a sleeping device"),
    (errors.NotDecoded, "master abort"),
    (errors.TwoDecoders, "two decoders"),
    (errors.AccessFault, "bad access"),
    (errors.HookFailed, "hook raised"),
)
BY_FAULT: Final = {
    FaultKind.NO_BUS_MASTER: "without bus mastering",
    FaultKind.DMA_NO_TARGET: "to nowhere",
    FaultKind.ASLEEP: "by a sleeping device",
    FaultKind.ABSENT: "by an absent device",
}
"""What silicon says of a device's own requests; those of the CPU are the sanitizer's to judge."""

PAUSED: Final = "while paused"
_REQUESTS: Final = {"dma_read": "DMA", "dma_write": "DMA", "message": "interrupt"}


@frozen
class Miss:
    """One thing that may not happen: `oracle` is its kind, `device` whose it is, `text` what and why."""

    oracle: str
    device: str
    text: str

    def __str__(self) -> str:
        return f"{self.oracle}: {self.text}"


@define(eq=False)
class _HeardFaults(FaultLog):
    """A fault log that tells what it records."""

    hear: Callable[[Fault], None] = field(kw_only=True)

    def take(self, faults: Iterable[Fault]) -> None:
        """Begin with what was recorded before."""
        self._faults.extend(faults)

    def record(self, *where: Any, **what: Any) -> Fault:
        """Append a fault, then tell."""
        fault = FaultLog.record(self, *where, **what)
        self.hear(fault)
        return fault


class _HeardEvents(list[Event]):
    """Timeline entries; each is told when it is added."""

    def __init__(self, events: Iterable[Event], hear: Callable[[Event], None]) -> None:
        super().__init__(events)
        self._hear = hear

    def append(self, event: Event, /) -> None:
        super().append(event)
        self._hear(event)


@define(eq=False)
class Oracles:
    """Listens to one `World`. `misses` in order; `ignored` names the oracles that are not to speak."""

    world: World
    ignored: frozenset[str] = frozenset()
    misses: list[Miss] = field(factory=list, init=False)

    @classmethod
    def on(cls, world: World, *, ignored: Iterable[str] = ()) -> Oracles:
        """Begin to listen to the machine and the kernel of `world`; what happened before is not judged."""
        oracles = cls(world, frozenset(ignored))
        oracles.listen()
        return oracles

    def listen(self) -> None:
        """Listen to the logs as they are now; again after somebody has put new ones in their place."""
        fabric = self.world.machine.fabric
        heard = _HeardFaults(fabric.clock, hear=self._hear_fault)
        heard.take(fabric.faults)
        fabric.faults = heard
        trace = self.world.system.trace
        trace.events = _HeardEvents(trace.events, self._hear_event)

    # --- as predicates ---------------------------------------------------------------------------------------
    def is_clean(self) -> bool:
        """True while nothing was missed; for ``finally_``. Each miss has been reported at its own step already."""
        return not self.misses

    def counts_are_sane(self) -> bool:
        """No enable count is below zero; for ``always`` with the cells of `count_cells`."""
        return all(device.row.enable_cnt >= 0 for device in self.world.system.discovered)

    def counts_are_balanced(self) -> bool:
        """Each endpoint is enabled as often as its driver asked, and not at all without one; for ``finally_``."""
        return not list(self.unbalanced())

    def unbalanced(self) -> list[str]:
        """Endpoints whose enable count is not what their driver holds."""
        wrong = []
        for device in self.world.system.discovered:
            held = device.view.held.enables if device.view is not None and device.driver is not None else 0
            if not device.row.is_bridge and device.row.enable_cnt != held:
                wrong.append(f"{device.label}: enable count {device.row.enable_cnt}, its driver holds {held}")
        return wrong

    def count_cells(self) -> list[Hashable]:
        """The cells that `counts_are_sane` looks at."""
        return [("enable_cnt", device.label) for device in self.world.system.discovered]

    # --- at the step -----------------------------------------------------------------------------------------
    def check(self, label: str, reads: tuple[Hashable, ...], _writes: tuple[Hashable, ...]) -> None:
        """Look at an operation when its turn has come: a request of a device that is paused (an `Announcer` calls this)."""
        what = _REQUESTS.get(label)
        if what is None:
            return
        who = next((cell[1] for cell in reads if isinstance(cell, tuple) and cell[0] == "route"), None)
        device = self._device(who)
        if device is not None and device.is_paused:
            self._miss(f"{what} {PAUSED}", device.label, f"{device}: sends a {label} between rescan_prepare and rescan_done")

    def _hear_fault(self, fault: Fault) -> None:
        if fault.by != "cpu" and fault.kind in BY_FAULT:
            what = "interrupt" if fault.operation == "message" else "DMA"
            self._miss(f"{what} {BY_FAULT[fault.kind]}", fault.by, str(fault))

    def _hear_event(self, event: Event) -> None:
        error = event.detail
        if event.what is not What.FAULT or not isinstance(error, errors.ContractError):
            return
        if self._is_expected(event.who, error) or isinstance(error.__cause__, errors.AccessFault):
            return
        named = (name for kind, name in BY_ERROR if isinstance(error, kind))
        self._miss(next(named, f"interrupt {PAUSED}" if "interrupt" in error.fields else "contract"), event.who, error.message)

    def _is_expected(self, label: str, error: errors.ContractError) -> bool:
        """A pulled device answers all-ones; the hooks that must reckon with it may look."""
        device = self._device(label)
        return type(error) is errors.DeviceGone and device is not None and device.in_hook in MAY_READ_ONES

    def _device(self, label: Hashable) -> Device | None:
        return next((device for device in self.world.system.discovered if device.label == label), None)

    def _miss(self, oracle: str, device: str, text: str) -> None:
        if oracle in self.ignored:
            return
        self.misses.append(Miss(oracle, device, text))
        current.fail(oracle, text)
