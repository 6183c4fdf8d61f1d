"""A scenario as QEMU can play it: which stock device stands for what, what comes and goes when, and what is not as it was.

Twin: a tester with a QEMU command line. QEMU's limits, found by trial with 7.2: nothing is hot-added to the root bus,
no switch is hot-added, a device is added to a slot only. Writes no text; see `qemu`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from typing import Any, Final

from attrs import define, field, frozen

from mockbus.topology import Machine
from movsdk import pci_regs as regs
from movsdk.bench.assembly import assemble
from movsdk.bench.config_facts import is_hotplug_port, pcie_type
from movsdk.bench.exporters.qemu_stock import Options, Stock, nearest
from movsdk.bench.scenario import ROOT, BridgeSpec, EventSpec, FunctionSpec, Scenario
from movsdk.bench.sizes import format_size
from movsdk.pci_regs import BarKind, PcieType

ROOT_BUS: Final = "pcie.0"
_OWN_SLOTS: Final = (0x00, 0x1F)
_OWN_IDS: Final = {(0x8086, 0x29C0), (0x8086, 0x2918), (0x8086, 0x2922), (0x8086, 0x2930)}
_PORT, _UP, _DOWN, _TO_PCI, _PLAIN = "pcie-root-port", "x3130-upstream", "xio3130-downstream", "pcie-pci-bridge", "pci-bridge"
_EXPRESS_SLOTS: Final = (_PORT, _DOWN)
_PORTS: Final = (_PORT, _UP, _DOWN)
_WORDS: Final = {_PORT: "a root port", _UP: "an upstream port", _DOWN: "a downstream port", _TO_PCI: "a PCIe-to-PCI bridge"}
_BY_TYPE: Final = {PcieType.UPSTREAM: _UP, PcieType.DOWNSTREAM: _DOWN, PcieType.PCI_BRIDGE: _TO_PCI, PcieType.ROOT_PORT: _PORT}


@frozen
class Part:
    """One ``-device``: `name` is its id in QEMU. `backend`: bytes of the memory object ``NAME-mem``, 0 for none."""

    name: str
    driver: str
    options: Options
    backend: int = 0


@frozen
class Step:
    """What one event comes to: QMP `commands`, the ids that `leave`, and what is to be done by hand or cannot be done."""

    title: str
    commands: tuple[dict[str, Any], ...] = ()
    leave: tuple[str, ...] = ()
    note: str = ""


@frozen
class Plan:
    """`cold` parts are there from the start, parents first."""

    cold: tuple[Part, ...]
    steps: tuple[Step, ...]
    deviations: tuple[str, ...]


def make_plan(scenario: Scenario) -> Plan:
    """Plan all of `scenario`. Raises `BadInput` as `assemble` does."""
    planner = _Planner(scenario, assemble(scenario))
    return planner.plan()


@define(eq=False)
class _Planner:
    scenario: Scenario
    machine: Machine
    deviations: list[str] = field(factory=list, init=False)
    parts: dict[str, Part] = field(factory=dict, init=False)
    cold: set[str] = field(init=False)
    stuck: set[str] = field(factory=set, init=False)  # on the root bus: there from the start, for good
    _with_backend: set[str] = field(factory=set, init=False)
    _moved: dict[tuple[str, str], int] = field(factory=dict, init=False)
    _chassis: int = field(default=0, init=False)

    def plan(self) -> Plan:
        events = list(self.scenario.events)
        while events and events[0].op != "boot":
            self._happen(events.pop(0))
        self.cold = self._present()
        for spec in self.scenario.top_down():
            self._add(spec)
        steps = tuple(self._steps(events[1:]))
        cold = tuple(part for label, part in self.parts.items() if label in self.cold | self.stuck)
        return Plan(cold, steps, tuple(self.deviations))

    # --- who is there ------------------------------------------------------------------------------------
    def _present(self) -> set[str]:
        return {function.label for function in self.machine if function.present}

    def _happen(self, event: EventSpec) -> None:
        if event.op == "plug":
            self.machine.plug(event.id or "", told=False)
        elif event.op in ("unplug", "remove", "pull"):
            self.machine.unplug(event.id or "", told=False)

    # --- parts ---------------------------------------------------------------------------------------------
    def _add(self, spec: FunctionSpec) -> None:
        if spec.on != ROOT and spec.on not in self.parts:
            self.deviations.append(f"{spec.id}: left out with {spec.on}")
            return
        bus = ROOT_BUS if spec.on == ROOT else self.parts[spec.on].name
        config = self.machine.function(spec.id).config
        ids = (config.read(regs.VENDOR_ID, 2), config.read(regs.DEVICE_ID, 2))
        number = _function(spec)
        if spec.on == ROOT and not isinstance(spec, BridgeSpec) and ids in _OWN_IDS and int(spec.slot[:2], 16) in _OWN_SLOTS:
            return
        slot = self._slot(spec)
        if spec.on == ROOT and spec.id not in self.cold:
            self.stuck.add(spec.id)
            self.deviations.append(f"{spec.id}: there from the start; nothing can be hot-added to the root bus")
        options: Options = {"bus": bus, "addr": f"{slot:02x}.{number}"}
        siblings = [other for other in self.scenario.devices if (other.on, other.slot[:2]) == (spec.on, spec.slot[:2])]
        if not number and len(siblings) > 1:
            options["multifunction"] = True
        if isinstance(spec, BridgeSpec):
            driver, own = self._bridge(spec)
            self.parts[spec.id] = Part(self._name(spec.id), driver, own | options)
            return
        stock = self._endpoint(spec.id, ids)
        name = self._name(spec.id)
        memory: Options = {"memdev": f"{name}-mem"} if stock.backend else {}
        self.parts[spec.id] = Part(name, stock.driver, stock.options | memory | options, stock.backend)

    def _name(self, label: str) -> str:
        # With a prefix: QEMU knows a bus by its id, and an id such as "port" is a property of a bridge already.
        name = "d-" + re.sub(r"[^A-Za-z0-9._-]", "-", label)
        taken = {part.name for part in self.parts.values()}
        return next(each for each in (name, *(f"{name}-{n}" for n in range(2, len(taken) + 3))) if each not in taken)

    def _slot(self, spec: FunctionSpec) -> int:
        """Where the device goes: where it was, if QEMU lets it. All functions of a device go together."""
        slot, key = int(spec.slot[:2], 16), (spec.on, spec.slot[:2])
        has_own = spec.on == ROOT and slot in _OWN_SLOTS
        is_refused = spec.on != ROOT and bool(self.parts[spec.on].options.get("shpc")) and not slot
        if key not in self._moved and (has_own or is_refused):
            taken = {int(other.slot[:2], 16) for other in self.scenario.devices if other.on == spec.on}
            taken |= {moved for (on, _), moved in self._moved.items() if on == spec.on}
            self._moved[key] = next((free for free in range(1, 0x1F) if free not in taken), 1)
        if key in self._moved:
            why = "q35 has its own device there" if has_own else "the slots of pci-bridge begin with 1"
            self.deviations.append(f"{spec.id}: at {self._moved[key]:02x}.{_function(spec)} instead of {spec.slot}; {why}")
        return self._moved.get(key, slot)

    def _endpoint(self, label: str, ids: tuple[int, int]) -> Stock:
        bars = self.machine.function(label).bars.values()
        wanted = [(bar.spec.kind, bar.spec.size) for bar in bars]
        stock = nearest(wanted, ids)
        if sorted(map(_words, wanted)) != sorted(map(_words, stock.bars)):
            has = ", ".join(map(_words, wanted)) or "no BAR"
            self.deviations.append(f"{label}: {stock.driver} has {', '.join(map(_words, stock.bars))}; wanted is {has}")
        return stock

    def _bridge(self, spec: BridgeSpec) -> tuple[str, Options]:
        above = self.parts[spec.on].driver if spec.on != ROOT else ""
        kind = spec.pcie if spec.config is None else pcie_type(spec.config)
        has_slot = spec.hotplug or (spec.config is not None and is_hotplug_port(spec.config))
        changes = any(other.on == spec.id and self._comes_or_goes(other.id) for other in self.scenario.devices)
        driver = self._bridge_driver(spec, kind, above, has_slot or changes)
        wanted = _BY_TYPE.get(kind, _PLAIN) if kind is not None else _PLAIN
        if driver != wanted:
            self.deviations.append(f"{spec.id}: {driver} instead of {_WORDS.get(wanted, 'a conventional bridge')}")
        if spec.config is None and (not spec.io or spec.prefetchable != 64):
            self.deviations.append(f"{spec.id}: has an I/O window and a 64-bit prefetchable one")
        if changes and not has_slot and driver in (*_EXPRESS_SLOTS, _PLAIN):
            self.deviations.append(f"{spec.id}: has a hot-plug slot, because QEMU adds and removes devices in slots only")
        slotted = has_slot or changes
        self._chassis += 1
        if driver in _EXPRESS_SLOTS:
            return driver, {"chassis": self._chassis, "slot": self._chassis, "hotplug": slotted}
        return driver, {"chassis_nr": self._chassis, "shpc": slotted} if driver == _PLAIN else {}

    def _bridge_driver(self, spec: BridgeSpec, kind: PcieType | None, above: str, has_slot: bool) -> str:
        is_cold = spec.id in self.cold or spec.on == ROOT
        if kind is PcieType.ROOT_PORT and not above:
            return _PORT
        if kind is PcieType.UPSTREAM and is_cold and above in _EXPRESS_SLOTS:
            return _UP
        if kind is PcieType.DOWNSTREAM and is_cold and above == _UP:
            return _DOWN
        if kind is PcieType.PCI_BRIDGE and above in ("", *_EXPRESS_SLOTS):
            return _TO_PCI
        only_first = all(other.slot[:2] == "00" for other in self.scenario.devices if other.on == spec.id)
        return _PORT if kind is None and has_slot and not above and only_first else _PLAIN

    def _comes_or_goes(self, label: str) -> bool:
        named = any(event.id == label and event.op in ("plug", "unplug", "remove", "pull") for event in self.scenario.events)
        return label not in self.cold or named

    # --- steps -----------------------------------------------------------------------------------------------
    def _steps(self, events: list[EventSpec]) -> Iterator[Step]:
        """A step for each event; what is plugged and unplugged before anybody is told is one step."""
        for is_silent, group in groupby(events, lambda event: event.op in ("plug", "unplug")):
            for together in [list(group)] if is_silent else [[event] for event in group]:
                before = self._present()
                for event in together:
                    self._happen(event)
                come, go = self._present() - before, before - self._present()
                title = ", ".join(map(str, together))
                leave = sorted(self.parts[label].name for label in go if self._can_go(label))
                yield Step(title, tuple(self._commands(come, go)), tuple(leave), self._note(together[-1], come, go))

    def _commands(self, come: set[str], go: set[str]) -> Iterator[dict[str, Any]]:
        order = [spec for spec in self.scenario.top_down() if self._can_go(spec.id)]
        # Function 0 last: it is what tells the guest of its slot.
        for spec in sorted(
            (spec for spec in order if spec.id in come), key=lambda spec: (order.index(self._first(spec)), -_function(spec))
        ):
            part = self.parts[spec.id]
            if part.backend and spec.id not in self._with_backend:
                self._with_backend.add(spec.id)
                memory = {"qom-type": "memory-backend-ram", "id": f"{part.name}-mem", "size": part.backend}
                yield {"execute": "object-add", "arguments": memory}
            yield {"execute": "device_add", "arguments": {"driver": part.driver, "id": part.name, **part.options}}
        done: set[tuple[str, str]] = set()
        for spec in (spec for spec in order if spec.id in go and not (spec.on in go and self._can_go(spec.on))):
            if (spec.on, spec.slot[:2]) not in done:  # a slot loses all its functions at once
                done.add((spec.on, spec.slot[:2]))
                yield {"execute": "device_del", "arguments": {"id": self.parts[spec.id].name}}

    def _first(self, spec: FunctionSpec) -> FunctionSpec:
        """The first in file order of those that share a slot."""
        return next(other for other in self.scenario.top_down() if (other.on, other.slot[:2]) == (spec.on, spec.slot[:2]))

    def _can_go(self, label: str) -> bool:
        """Whether QEMU adds and removes it while the machine runs: no port of a switch or root, nothing on the root bus."""
        part = self.parts.get(label)
        return part is not None and label not in self.stuck and part.driver not in _PORTS and part.options["bus"] != ROOT_BUS

    def _note(self, event: EventSpec, come: set[str], go: set[str]) -> str:
        if not all(map(self._can_go, come | go)):
            return "not all of it: ports, and what is on the root bus, stay; see the deviations"
        if event.op in ("plug", "unplug"):
            return "orderly in QEMU: the guest is asked and lets go" if go else ""
        return _NOTES.get(event.op, "")


_NOTES: Final = {
    "rescan": "in the guest: echo 1 > /sys/bus/pci/rescan",
    "hotadd": "the guest does this by itself when a card is added",
    "link": "the guest does this by itself when a card is added",
    "pull": "orderly in QEMU: the guest is asked and lets go",
    "button": "not played: QEMU presses the button only to remove a card",
    "power_fault": "not played: QEMU's slots have no power faults",
    "io": "in the guest: use the device",
    "suspend": "in the guest: echo auto > /sys/bus/pci/devices/.../power/control",
    "resume": "in the guest: echo on > /sys/bus/pci/devices/.../power/control",
    "wait": "wait",
    "force": "not played: nothing in QEMU forces a BAR away; a card that needs the room does",
    "hooks": "not played: no guest calls hooks out of turn",
    "sleep": "in the guest: echo mem > /sys/power/state",
    "wake": "in QEMU's monitor: system_wakeup",
}


def _words(shape: tuple[BarKind, int]) -> str:
    return f"{shape[0].value} {format_size(shape[1])}"


def _function(spec: FunctionSpec) -> int:
    return int(spec.slot[-1], 16)
