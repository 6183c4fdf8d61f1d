"""A scenario out of a plain object, as JSON and YAML give it.

docs/reference/scenario.md is the list of keys. Reads no files; see `scenario_file`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from movsdk.bench.device_schema import LOAD_KEYS, read_device, read_load
from movsdk.bench.fields import MAX_ADDRESS, Fields
from movsdk.bench.place import Place, show
from movsdk.bench.scenario import (
    DEFAULT_EVENTS,
    DEFAULT_PLATFORM,
    DEFAULT_RAM,
    FORMAT,
    Aperture,
    EventSpec,
    FunctionSpec,
    RamRange,
    Reserved,
    Scenario,
)
from movsdk.bench.structure import check_apertures, check_structure
from movsdk.kernel.platform import PLATFORMS
from movsdk.layout.table import Reserve

KEYS: Final = (
    "format",
    "name",
    "about",
    "platform",
    "cmdline",
    "windows",
    "reserve",
    "min_mem",
    "min_io",
    "ram",
    "reserved",
    "domain",
    "devices",
    "events",
)
WINDOW_KINDS: Final = ("io", "mem", "pref", "mem64", "pref64")
OPS: Final = ("boot", "rescan", "plug", "hotadd", "remove", "unplug", "io")
_NAMELESS_OPS: Final = ("boot", "rescan")
_BEFORE_BOOT: Final = ("plug", "unplug")
_MOST_DEVICES: Final = 1 << 16


def parse(value: object, where: str = "", *, lines: Mapping[str, int] | None = None, at: str = "", folder: str = ".") -> Scenario:
    """Return the scenario that `value` (dicts, lists, numbers, text) describes.

    Args:
        where: what to call the source in messages, such as ``file.yaml`` or ``vectors.jsonl:12``.
        lines: the line of each path in the document, where known.
        at: path of `value` in its document.
        folder: where references to the user's own files start.

    Raises:
        BadInput: one line naming `where`, the path, the value and the remedy.

    >>> scenario = parse({"windows": [{"type": "mem", "start": "0xe0000000", "last": "0xefffffff"}], "devices": []})
    >>> scenario.reserve.mem, [str(event) for event in scenario.events]
    (2097152, ['boot'])
    """
    place = Place(where, at, lines)
    top = Fields(value, place, KEYS)
    if top.number("format", FORMAT) != FORMAT:
        raise top.bad("format", f"is a format this version does not read; it reads {FORMAT}")
    platform = PLATFORMS[top.word("platform", PLATFORMS, DEFAULT_PLATFORM)]
    windows = tuple(_aperture(item, here) for item, here in top.items("windows", required=True))
    check_apertures(windows, place.at("windows"))
    devices = tuple(read_device(item, here) for item, here in top.items("devices", required=True))
    if len(devices) > _MOST_DEVICES:
        raise place.at("devices").bad(f"{len(devices)} devices; a PCI domain has room for {_MOST_DEVICES}")
    by_id = check_structure(devices, place.at("devices"))
    return Scenario(
        name=top.text("name", ""),
        about=top.text("about", "", is_prose=True),
        windows=windows,
        platform=platform.name,
        cmdline=top.text("cmdline", ""),
        reserve=_reserve(top),
        min_mem=top.number("min_mem", platform.min_mem),
        min_io=top.number("min_io", platform.min_io, high=0xFFFF_FFFF),
        ram=_ram(top),
        reserved=tuple(_reserved(item, here) for item, here in top.items("reserved")),
        domain=top.number("domain", 0, high=0xFFFF_FFFF),
        devices=devices,
        events=_events(top, by_id),
        folder=folder,
    )


def _aperture(value: object, place: Place) -> Aperture:
    fields = Fields(value, place, ("type", "start", "last"))
    kind = fields.word("type", WINDOW_KINDS)
    return Aperture(kind, fields.span(high=0xFFFF_FFFF if kind == "io" else MAX_ADDRESS))


def _reserved(value: object, place: Place) -> Reserved:
    fields = Fields(value, place, ("type", "start", "last", "name"))
    return Reserved(fields.word("type", ("io", "mem")), fields.span(), fields.text("name", ""))


def _ram(top: Fields) -> tuple[RamRange, ...]:
    if "ram" not in top:
        return DEFAULT_RAM
    return tuple(_ram_range(item, here) for item, here in top.items("ram"))


def _ram_range(value: object, place: Place) -> RamRange:
    fields = Fields(value, place, ("start", "last", "name"))
    return RamRange(fields.span(), fields.text("name", ""))


def _reserve(top: Fields) -> Reserve:
    usual = Reserve()
    if "reserve" not in top:
        return usual
    fields = Fields(top["reserve"], top.place.at("reserve"), ("io", "mem", "pref", "buses"))
    return Reserve(
        io=fields.number("io", usual.io, high=1 << 32),
        mem=fields.number("mem", usual.mem, high=1 << 62),
        pref=fields.number("pref", usual.pref, high=1 << 62),
        buses=fields.number("buses", usual.buses, high=255),
    )


# --- events ----------------------------------------------------------------------------------------
def _events(top: Fields, by_id: Mapping[str, FunctionSpec]) -> tuple[EventSpec, ...]:
    if "events" not in top:
        return DEFAULT_EVENTS
    events = []
    is_booted = not any(_is_boot(item) for item, _ in top.items("events"))
    if is_booted:
        events.append(EventSpec("boot"))
    for item, place in top.items("events"):
        event = _event(item, place, by_id)
        if event.op == "boot" and is_booted:
            raise place.bad("a second boot; a scenario boots once")
        is_booted = is_booted or event.op == "boot"
        if not is_booted and event.op not in _BEFORE_BOOT:
            raise place.bad(f"{event.op} before boot; only {' and '.join(_BEFORE_BOOT)} may stand before it")
        events.append(event)
    return tuple(events)


def _is_boot(item: Any) -> bool:
    return isinstance(item, dict) and item.get("op") == "boot"


def _event(value: object, place: Place, by_id: Mapping[str, FunctionSpec]) -> EventSpec:
    op = value.get("op") if isinstance(value, dict) else None
    event = Fields(value, place, ("op", "id", *LOAD_KEYS) if op == "io" else ("op", "id"))
    op = event.word("op", OPS)
    name = event.values.get("id")
    if op in _NAMELESS_OPS:
        if name is not None:
            raise event.bad("id", f"has nothing to name: {op} is for the whole machine")
        return EventSpec(op)
    if name is None:
        raise place.bad(f"{op} of what? add the 'id' of a device")
    if not isinstance(name, str) or name not in by_id:
        raise place.at("id").unknown(name, by_id, what="device")
    if op == "hotadd" and not by_id[name].is_bridge:
        raise event.bad("id", f"is an endpoint; hotadd takes the bridge above it, {show(by_id[name].on)}")
    if op == "io" and by_id[name].is_bridge:
        raise event.bad("id", "is a bridge; only an endpoint does I/O")
    load = {key: event.values[key] for key in LOAD_KEYS if key in event} or True
    return EventSpec(op, name, read_load(load, place) if op == "io" else None)
