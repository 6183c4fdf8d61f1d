"""One device of a scenario: a plain object in, an `EndpointSpec` or `BridgeSpec` out.

Judges each device alone; what devices are to one another is judged in `structure`. Firmware values are not judged at all.
"""

from __future__ import annotations

import re
from typing import Any, Final

from movsdk import pci_regs as regs
from movsdk.bench import reference
from movsdk.bench.config_bytes import read_config
from movsdk.bench.config_facts import dword, header_type, word
from movsdk.bench.device_facts import read_facts
from movsdk.bench.fields import Fields
from movsdk.bench.place import Place, show
from movsdk.bench.scenario import RECORDED_DRIVERS, ROOT, BarDecl, BridgeFirmware, BridgeSpec, EndpointSpec, FunctionSpec, Load
from movsdk.bench.sizes import format_size
from movsdk.pci_regs import BarKind, PcieType

_IDENTITY: Final = ("class", "vendor", "device", "revision", "pcie")
_COMMON: Final = (
    *("id", "on", "slot", "kind", "present"),
    *_IDENTITY,
    *("bars", "driver", "fixed_bars", "pci_fixed", "config", "facts"),
)
_ENDPOINT_ONLY: Final = ("subsystem", "model", "load", "lit")
_BRIDGE_ONLY: Final = ("hotplug", "controls", "prefetchable", "io", "firmware")
ENDPOINT_KEYS: Final = frozenset(_COMMON + _ENDPOINT_ONLY)
BRIDGE_KEYS: Final = frozenset(_COMMON + _BRIDGE_ONLY)
BAR_KEYS: Final = frozenset(("n", "type", "size", "firmware"))
FIRMWARE_KEYS: Final = frozenset(("bus", "io", "mem", "pref"))
LOAD_KEYS: Final = frozenset(("reads", "writes", "size"))
CONTROLS: Final = ("button", "power", "indicators")
KINDS: Final = {kind.value: kind for kind in BarKind}
PCIE_TYPES: Final = {kind.name.lower().replace("_", "-"): kind for kind in PcieType}
_SMALLEST: Final = {BarKind.IO: 4, BarKind.ROM: 2048}
_LARGEST: Final = {BarKind.IO: 1 << 16, BarKind.MEM64: 1 << 63, BarKind.PREF64: 1 << 63}
_SLOT: Final = re.compile(r"[01][0-9a-fA-F]\.[0-7]")
_OWN_CLASS: Final = re.compile(r"[^:]+\.py:[A-Za-z_]\w*|[A-Za-z_][\w.]*:[A-Za-z_]\w*")


def read_device(value: object, place: Place) -> FunctionSpec:
    """Return the device that `value` describes. Raises `BadInput` naming `place` and the key."""
    kind = value.get("kind", "endpoint") if isinstance(value, dict) else "endpoint"
    if kind not in ("endpoint", "bridge"):
        raise place.at("kind").unknown(kind, ("endpoint", "bridge"), what="value")
    is_bridge = kind == "bridge"
    device = Fields(value, place, BRIDGE_KEYS | ENDPOINT_KEYS)
    for key in _ENDPOINT_ONLY if is_bridge else _BRIDGE_ONLY:
        if key in device:
            raise place.at(key).bad(f"only {'an endpoint' if is_bridge else 'a bridge'} has {key!r}; this is kind {kind!r}")
    common = _common(device, is_bridge)
    if is_bridge:
        return BridgeSpec(
            **common,
            hotplug=device.flag("hotplug", False),
            controls=_controls(device, common["pcie"]),
            prefetchable=_prefetchable(device),
            io=device.flag("io", True),
            firmware=_bridge_firmware(device),
        )
    subsystem = device.numbers("subsystem", 2, 0xFFFF)
    return EndpointSpec(
        **common,
        subsystem=None if subsystem is None else (subsystem[0], subsystem[1]),
        model=_model(device),
        load=read_load(device.values.get("load", False), place.at("load")),
        lit=_lit(device, common["bars"]),
    )


def _lit(device: Fields, bars: tuple[BarDecl, ...]) -> int | None:
    number = device.number("lit", None, high=5)
    if number is not None and bars and not any(bar.n == number and not bar.kind.is_io for bar in bars):
        raise device.bad("lit", "is no memory BAR of this device; a display is lit in memory")
    return number


