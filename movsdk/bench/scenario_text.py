"""A scenario as text that `scenario_file.load` reads back equal: YAML for people, or JSON.

Writes only what is not the default, except a few lines one wants to see. Addresses in hex, sizes as ``64M``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from movsdk.address import Span
from movsdk.bench.config_bytes import config_rows
from movsdk.bench.device_facts import plain_facts
from movsdk.bench.device_schema import PCIE_TYPES
from movsdk.bench.scenario import (
    DEFAULT_PLATFORM,
    BarDecl,
    BridgeFirmware,
    BridgeSpec,
    EndpointSpec,
    EventSpec,
    FunctionSpec,
    Load,
    Scenario,
)
from movsdk.bench.sizes import format_size

_PLAIN: Final = re.compile(r"[A-Za-z_][\w./ -]*[\w/]|[A-Za-z_]", re.ASCII)
_HEX_ROW: Final = re.compile(r"[0-9a-f]{2}( [0-9a-f]{2})+")
_LINE: Final = 120
_PCIE_NAMES: Final = {kind: name for name, kind in PCIE_TYPES.items()}


class Hex(int):
    """A number that reads best in hex."""

    def __str__(self) -> str:
        return f"{int(self):#x}"


class Size(int):
    """A number of bytes."""

    def __str__(self) -> str:
        return format_size(int(self))


def dump_scenario(scenario: Scenario, style: str = "yaml") -> str:
    """Return `scenario` as text in `style` "yaml" or "json". References stay as the user wrote them."""
    plain = to_plain(scenario)
    return json.dumps(plain, indent=1) + "\n" if style == "json" else yaml_block(plain)


def yaml_block(plain: Mapping[str, Any]) -> str:
    """Return dicts, lists, numbers and text as YAML that `yaml_text.read_yaml` reads back equal; keys are plain words."""
    return "\n".join(_block(plain, "")) + "\n"


def to_plain(scenario: Scenario) -> dict[str, Any]:
    """Return `scenario` as dicts, lists, numbers and text, as `scenario_schema.parse` takes them."""
    plain: dict[str, Any] = {"format": scenario.format}
    said = {"name": scenario.name, "about": scenario.about, "cmdline": scenario.cmdline}
    plain |= {key: text for key, text in said.items() if text}
    if scenario.platform != DEFAULT_PLATFORM:
        plain["platform"] = scenario.platform
    if scenario.domain:
        plain["domain"] = Hex(scenario.domain)
    plain["windows"] = [{"type": window.kind, **_span(window.span)} for window in scenario.windows]
    reserve = scenario.reserve
    plain["reserve"] = {"io": Size(reserve.io), "mem": Size(reserve.mem), "pref": Size(reserve.pref), "buses": reserve.buses}
    plain |= {"min_mem": Size(scenario.min_mem), "min_io": Size(scenario.min_io)}
    plain["ram"] = [_span(piece.span) | _name(piece.name) for piece in scenario.ram]
    if scenario.reserved:
        plain["reserved"] = [{"type": piece.kind, **_span(piece.span), **_name(piece.name)} for piece in scenario.reserved]
    plain["devices"] = [_device(spec) for spec in scenario.devices]
    plain["events"] = [_event(event) for event in scenario.events]
    return plain


def _span(span: Span) -> dict[str, Any]:
    return {"start": Hex(span.start), "last": Hex(span.last)}


def _name(name: str) -> dict[str, Any]:
    return {"name": name} if name else {}


def _device(spec: FunctionSpec) -> dict[str, Any]:
    plain: dict[str, Any] = {"id": spec.id, "on": spec.on, "slot": spec.slot, "kind": "bridge" if spec.is_bridge else "endpoint"}
    if not spec.present:
        plain["present"] = False
    numbers = {"class": spec.class_code, "vendor": spec.vendor, "device": spec.device, "revision": spec.revision}
    plain |= {key: Hex(number) for key, number in numbers.items() if number is not None}
    if spec.pcie is not None:
        plain["pcie"] = _PCIE_NAMES[spec.pcie]
    if spec.driver != "none" or not spec.is_bridge:
        plain["driver"] = spec.driver
    plain |= {key: list(bars) for key, bars in (("fixed_bars", spec.fixed_bars), ("pci_fixed", spec.pci_fixed)) if bars}
    if isinstance(spec, EndpointSpec):
        plain |= {"subsystem": [Hex(number) for number in spec.subsystem]} if spec.subsystem is not None else {}
        plain |= {"model": spec.model} if spec.model is not None else {}
        plain |= {"load": _load(spec.load)} if spec.load is not None else {}
        plain |= {"lit": spec.lit} if spec.lit is not None else {}
    if isinstance(spec, BridgeSpec):
        plain["hotplug"] = spec.hotplug
        plain |= {"controls": list(spec.controls)} if spec.controls else {}
        plain |= {"prefetchable": spec.prefetchable, "io": spec.io}
        plain |= {"firmware": _firmware(spec.firmware)} if spec.firmware is not None else {}
    if spec.bars or not spec.is_bridge:
        plain["bars"] = [_bar(bar) for bar in spec.bars]
    if spec.config is not None:
        plain["config"] = config_rows(spec.config)
    return plain | plain_facts(spec.facts)


def _bar(bar: BarDecl) -> dict[str, Any]:
    plain: dict[str, Any] = {"n": bar.n, "type": bar.kind.value, "size": Size(bar.size)}
    return plain if bar.firmware is None else plain | {"firmware": Hex(bar.firmware)}


def _firmware(firmware: BridgeFirmware) -> dict[str, Any]:
    windows = {"io": firmware.io, "mem": firmware.mem, "pref": firmware.pref}
    plain: dict[str, Any] = {} if firmware.bus is None else {"bus": list(firmware.bus)}
    return plain | {key: [Hex(number) for number in pair] for key, pair in windows.items() if pair is not None}


def _load(load: Load) -> dict[str, Any]:
    return {"reads": load.reads, "writes": load.writes, "size": Size(load.size)}


def _event(event: EventSpec) -> dict[str, Any]:
    plain: dict[str, Any] = {"op": event.op}
    plain |= {} if event.id is None else {"id": event.id}
    plain |= {} if event.state is None else {"state": event.state.name.lower()}
    plain |= {} if event.ms is None else {"ms": event.ms}
    plain |= {} if event.force is None else event.force.plain()
    plain |= {"calls": list(event.calls)} if event.calls else {}
    return plain if event.load is None else plain | _load(event.load)


# --- YAML ------------------------------------------------------------------------------------------
def _block(values: Mapping[str, Any], indent: str) -> Iterator[str]:
    for key, value in values.items():
        flow = _flow(value)
        is_short = len(indent) + len(key) + len(flow) + 2 <= _LINE and key != "config"
        is_list_of_objects = isinstance(value, list) and bool(value) and isinstance(value[0], dict)
        if not isinstance(value, dict | list) or (is_short and not is_list_of_objects):
            yield f"{indent}{key}: {flow}"
        elif isinstance(value, dict):
            yield f"{indent}{key}:"
            yield from _block(value, indent + "  ")
        else:
            yield f"{indent}{key}:"
            for item in value:
                yield from _item(item, indent + "  ")


def _item(item: Any, indent: str) -> Iterator[str]:
    flow = _flow(item)
    is_short = len(indent) + len(flow) + 2 <= _LINE
    if not isinstance(item, dict) or (is_short and not any(isinstance(value, list) for value in item.values())):
        yield f"{indent}- {flow}"
        return
    first, *rest = _block(item, indent + "  ")
    yield f"{indent}- {first.lstrip()}"
    yield from rest


def _flow(value: object) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(_flow(item) for item in value) + "]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return quoted(value) if isinstance(value, str) else str(value)


def quoted(text: str) -> str:
    """Return `text` as YAML, in quotes where other readers might take it for something else.

    >>> quoted("plain-name"), quoted("01.0"), quoted("null"), quoted("say \\"hi\\"")
    ('plain-name', '"01.0"', '"null"', '"say \\\\"hi\\\\""')
    """
    is_word = text.lower() in ("null", "true", "false", "yes", "no", "on", "off", "y", "n")
    if _HEX_ROW.fullmatch(text) or (_PLAIN.fullmatch(text) and not is_word):
        return text
    return '"' + "".join(_escaped(char) for char in text) + '"'


def _escaped(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    return char if char.isprintable() else f"\\U{ord(char):08x}"
