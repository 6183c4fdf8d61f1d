"""What the devices of a scenario are to one another: names, bridges above, slots.

Refuses only what no machine can be; odd bus numbers and overlapping addresses are the kernel's business.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from movsdk.bench.config_facts import pcie_type
from movsdk.bench.place import Place, show
from movsdk.bench.scenario import ROOT, Aperture, FunctionSpec
from movsdk.pci_regs import PcieType

_MOST_BUSES: Final = 256


def check_structure(devices: Sequence[FunctionSpec], place: Place) -> dict[str, FunctionSpec]:
    """Return the devices by id. Raises `BadInput` naming the first that cannot be; `place` is that of the list."""
    by_id: dict[str, FunctionSpec] = {}
    for index, spec in enumerate(devices):
        if spec.id in by_id:
            first = next(number for number, other in enumerate(devices) if other.id == spec.id)
            raise place.at(index).at("id").bad(f"{show(spec.id)} is the id of devices[{first}] too; ids are unique")
        by_id[spec.id] = spec
    for index, spec in enumerate(devices):
        _check_above(spec, by_id, place.at(index).at("on"))
    rooted: dict[str, int] = {ROOT: 0}
    for index, spec in enumerate(devices):
        _check_no_cycle(spec, by_id, rooted, place.at(index).at("on"))
    _check_slots(devices, by_id, place)
    return by_id


def _check_above(spec: FunctionSpec, by_id: dict[str, FunctionSpec], place: Place) -> None:
    if spec.on == ROOT:
        return
    if spec.on not in by_id:
        raise place.unknown(spec.on, (ROOT, *(name for name, above in by_id.items() if above.is_bridge)), what="bridge")
    if not by_id[spec.on].is_bridge:
        raise place.bad(f"{show(spec.on)} is an endpoint; only a bridge has a bus below it")


def _check_no_cycle(spec: FunctionSpec, by_id: dict[str, FunctionSpec], rooted: dict[str, int], place: Place) -> None:
    """Walk up until somebody who was seen to be `rooted`, so many bridges deep; add the walk to them."""
    chain = {spec.id: None}  # ordered, and quick to ask
    above = spec.on
    while above not in rooted:
        if above in chain:
            names = [*chain, above]
            shown = names if len(names) <= 8 else [*names[:4], "...", *names[-3:]]
            raise place.bad(f"a cycle of bridges: {' on '.join(shown)}; one of them must be on {ROOT!r}")
        chain[above] = None
        above = by_id[above].on
    for depth, name in enumerate(reversed(chain), rooted[above] + 1):
        rooted[name] = depth
    if rooted[spec.id] > _MOST_BUSES:
        raise place.bad(f"{show(spec.id)} lies below {rooted[spec.id] - 1} bridges; a domain has {_MOST_BUSES} buses")


def _check_slots(devices: Sequence[FunctionSpec], by_id: dict[str, FunctionSpec], place: Place) -> None:
    taken: dict[tuple[str, str], str] = {}
    for index, spec in enumerate(devices):
        here = place.at(index).at("slot")
        other = taken.setdefault((spec.on, spec.slot), spec.id)
        if other != spec.id:
            raise here.bad(f"slot {spec.slot} on {show(spec.on)} already holds {show(other)}; one function a slot")
        if spec.on != ROOT and not spec.slot.startswith("00.") and _has_one_device(by_id[spec.on]):
            raise here.bad(f"slot {spec.slot} below the PCIe port {show(spec.on)}: only device 00 can answer there")
    for index, spec in enumerate(devices):
        first = spec.slot[:3] + "0"
        if (spec.on, first) not in taken:
            problem = f"function {spec.slot} on {show(spec.on)} without function {first}; nobody looks for it then"
            raise place.at(index).at("slot").bad(problem)


def _has_one_device(bridge: FunctionSpec) -> bool:
    kind = bridge.pcie if bridge.config is None else pcie_type(bridge.config)
    return kind in (PcieType.ROOT_PORT, PcieType.DOWNSTREAM)


def check_apertures(windows: Sequence[Aperture], place: Place) -> None:
    """Refuse two apertures that claim one address."""
    for index, window in enumerate(windows):
        for other in windows[:index]:
            if window.is_io == other.is_io and window.span.overlaps(other.span):
                raise place.at(index).bad(f"{window.span} overlaps the aperture {other.span}; an address has one way to the bus")