def _common(device: Fields, is_bridge: bool) -> dict[str, Any]:
    name = device.text("id")
    if name == ROOT or not name.isprintable() or len(name) > 100:
        raise device.bad("id", f"cannot be an id; take up to 100 printable characters, and not {ROOT!r}")
    config = _config(device, is_bridge)
    pcie = PCIE_TYPES[device.word("pcie", PCIE_TYPES)] if "pcie" in device else None
    return {
        "id": name,
        "on": device.text("on", ROOT),
        "slot": _slot(device),
        "present": device.flag("present", True),
        "class_code": device.number("class", None, high=0xFF_FFFF),
        "vendor": device.number("vendor", None, low=1, high=0xFFFE),
        "device": device.number("device", None, high=0xFFFF),
        "revision": device.number("revision", None, high=0xFF),
        "bars": _bars(device, is_bridge, config),
        "driver": _driver(device, is_bridge),
        "fixed_bars": _bar_numbers(device, "fixed_bars"),
        "pci_fixed": _bar_numbers(device, "pci_fixed"),
        "pcie": pcie,
        "config": config,
        "facts": read_facts(device),
    }


def _slot(device: Fields) -> str:
    slot = device.text("slot")
    if not _SLOT.fullmatch(slot):
        raise device.bad("slot", "is not a slot; write device and function in hex as 00.0 to 1f.7")
    return slot.lower()


def _config(device: Fields, is_bridge: bool) -> bytes | None:
    if "config" not in device:
        return None
    place = device.place.at("config")
    config = read_config(device["config"], place)
    for key in (*_IDENTITY, "subsystem"):
        if key in device:
            raise device.bad(key, "stands beside config bytes, which already say it; leave one out")
    if word(config, regs.VENDOR_ID) in (0, 0xFFFF):
        raise place.bad(f"vendor id {word(config, 0):#06x} in the first two bytes means that nobody is there")
    if header_type(config) != is_bridge:
        wanted = "bridge" if header_type(config) == 1 else "endpoint" if header_type(config) == 0 else "CardBus bridge"
        raise place.bad(f"header type {header_type(config)} at 0x0e belongs to kind: {wanted}")
    return config


# --- BARs ------------------------------------------------------------------------------------------
def _bars(device: Fields, is_bridge: bool, config: bytes | None) -> tuple[BarDecl, ...]:
    most = 1 if is_bridge else 5
    taken: dict[int, int] = {}
    bars = []
    for value, place in device.items("bars"):
        fields = Fields(value, place, BAR_KEYS)
        bar = _bar(fields, most)
        if config is not None:
            _check_register(bar, config, fields)
        for number in (bar.n, bar.n + 1) if bar.kind.is_64bit else (bar.n,):
            if number in taken:
                raise fields.bad("n", f"collides: BAR register {number} is taken by BAR {taken[number]} (a 64-bit BAR takes two)")
            taken[number] = bar.n
        bars.append(bar)
    return tuple(bars)


def _bar(fields: Fields, most: int) -> BarDecl:
    n = fields.number("n", high=regs.ROM_RESOURCE)
    kind = KINDS[fields.word("type", KINDS)]
    if (kind is BarKind.ROM) != (n == regs.ROM_RESOURCE):
        raise fields.bad("n", f"does not go with type {kind.value}; the expansion ROM is number 6, and number 6 is the ROM")
    if most < n < regs.ROM_RESOURCE:
        raise fields.bad("n", "is too high; a bridge has BARs 0 and 1")
    if kind.is_64bit and n == most:
        raise fields.bad("n", f"is the last BAR; a 64-bit BAR takes two, put it at {n - 1} or below")
    size = fields.number("size")
    smallest, largest = _SMALLEST.get(kind, 16), _LARGEST.get(kind, 1 << 31)
    if size & (size - 1) or not size:
        raise fields.bad("size", "is not a power of two; a BAR register cannot say it")
    if not smallest <= size <= largest:
        bounds = f"{format_size(smallest)} to {format_size(largest)}"
        raise fields.bad("size", f"is not a size that type {kind.value} can have; {bounds} bytes")
    high = (1 << 64) - 1 if kind.is_64bit else 0xFFFF_FFFF
    return BarDecl(n, kind, size, fields.number("firmware", None, high=high))


