"""What the host bridge forwards, what is RAM, what is busy: out of /proc/iomem and ioports, the log, or what the BARs imply.

A memory aperture out of iomem is ``mem`` wherever it lies: the kernel makes plain MEM resources of a PC's _CRS, with neither the
prefetchable nor the 64-bit flag. 64-bit windows still land above 4 GiB, since a 64-bit resource takes any memory window in its
last attempt, and looks above 4 GiB first (linux-base.md §4.3 C): as q35-v9/1ivshmem64_dn1 shows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from attrs import define, field

from movsdk import pci_regs as regs
from movsdk.address import Bdf, Span
from movsdk.bench.config_facts import header_type
from movsdk.bench.importers import iomem
from movsdk.bench.importers.dump_lines import At, Text
from movsdk.bench.importers.gather import Evidence
from movsdk.bench.importers.join import Joined
from movsdk.bench.importers.roots import Root, root_name
from movsdk.bench.importers.sysfs_resource import SysfsResource
from movsdk.bench.scenario import Aperture, RamRange, Reserved

_MIB: Final = 1 << 20
_GIB4: Final = 1 << 32
_LEGACY: Final = Span(0xA0000, 0xFFFFF)


@define(eq=False)
class Around:
    """The addresses round the functions of one root bus."""

    windows: list[Aperture] = field(factory=list)
    ram: tuple[RamRange, ...] = ()
    reserved: list[Reserved] = field(factory=list)
    hosts: list[iomem.Range] = field(factory=list)  # apertures that /proc/iomem does not call a bus


def known_roots(evidence: Evidence) -> dict[Root, At]:
    """Root buses that a source names."""
    found: dict[Root, At] = {}
    for text, top in evidence.ranges.values():
        for each in iomem.outermost_buses(top):
            domain, bus = each.name.removeprefix("PCI Bus ").split(":")
            found.setdefault((int(domain, 16), int(bus, 16)), text.at(each.line))
    for root, said in (evidence.dmesg.roots if evidence.dmesg is not None else {}).items():
        found.setdefault(root, said.at)
    return found


def around(evidence: Evidence, root: Root, functions: Mapping[Bdf, Joined]) -> Around:
    """Return apertures, RAM and busy pieces of `root`, whose functions these are. `evidence.notes` gets what was assumed."""
    found = Around()
    for name, kind in (("ioports", "io"), ("iomem", "mem")):
        found.windows += _from_ranges(evidence, name, kind, root, functions, found) or _from_log(evidence, kind, root)
        if not any(window.is_io == (kind == "io") for window in found.windows):
            found.windows += _implied(evidence, kind, root, functions)
    found.ram = _beside_translated(evidence, _ram(evidence, found))
    _check_inside(evidence, functions, found)
    return found


def _from_ranges(
    evidence: Evidence, name: str, kind: str, root: Root, functions: Mapping[Bdf, Joined], into: Around
) -> list[Aperture]:
    if name not in evidence.ranges:
        return []
    text, top = evidence.ranges[name]
    wanted = f"PCI Bus {root_name(root)}"
    ours = [each for each in iomem.outermost_buses(top) if each.name == wanted]
    if not ours:
        ours = iomem.host_windows(top, _names_on(root, functions))
        into.hosts += ours
    bars = {
        (str(each.bdf), Span(bar.start, bar.last)) for each in functions.values() for bar in each.resources.bars if _has_span(bar)
    }
    inside = [inner for each in ours for inner in (each.inside if each in into.hosts else [each])]
    into.reserved += [Reserved(kind, each.span, each.name[:100] or "?") for each in iomem.busy(inside, bars)]
    _check_not_cut(text.at(len(text.lines)), top, kind, functions)
    _say_missing(evidence, text, top, kind, functions)
    if not ours and top:
        evidence.notes.append(f"{text.path}: no range {wanted!r}; that is how the kernel names what the host bridge forwards")
    return [Aperture(kind, each.span) for each in ours]


def _names_on(root: Root, functions: Mapping[Bdf, Joined]) -> set[str]:
    """What the kernel calls the functions of the root bus, and the windows of its bridges."""
    names = set()
    for bdf, function in functions.items():
        if (bdf.domain, bdf.bus) == root:
            names.add(str(bdf))
            if header_type(function.config) == regs.HEADER_TYPE_BRIDGE:
                names.add(f"PCI Bus {root_name((bdf.domain, function.config[regs.SECONDARY_BUS]))}")
    return names


def _has_span(bar: SysfsResource) -> bool:
    return bar.exists and bar.last >= bar.start


def _check_not_cut(end: At, top: list[iomem.Range], kind: str, functions: Mapping[Bdf, Joined]) -> None:
    """A BAR beyond the end of the file: the kernel lists every BAR that it placed, in order of addresses."""
    last = max((each.span.last for each in top), default=-1)
    for function in functions.values():
        for n, bar in enumerate(function.resources.bars):
            if bar.is_io == (kind == "io") and bar.is_assigned and not bar.is_pinned and bar.start > last:
                held = f"{function.bdf} {_name(n)} is at [{bar.start:#x}-{bar.last:#x}] ({bar.at.short})"
                ends = f"ends at {last:#x}" if top else "is empty"
                raise end.bad(f"{ends}, but {held}; the file is cut off, or of another moment")


def _say_missing(evidence: Evidence, text: Text, top: list[iomem.Range], kind: str, functions: Mapping[Bdf, Joined]) -> None:
    """Say which BARs and windows the file does not have, though the kernel placed them."""
    listed = {each.span for outermost in top for each in outermost.walk()}
    missing = [
        f"{function.bdf} {_name(n)} {Span(bar.start, bar.last)}"
        for function in functions.values()
        for n, bar in enumerate((*function.resources.bars, *function.resources.windows))
        if bar.is_io == (kind == "io") and bar.is_assigned and not bar.is_pinned and not bar.is_shadow_rom
        if Span(bar.start, bar.last) not in listed
    ]
    if missing:
        more = f", nor {len(missing) - 1} more" if len(missing) > 1 else ""
        evidence.notes.append(f"{text.at(len(text.lines))}: has no {missing[0]}{more}; the file is cut off, or of another moment")


def _from_log(evidence: Evidence, kind: str, root: Root) -> list[Aperture]:
    log = evidence.dmesg.roots.get(root) if evidence.dmesg is not None else None
    found: list[Aperture] = []
    for each, span, at in log.apertures if log is not None else ():
        if (each == "io") != (kind == "io") or (each == "io" and span.last > 0xFFFF_FFFF):
            continue
        other = next((window for window in found if window.span.overlaps(span)), None)
        if other is not None:
            evidence.notes.append(f"{at}: the aperture {span} overlaps {other.span}; left out")
            continue
        found.append(Aperture(each, span))
    return found


def _implied(evidence: Evidence, kind: str, root: Root, functions: Mapping[Bdf, Joined]) -> list[Aperture]:
    """The smallest ranges that hold what lies on the root bus; said, as nothing else tells them."""
    spans = sorted(
        (bar.start, bar.last)
        for each in functions.values()
        for bar in _on_root(each, root)
        if bar.is_io == (kind == "io") and bar.is_assigned
    )
    spans = [span for span in spans if kind == "io" or span[0] > _LEGACY.last]
    unit = 0x1000 if kind == "io" else _MIB
    found = []
    for part in ([span for span in spans if span[0] < _GIB4], [span for span in spans if span[0] >= _GIB4]):
        if part:
            last = max(span[1] for span in part)
            found.append(Aperture(kind, Span(part[0][0] // unit * unit, min(last | unit - 1, (1 << 64) - 1))))
    if found:
        text = " ".join(str(window.span) for window in found)
        why = f"assumed: no source names the {kind} apertures of root bus {root_name(root)}"
        evidence.notes.append(f"{why}; {text} hold what is there; add iomem, ioports or dmesg")
    return found


def _on_root(function: Joined, root: Root) -> Iterator[SysfsResource]:
    if (function.bdf.domain, function.bdf.bus) == root:
        yield from (bar for bar in function.resources.bars if (not bar.is_pinned or bar.is_enhanced) and not bar.is_shadow_rom)
        yield from function.resources.windows
    elif (
        not any(window.exists for window in function.resources.windows)
        and header_type(function.config) != regs.HEADER_TYPE_BRIDGE
    ):
        yield from (bar for bar in function.resources.bars if (not bar.is_pinned or bar.is_enhanced) and not bar.is_shadow_rom)


def _ram(evidence: Evidence, found: Around) -> tuple[RamRange, ...]:
    if "iomem" in evidence.ranges:
        top = evidence.ranges["iomem"][1]
        return tuple(RamRange(each.span, each.name[:100]) for each in top if not each.is_bus and not _holds(each, found.hosts))
    if evidence.dmesg is not None and evidence.dmesg.ram:
        return tuple(RamRange(span, name) for span, name in sorted(set(evidence.dmesg.ram), key=lambda each: (each[0], each[1])))
    lowest = min(
        (window.span.start for window in found.windows if not window.is_io and window.span.start > _LEGACY.last),
        default=0x4000_0000,
    )
    pieces, start = [], 0
    for window in sorted(window.span for window in found.windows if not window.is_io and window.span.start < lowest):
        pieces += [Span(start, window.start - 1)] if window.start > start else []
        start = max(start, window.last + 1)
    pieces += [Span(start, lowest - 1)] if start < lowest else []
    shown = ", ".join(map(str, pieces))
    evidence.notes.append(f"assumed: no source has the RAM map; RAM is taken to be {shown}; add iomem or dmesg")
    return tuple(RamRange(piece) for piece in pieces)


def _holds(outermost: iomem.Range, hosts: list[iomem.Range]) -> bool:
    return any(each in hosts for each in outermost.walk())


def _beside_translated(evidence: Evidence, ram: tuple[RamRange, ...]) -> tuple[RamRange, ...]:
    """Without RAM whose addresses mean the aperture on the bus: a scenario does not tell the two apart."""
    spans = [each.on_bus for each in (evidence.dmesg.translations if evidence.dmesg is not None else ())]
    kept = tuple(piece for piece in ram if not any(piece.span.overlaps(span) for span in spans))
    if len(kept) < len(ram):
        evidence.notes.append("left out: RAM at addresses that mean an aperture on the bus")
    return kept


def _check_inside(evidence: Evidence, functions: Mapping[Bdf, Joined], found: Around) -> None:
    """Say which BARs lie in no aperture: a source is cut, of another moment, or the BAR was nobody's to move."""
    bridges = {
        (bdf.domain, each.config[regs.SECONDARY_BUS]): each
        for bdf, each in functions.items()
        if header_type(each.config) == regs.HEADER_TYPE_BRIDGE
    }
    for function, n, bar in _placed(functions.values()):
        span = Span(bar.start, bar.last)
        above = bridges.get((function.bdf.domain, function.bdf.bus))
        if above is not None and n < regs.ROM_RESOURCE and not _passes(above, bar):
            lies = f"{function.bdf} {_name(n)} {span} lies in no window of {above.bdf} above it ({above.at.short})"
            evidence.notes.append(f"{bar.at}: {lies}; a line is missing, or firmware left it there")
        if not any(window.is_io == bar.is_io and window.span.contains(span) for window in found.windows):
            evidence.notes.append(
                f"{bar.at}: {function.bdf} {_name(n)} {span} lies in no aperture; the dump is cut off, or firmware put it there"
            )


def _passes(bridge: Joined, bar: SysfsResource) -> bool:
    """True if a window of the bridge holds the BAR, or nothing is known of its windows, or it decodes what nobody else does."""
    windows = bridge.resources.windows
    is_subtractive = bridge.config[regs.CLASS_PROG] == 1
    span = Span(bar.start, bar.last)
    return (
        not windows
        or is_subtractive
        or any(each.is_assigned and each.is_io == bar.is_io and Span(each.start, each.last).contains(span) for each in windows)
    )


def _placed(functions: Iterable[Joined]) -> Iterator[tuple[Joined, int, SysfsResource]]:
    for function in functions:
        for n, bar in enumerate(function.resources.bars):
            if bar.is_assigned and not bar.is_pinned and not bar.is_shadow_rom:
                yield function, n, bar


def _name(n: int) -> str:
    return f"BAR {n}" if n < regs.ROM_RESOURCE else "expansion ROM" if n == regs.ROM_RESOURCE else "window"
