"""The events of a scenario: plain objects in, `EventSpec` out.

docs/reference/scenario.md is the list of ops. Judges an event by the devices it names; what it does is `happening`'s.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from movsdk.bench.device_schema import LOAD_KEYS, read_load
from movsdk.bench.fields import Fields, to_number
from movsdk.bench.force import FAILING, FORCE_KEYS, LOSSES, STEPS, Force
from movsdk.bench.place import Place, show
from movsdk.bench.scenario import DEFAULT_EVENTS, BridgeSpec, EventSpec, FunctionSpec
from movsdk.hooks import RESCAN_HOOKS
from movsdk.pci_regs import ROM_RESOURCE, PcieType, PowerState

_SLOT_OPS: Final = ("button", "link", "power_fault")  # something happens at the slot below a bridge
OPS: Final = (
    "boot",
    "rescan",
    "plug",
    "hotadd",
    "remove",
    "unplug",
    "io",
    "pull",
    *_SLOT_OPS,
    "suspend",
    "resume",
    "wait",
    "force",
    "hooks",
    "sleep",
    "wake",
)
_NAMELESS_OPS: Final = ("boot", "rescan", "wait", "sleep", "wake")
_ENDPOINT_OPS: Final = {"io": "does I/O", "force": "can be forced", "hooks": "has rescan hooks"}
_OWN_KEYS: Final = {
    "io": tuple(LOAD_KEYS),
    "wait": ("ms",),
    "pull": ("ms",),
    **dict.fromkeys(_SLOT_OPS, ("ms",)),
    "suspend": ("state",),
    "force": FORCE_KEYS,
    "hooks": ("calls",),
}
_STATES: Final = {"d1": PowerState.D1, "d2": PowerState.D2, "d3hot": PowerState.D3HOT, "d3cold": PowerState.D3COLD}
_LONGEST_WAIT: Final = 24 * 3600 * 1000
_MOST_VECTORS: Final = 2048  # of an MSI-X table
_BEFORE_BOOT: Final = ("plug", "unplug")


def read_events(top: Fields, by_id: Mapping[str, FunctionSpec]) -> tuple[EventSpec, ...]:
    """Return the events of a scenario, with a boot in front if there is none. Raises `BadInput` naming place and key."""
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
    event = Fields(value, place, ("op", "id", *_OWN_KEYS.get(str(op), ())))
    op = event.word("op", OPS)
    name = event.values.get("id")
    ms = event.number("ms", None, high=_LONGEST_WAIT)
    if op in _NAMELESS_OPS:
        if name is not None:
            raise event.bad("id", f"has nothing to name: {op} is for the whole machine")
        if op == "wait" and ms is None:
            raise place.bad("wait for how long? add 'ms', virtual milliseconds")
        return EventSpec(op, ms=ms)
    if name is None:
        raise place.bad(f"{op} of what? add the 'id' of a device")
    if not isinstance(name, str) or name not in by_id:
        raise place.at("id").unknown(name, by_id, what="device")
    if op == "hotadd" and not by_id[name].is_bridge:
        raise event.bad("id", f"is an endpoint; hotadd takes the bridge above it, {show(by_id[name].on)}")
    if op in _ENDPOINT_OPS and by_id[name].is_bridge:
        raise event.bad("id", f"is a bridge; only an endpoint {_ENDPOINT_OPS[op]}")
    _check_slot(event, op, by_id[name], by_id)
    load = {key: event.values[key] for key in LOAD_KEYS if key in event} or True
    state = _STATES[event.word("state", _STATES, "d3hot")] if op == "suspend" else None
    return EventSpec(
        op,
        name,
        read_load(load, place) if op == "io" else None,
        state,
        ms,
        _force(event, by_id) if op == "force" else None,
        tuple(_words(event, "calls", RESCAN_HOOKS)) if op == "hooks" else (),
    )


def _force(event: Fields, by_id: Mapping[str, FunctionSpec]) -> Force:
    words: dict[str, Any] = {
        key: tuple(to_number(item, event.place.at(key), n, high=ROM_RESOURCE) for n, (item, _) in enumerate(event.items(key)))
        for key in ("bars", "lose", "shrink")
        if key in event
    }
    known = {"reset": LOSSES, "fails": FAILING, "pull": STEPS, "recover": STEPS, "again": STEPS}
    words |= {key: event.word(key, values) for key, values in known.items() if key in event}
    if "vectors" in event:
        words["vectors"] = event.number("vectors", low=1, high=_MOST_VECTORS)
    if "order" in event:
        words["order"] = tuple(_words(event, "order", by_id))
    return Force(**words)


def _words(event: Fields, key: str, known: Collection[str]) -> Iterator[str]:
    """A list of `known` words, at least one."""
    if not event[key]:
        raise event.bad(key, "is empty")
    for item, place in event.items(key):
        if not isinstance(item, str) or item not in known:
            raise place.unknown(item, known, what="value")
        yield item


def _check_slot(event: Fields, op: str, spec: FunctionSpec, by_id: Mapping[str, FunctionSpec]) -> None:
    """What is done at a slot needs a slot that can tell. Of dumped ports only their bytes know; they are played as they are."""
    port = by_id.get(spec.on) if op == "pull" else spec
    if op == "pull" and not (isinstance(port, BridgeSpec) and (port.hotplug or port.config is not None)):
        raise event.bad("id", f"sits in no hot-plug slot that could tell of it; use unplug, or add hotplug to {show(spec.on)}")
    if op not in _SLOT_OPS:
        return
    if not isinstance(port, BridgeSpec):
        raise event.bad("id", f"is an endpoint; {op} takes the bridge above it, {show(spec.on)}")
    if port.config is None and (not port.hotplug or port.pcie not in (PcieType.ROOT_PORT, PcieType.DOWNSTREAM)):
        raise event.bad("id", f"has no PCI Express slot; {op} needs hotplug: true and pcie: root-port or downstream")
    needed = {"button": "button", "power_fault": "power"}.get(op)
    if port.config is None and needed is not None and needed not in port.controls:
        raise event.bad("id", f"has a slot without that; add controls: [{needed}]")
