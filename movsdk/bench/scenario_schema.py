"""A scenario out of a plain object, as JSON and YAML give it.

docs/reference/scenario.md is the list of keys. Reads no files; see `scenario_file`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from movsdk.bench.device_schema import read_device
from movsdk.bench.event_schema import read_events
from movsdk.bench.fields import MAX_ADDRESS, Fields
from movsdk.bench.place import Place
from movsdk.bench.scenario import (
    DEFAULT_PLATFORM,
    DEFAULT_RAM,
    FORMAT,
    Aperture,
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
        events=read_events(top, by_id),
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
