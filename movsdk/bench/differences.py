"""Ours against what was recorded: the first difference of a vector, all differences of a dumped machine.

Twin: diff(1). Compares values; plays nothing. What was recorded comes out of a file and may be anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from movsdk.bench.importers.folder import Dump, DumpedFunction
from movsdk.bench.importers.registers import bar_addresses
from movsdk.bench.place import show
from movsdk.bench.state import State, bridge_registers
from movsdk.layout.wording import resource_name
from movsdk.pci_regs import BRIDGE_RESOURCES, ROM_RESOURCE

_LONG = 40  # characters


def differences(ours: Any, recorded: Any, path: str = "") -> Iterator[str]:
    """Every place where two outcomes differ: ``[2] hotadd: state d3 resources 1 start: ours 0x0, recorded 0x1``."""
    if isinstance(ours, Mapping) and isinstance(recorded, Mapping):
        for key in [*ours, *(key for key in recorded if key not in ours)]:
            here = f"{path} {key}".strip()
            if key not in recorded:
                yield f"{here}: ours {_show(ours[key])}, not recorded"
            elif key not in ours:
                yield f"{here}: recorded {_show(recorded[key])}, not ours"
            else:
                yield from differences(ours[key], recorded[key], here)
    elif _is_list(ours) and _is_list(recorded):
        for index, (one, other) in enumerate(zip(ours, recorded, strict=False)):
            yield from differences(one, other, f"{path} {_name(other, index)}".strip())
        if len(ours) != len(recorded):
            yield f"{path or 'events'}: ours has {len(ours)} entries, recorded {len(recorded)}"
    elif ours != recorded or isinstance(ours, bool) != isinstance(recorded, bool):
        yield f"{path or 'events'}: ours {_show(_tail(ours, recorded))}, recorded {_show(_tail(recorded, ours))}"


def _tail(text: Any, other: Any) -> Any:
    """Of two long texts, what comes shortly before the place where they part, and after."""
    if not (isinstance(text, str) and isinstance(other, str) and min(len(text), len(other)) > _LONG):
        return text
    same = next((at for at, (one, two) in enumerate(zip(text, other, strict=False)) if one != two), min(len(text), len(other)))
    return text if same < _LONG else "..." + text[same - _LONG // 2 :]


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _name(entry: Any, index: int) -> str:
    if not isinstance(entry, Mapping):
        return f"[{index}]"
    if "op" in entry:
        return f"[{index}] {entry['op']} {entry.get('id') or ''}".rstrip() + ":"
    return str(entry.get("id", entry.get("n", f"[{index}]")))


def _show(value: object) -> str:
    return hex(value) if isinstance(value, int) and not isinstance(value, bool) else show(value)


def differences_from_dump(state: State, dump: Dump) -> Iterator[str]:
    """Every BAR, window, window register and bus number of `state` that is not what the dumped machine shows."""
    recorded = {function.bdf.short: function for function in dump.functions.values()}
    ours = {entry["bdf"]: entry for entry in state}
    for bdf in sorted({*ours, *recorded}):
        if bdf not in recorded:
            yield f"{bdf}: not in the dump"
        elif bdf not in ours:
            yield f"{bdf}: in the dump, unknown to us"
        else:
            yield from _function_differences(bdf, ours[bdf], recorded[bdf])


def _function_differences(bdf: str, ours: Mapping[str, Any], recorded: DumpedFunction) -> Iterator[str]:
    found = {entry["n"]: (entry["start"], entry["last"]) for entry in ours["resources"] if entry["assigned"]}
    lines = dict(enumerate(recorded.resources.bars)) | dict(enumerate(recorded.resources.windows, BRIDGE_RESOURCES))
    wanted = {number: (line.start, line.last) for number, line in lines.items() if line.flags and line.last}
    if recorded.resources.bars[ROM_RESOURCE].is_shadow_rom:
        wanted.pop(ROM_RESOURCE, None)  # a copy in RAM, which has no place of its own
    addresses = {number: address for number, _kind, address in bar_addresses(recorded.config)}
    for number in sorted({*found, *wanted}):
        if number in wanted or not _is_untold(recorded, number):
            if found.get(number) != wanted.get(number):
                yield f"{bdf} {resource_name(number)}: ours {_pair(found.get(number))}, dumped {_pair(wanted.get(number))}"
        elif number in addresses and (start := addresses[number]) != found[number][0]:
            yield f"{bdf} {resource_name(number)}: ours at {found[number][0]:#x}, dumped at {start:#x}"
    if "registers" in ours:
        yield from differences(ours["registers"], bridge_registers(partial(_read, recorded.config)), f"{bdf} registers")


def _is_untold(recorded: DumpedFunction, number: int) -> bool:
    """True if the dump shows registers, and not what the kernel believed of this BAR or window, as `lspci -xxxx` alone."""
    known = (*recorded.resources.bars, *recorded.resources.windows)
    return number in recorded.unsized or not any(line.flags for line in known)


def _read(config: bytes, offset: int, size: int) -> int:
    return int.from_bytes(config[offset : offset + size], "little")


def _pair(pair: tuple[int, int] | None) -> str:
    return "none" if pair is None else f"[{pair[0]:#x}-{pair[1]:#x}]"