def _check_register(bar: BarDecl, config: bytes, fields: Fields) -> None:
    """The type bits of a BAR are read-only: the config bytes must have those of the declared type."""
    if bar.kind is BarKind.ROM:
        return
    register = dword(config, regs.bar_register(bar.n))
    if register & (0x3 if register & 1 else 0xF) != bar.kind.low_bits:
        raise fields.bad("type", f"is not what the config bytes say: the register of BAR {bar.n} holds {register:#010x}")


def _bar_numbers(device: Fields, key: str) -> tuple[int, ...]:
    numbers = []
    for value, place in device.items(key):
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= regs.ROM_RESOURCE:
            raise place.bad(f"{show(value)} is not a BAR number; 0 to 6")
        numbers.append(value)
    return tuple(numbers)


# --- drivers, models, load -------------------------------------------------------------------------
def _driver(device: Fields, is_bridge: bool) -> str:
    driver = device.text("driver", "none")
    if driver in RECORDED_DRIVERS or _OWN_CLASS.fullmatch(driver):
        return driver
    if driver not in reference.NAMES:
        known = (*RECORDED_DRIVERS, *reference.NAMES, "file.py:Class")
        raise device.place.at("driver").unknown(driver, known, what="driver")
    if (driver == "port") != is_bridge:
        raise device.bad("driver", "is for bridges" if driver == "port" else "is for endpoints; 'port' is for bridges")
    return driver


def _model(device: Fields) -> str | None:
    model = device.text("model", None)
    names = [name for name in reference.NAMES if name != "port"]
    if model is not None and model not in names and not _OWN_CLASS.fullmatch(model):
        raise device.place.at("model").unknown(model, (*names, "file.py:Class"), what="model")
    return model


def read_load(value: object, place: Place) -> Load | None:
    """Return the I/O that `value` asks for: false or null for none, true for the usual amount, or an object."""
    if value is None or value is False:
        return None
    if value is True:
        return Load()
    fields = Fields(value, place, LOAD_KEYS)
    usual = Load()
    return Load(
        reads=fields.number("reads", usual.reads if "writes" not in fields else 0, high=10_000),
        writes=fields.number("writes", usual.writes if "reads" not in fields else 0, high=10_000),
        size=fields.number("size", usual.size, low=1, high=1 << 20),
    )


# --- bridges ---------------------------------------------------------------------------------------
def _controls(device: Fields, pcie: PcieType | None) -> tuple[str, ...]:
    """What a slot has beside the card; only the slot of a PCI Express port has registers for it."""
    found = []
    for value, place in device.items("controls"):
        if value not in CONTROLS:
            raise place.unknown(value, CONTROLS, what="value")
        found.append(str(value))
    if found and (not device.flag("hotplug", False) or pcie not in (PcieType.ROOT_PORT, PcieType.DOWNSTREAM)):
        raise device.bad("controls", "belongs to a PCI Express slot; add hotplug: true and pcie: root-port or downstream")
    return tuple(found)


def _prefetchable(device: Fields) -> int | None:
    value = device.values.get("prefetchable", 64)
    if value is None or (value in (32, 64) and not isinstance(value, bool)):
        return int(value) if value else None
    raise device.bad("prefetchable", "must be 64, 32 or null")


def _bridge_firmware(device: Fields) -> BridgeFirmware | None:
    if device.values.get("firmware") is None:
        return None
    fields = Fields(device["firmware"], device.place.at("firmware"), FIRMWARE_KEYS)
    bus = fields.numbers("bus", 3, 0xFF)
    windows = {key: fields.numbers(key, 2, (1 << 64) - 1 if key == "pref" else 0xFFFF_FFFF) for key in ("io", "mem", "pref")}
    pairs = {key: None if pair is None else (pair[0], pair[1]) for key, pair in windows.items()}
    return BridgeFirmware(None if bus is None else (bus[0], bus[1], bus[2]), **pairs)
