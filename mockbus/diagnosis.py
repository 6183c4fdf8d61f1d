"""Why did nobody answer? Finds the BAR that was meant, what keeps it silent, and who had the address before.

Twin: what a person does with ``lspci -vv`` after a master abort. Looks at registers; changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from attrs import frozen

from mockbus.bar import Bar
from movsdk import pci_regs as regs
from movsdk.ops import FaultKind, Space

if TYPE_CHECKING:
    from mockbus.fabric import Fabric

_URGENCY = (FaultKind.ABSENT, FaultKind.ASLEEP, FaultKind.DECODE_OFF, FaultKind.WINDOW_CLOSED, FaultKind.NO_DECODER)


@frozen
class Diagnosis:
    """The fields of a fault that say why."""

    kind: FaultKind
    blocked: str = ""
    previous: str = ""


def diagnose(fabric: Fabric, space: Space, address: int) -> Diagnosis:
    """Return the most specific reason why nobody answers `address`."""

    def still_there(label: str, n: int) -> bool:
        function = fabric.functions.get(label)
        bar = function.bars.get(n) if function is not None and function.present else None
        return bar is not None and address in bar.span

    former = fabric.owners.recall(space, address, still_there)
    previous = str(former) if former is not None else ""
    kind, blocked = _held(fabric, space, address)
    if former is not None and not any(_is_open(bar) for bar in _holders(fabric, space, address)):
        function = fabric.functions.get(former.label)
        if function is None or not function.present:
            kind = FaultKind.ABSENT
    return Diagnosis(kind, blocked, previous)


def _held(fabric: Fabric, space: Space, address: int) -> tuple[FaultKind, str]:
    """Return the most urgent reason among all BARs whose registers hold `address`; those that would answer come first."""
    reasons = [(not _is_open(bar), *_reason(fabric, bar, address)) for bar in _holders(fabric, space, address)]
    first = min(reasons, key=lambda each: (each[0], _URGENCY.index(each[1])), default=(False, FaultKind.NO_DECODER, ""))
    return first[1:]


def _is_open(bar: Bar) -> bool:
    """True if it decodes as far as its own function is concerned."""
    enable = regs.COMMAND_IO if bar.spec.kind.is_io else regs.COMMAND_MEMORY
    return bool(bar.function.command & enable) and bar.is_enabled


def _holders(fabric: Fabric, space: Space, address: int) -> Iterable[Bar]:
    """Yield present BARs that hold `address`; a register of zero counts as never programmed."""
    for function in fabric.functions.values():
        if function.present:
            for bar in function.bars.values():
                if bar.space is space and bar.address and address in bar.span:
                    yield bar


def _reason(fabric: Fabric, bar: Bar, address: int) -> tuple[FaultKind, str]:
    """Say what keeps `bar` from answering, looking from the device upwards."""
    function, io = bar.function, bar.spec.kind.is_io
    place = str(function.claim(bar.spec.n, address))
    if (hindrance := function.hindrance()) is not None:
        kind, label = hindrance
        return kind, place if label == function.label else f"{place} behind {label}"
    if not _is_open(bar):
        return FaultKind.DECODE_OFF, place
    for bridge in function.bridges():
        if not bridge.command & (regs.COMMAND_IO if io else regs.COMMAND_MEMORY):
            return FaultKind.DECODE_OFF, f"{place} behind {bridge.label}"
        if not bridge.passes(address, io=io) and not bridge.is_subtractive:
            return FaultKind.WINDOW_CLOSED, f"{place} behind {bridge.label}"
    if not any(address in span for span in fabric.apertures(io=io)):
        return FaultKind.NO_DECODER, f"{place} outside the root apertures"
    return FaultKind.NO_DECODER, place
