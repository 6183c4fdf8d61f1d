"""Facts of a function that are kept but not played: its Linux driver, BARs of virtual functions, sizes it could have.

The scenario's `facts`; see `movsdk.bench.device_facts`.
"""

from __future__ import annotations

from typing import Final

from movsdk.bench.config_facts import dword, word
from movsdk.bench.importers.capability_text import REBAR, SRIOV, SRIOV_BAR
from movsdk.bench.importers.join import Joined
from movsdk.bench.importers.registers import find_extended
from movsdk.bench.importers.said import SaidBar
from movsdk.bench.scenario import BarDecl, Facts
from movsdk.pci_regs import BarKind

_KINDS: Final = {kind.low_bits: kind for kind in (BarKind.MEM32, BarKind.PREF32, BarKind.MEM64, BarKind.PREF64)}


def facts_of(one: Joined, config: bytes, notes: list[str]) -> Facts:
    """Return what is kept of `one`. `notes` gets what only its bytes hold."""
    sriov = find_extended(config, SRIOV)
    vf_bars = _vf_bars(one, config, sriov) if sriov or one.vf_bars else ()
    if sriov and not vf_bars and any(dword(config, sriov + SRIOV_BAR + 4 * n) for n in range(6)):
        notes.append(f"{one.at}: left out: sizes of the BARs of {one.bdf}'s virtual functions, which no source shows")
    resizable = tuple((n, _sizes(mask)) for n, mask in sorted(one.resize.items()))
    if not resizable and (rebar := find_extended(config, REBAR)):
        resizable = tuple(_from_capability(config, rebar))
    driver = one.driver if one.driver != "-" else None
    return Facts(driver=driver, vf_bars=vf_bars, resizable=tuple(each for each in resizable if each[1]))


def _sizes(mask: int) -> tuple[int, ...]:
    """Bytes for each bit of ``resourceN_resize``: bit 0 is 1 MiB."""
    return tuple(1 << bit + 20 for bit in range(43) if mask >> bit & 1)


def _from_capability(config: bytes, at: int) -> list[tuple[int, tuple[int, ...]]]:
    found: list[tuple[int, tuple[int, ...]]] = []
    for index in range(min(dword(config, at + 8) >> 5 & 0x7, 6)):
        able, control = dword(config, at + 4 + 8 * index), dword(config, at + 8 + 8 * index)
        n, mask = control & 0x7, able >> 4 | (control >> 16) << 28
        if n < 6 and n not in dict(found):
            found.append((n, _sizes(mask)))
    return sorted(found)


def _vf_bars(one: Joined, config: bytes, sriov: int) -> tuple[BarDecl, ...]:
    found: list[BarDecl] = []
    total = word(config, sriov + 0x0E) if sriov else 0
    for n, bar in enumerate(one.resources.virtual):
        if bar.exists and not bar.is_io and total and bar.size > 0 and bar.size % total == 0 and _is_power(bar.size // total):
            found.append(BarDecl(n, bar.kind, bar.size // total))
    if not found:
        for n, said in sorted(one.vf_bars.items()):
            if said.size is not None and _is_power(said.size) and said.kind in _KINDS.values():
                found.append(BarDecl(n, _registered(config, sriov, n, said), said.size))
    return tuple(found)


def _registered(config: bytes, sriov: int, n: int, said: SaidBar) -> BarKind:
    return _KINDS.get(dword(config, sriov + SRIOV_BAR + 4 * n) & 0xF, said.kind) if sriov else said.kind


def _is_power(size: int) -> bool:
    return size >= 16 and not size & (size - 1)
