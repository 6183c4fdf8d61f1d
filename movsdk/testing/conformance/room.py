"""Room for the BARs of a card on the kit's bench: larger windows for larger BARs, and why one got no place.

What is too large for any bench is the fault of nobody: then the driver is not checked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from mockbus.bar import BarSpec
from movsdk.address import Span
from movsdk.bench.bench import WINDOWS, Bench
from movsdk.bench.sizes import format_size
from movsdk.pci_regs import ROM_RESOURCE, BarKind

_MOST: Final = {"mem": 128 << 20, "pref64": 32 << 30}  # bytes a card, for which the windows of every bench do
_WIDE: Final = {
    "mem": Span(0x4000_0000, 0xFFDF_FFFF),  # between the bench's RAM and the firmware's flash
    "pref64": Span(0x100_0000_0000, 0x3FFF_FFFF_FFFF),
}
_STEP: Final = {"io": 0x1000, "mem": 0x1000_0000, "pref64": 0x20_0000_0000}
_LARGEST: Final = 128 << 30  # pbus_size_mem() of linux-5.10 leaves out what is aligned to more


def windows_for(bars: Sequence[BarSpec], *, elsewhere: bool = False) -> dict[str, Any]:
    """The terms of a bench on which several cards with these BARs have room to move; nothing where every bench has.

    `elsewhere`: such a bench has its windows further up, so that a card has other addresses.
    """
    wanted = dict.fromkeys(_MOST, 0)
    for bar in bars:
        if bar.kind is not BarKind.IO:
            wanted["pref64" if bar.kind is BarKind.PREF64 else "mem"] += bar.size
    if all(wanted[kind] <= most for kind, most in _MOST.items()):
        further_up = tuple((kind, Span(span.start + _STEP[kind], span.last)) for kind, span in WINDOWS)
        return {"windows": further_up} if elsewhere else {}
    return {"windows": tuple((kind, _WIDE[kind] if wanted.get(kind, 0) > _MOST.get(kind, 0) else span) for kind, span in WINDOWS)}


def no_place(bench: Bench) -> str:
    """Which BAR of a card in `bench` the kernel gave no place, and why; empty if each has one."""
    for device in bench.world.system.devices():
        model = bench.world.machine.function(device.label).model
        for bar in model.bars if model is not None else ():
            if bar.n < ROM_RESOURCE and device.bar_span(bar.n) is None:
                return f"no place on the bench: BAR {bar.n} ({bar.kind.value}) of {format_size(bar.size)} {_why(bench, bar)}"
    return ""


def _why(bench: Bench, bar: BarSpec) -> str:
    if bar.is_readonly:
        return f"is hard-wired to {bar.start:#x}; Linux cannot size such a register and leaves it out"
    if bar.size > _LARGEST:
        return f"is more than {format_size(_LARGEST)}; Linux 5.10 leaves out what is larger"
    windows = ", ".join(f"{kind} {span}" for kind, span in bench.windows)
    return f"fits into none of its windows: {windows}"
