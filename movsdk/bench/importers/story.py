"""A scenario out of dumps: the machine of the first, and the events that lead to the others.

A function is the same in two dumps if its path and ids are. What turns up is plugged and hot-added, what is gone is removed.
Knows no file format; see `folder`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from attrs import define, evolve, field, frozen

from movsdk import pci_regs as regs
from movsdk.address import SlotPath
from movsdk.bench import reference
from movsdk.bench.config_facts import dword, is_hotplug_port, word
from movsdk.bench.importers.bars import bar_name, bars_of
from movsdk.bench.importers.drivers import our_driver
from movsdk.bench.importers.folder import Dump, DumpedFunction, read_dump
from movsdk.bench.importers.power_on import power_on_bytes
from movsdk.bench.scenario import ROOT, BridgeSpec, EndpointSpec, EventSpec, FunctionSpec, Scenario
from movsdk.bench.scenario_schema import parse
from movsdk.bench.scenario_text import to_plain
from movsdk.bench.sizes import format_size
from movsdk.errors import BadInput


@frozen
class Imported:
    """A scenario, and what of the dumps is not in it or had to be assumed, a line each."""

    scenario: Scenario
    notes: tuple[str, ...]


def import_machine(folder: str | Path) -> Scenario:
    """Return the machine dumped in `folder`, with `boot` as its only event.

    Raises:
        BadInput: names file and line.
    """
    return import_story([folder])


def import_story(folders: Sequence[str | Path]) -> Scenario:
    """Return the machine of the first folder and the events that lead from dump to dump.

    Raises:
        BadInput: a dump cannot be read, the size of a BAR is in none of them, or a slot changed its card; names file and line.
    """
    if not folders:
        raise BadInput("no dump folder to import")
    return import_dumps([read_dump(folder) for folder in folders]).scenario


def import_dumps(dumps: Sequence[Dump]) -> Imported:
    """The same for dumps that were read, with notes. Raises `BadInput`."""
    story = _Story(list(dumps))
    scenario = story.scenario()
    return Imported(scenario, (*dict.fromkeys((*(note for dump in dumps for note in dump.notes), *story.notes)),))


@define(eq=False)
class _Story:
    """What is known while the dumps are told one after the other."""

    dumps: list[Dump]
    specs: dict[SlotPath, FunctionSpec] = field(factory=dict, init=False)
    ids: dict[SlotPath, tuple[int, ...]] = field(factory=dict, init=False)
    events: list[EventSpec] = field(factory=lambda: [EventSpec("boot")], init=False)
    names: set[str] = field(factory=set, init=False)
    notes: list[str] = field(factory=list, init=False)

    def scenario(self) -> Scenario:
        """All of it."""
        for dump in self.dumps:
            if dump.domain != self.dumps[0].domain:
                problem = f"domain {dump.domain:04x}, but {self.dumps[0].folder} is domain {self.dumps[0].domain:04x}"
                raise BadInput(f"{dump.folder}: {problem}; a scenario is one domain")
            self._declare(dump)
        for before, after in zip(self.dumps, self.dumps[1:], strict=False):
            self._tell(before, after)
        first = self.dumps[0]
        scenario = Scenario(
            name=" then ".join(dump.folder.resolve().name for dump in self.dumps),
            windows=first.windows,
            ram=first.ram,
            reserved=first.reserved,
            domain=first.domain,
            cmdline=first.cmdline,
            devices=tuple(self.specs.values()),
            events=tuple(self.events),
        )
        return parse(to_plain(scenario), where=str(first.folder))  # whoever edits the file meets the same checks

    # --- devices -----------------------------------------------------------------------------------
    def _declare(self, dump: Dump) -> None:
        """Add the functions that no earlier dump has; a bridge before what is below it."""
        is_first = dump is self.dumps[0]
        for path, function in sorted(dump.functions.items(), key=lambda item: len(item[0].slots)):
            if path in self.specs:
                if self.ids[path] != function.ids:
                    old, new = (":".join(f"{number:04x}" for number in ids[:2]) for ids in (self.ids[path], function.ids))
                    problem = f"{function.bdf} is {new} here and was {old} before; a scenario holds one card a slot"
                    raise function.at.bad(f"{problem}, import the two parts of the story apart")
                self._say_other_sizes(self.specs[path], function)
                continue
            self.ids[path] = function.ids
            self.specs[path] = self._spec(function, is_first)
            self.names.add(self.specs[path].id)

    def _say_other_sizes(self, spec: FunctionSpec, function: DumpedFunction) -> None:
        """A card of the same kind with other BARs, or a BAR that was resized, between two moments: not played, so told."""
        for bar in spec.bars:
            resource = function.resources.bars[bar.n]
            if resource.exists and not resource.is_shadow_rom and resource.size != bar.size:
                now, before = format_size(resource.size), format_size(bar.size)
                self.notes.append(
                    f"{resource.at}: {function.bdf} {bar_name(bar.n)} has {now} here and had {before} before: another card, "
                    f"or a resized BAR; played with {before} all along"
                )

    def _spec(self, function: DumpedFunction, is_first: bool) -> FunctionSpec:
        bars = tuple(bars_of(function, self.dumps, self.notes))
        above = SlotPath(function.path.domain, function.path.slots[:-1])
        config = function.config
        if not is_first:
            config = power_on_bytes(config, bars, is_bridge=function.is_bridge)
        driver = our_driver(function.driver, function.is_bridge)
        if driver in reference.NAMES and not function.is_bridge and not any(bar.n == 0 for bar in bars):
            self.notes.append(f"{function.at}: {function.bdf} is bound to {driver}, but shows no BAR 0; played as fixed")
            driver = "fixed"
        common: dict[str, Any] = {
            "id": self._name(function),
            "on": self.specs[above].id if above.slots else ROOT,
            "slot": function.path.slots[-1],
            "present": is_first,
            "bars": bars,
            "driver": driver,
            "facts": function.facts if driver == "fixed" else evolve(function.facts, driver=None),
            "pci_fixed": tuple(bar.n for bar in bars if function.resources.bars[bar.n].is_pinned),
            "config": config,
        }
        if not function.is_bridge:
            return EndpointSpec(**common)
        hotplug = function.hotplug or is_hotplug_port(config)
        return BridgeSpec(**common, hotplug=hotplug, prefetchable=_prefetchable(function), io=_has_io(function))

    def _name(self, function: DumpedFunction) -> str:
        """Its address, as people call it; its path where an address has meant somebody else before."""
        short = function.bdf.short
        return str(function.path) if short in self.names else short

    # --- events ------------------------------------------------------------------------------------
    def _tell(self, before: Dump, after: Dump) -> None:
        """Add the events between two moments."""
        for path in _outermost(path for path in before.functions if path not in after.functions):
            self.events.append(EventSpec("remove", self.specs[path].id))
        by_port: dict[SlotPath, list[SlotPath]] = {}
        for path in _outermost(path for path in after.functions if path not in before.functions):
            by_port.setdefault(SlotPath(path.domain, path.slots[:-1]), []).append(path)
        for port, newcomers in by_port.items():
            for path in newcomers:
                self.events.append(EventSpec("plug", self.specs[path].id))
                self._take_out_latecomers(path, after)
            self.events.append(EventSpec("hotadd", self.specs[port].id) if port.slots else EventSpec("rescan"))

    def _take_out_latecomers(self, plugged: SlotPath, after: Dump) -> None:
        """`plug` brings everything below; what is not there yet at this moment goes out again before the kernel looks."""
        below = (path for path in self.specs if _is_below(path, plugged) and path not in after.functions)
        for path in _outermost(below):
            self.events.append(EventSpec("unplug", self.specs[path].id))


def _is_below(path: SlotPath, above: SlotPath) -> bool:
    return len(path.slots) > len(above.slots) and path.slots[: len(above.slots)] == above.slots


def _outermost(paths: Iterable[SlotPath]) -> list[SlotPath]:
    """Those of `paths` that are not below another of them, in order."""
    found: list[SlotPath] = []
    for path in sorted(paths):
        if not any(_is_below(path, above) for above in found):
            found.append(path)
    return found


# --- bridges ---------------------------------------------------------------------------------------
def _prefetchable(bridge: DumpedFunction) -> int | None:
    """Width of the prefetchable window: by its type bits, else by whether anything ever stood in its registers."""
    if word(bridge.config, regs.PREF_MEMORY_BASE) & 0xF:
        return 64
    is_written = dword(bridge.config, regs.PREF_MEMORY_BASE) != 0
    return 32 if is_written or _kernel_has(bridge, 2) else None


def _has_io(bridge: DumpedFunction) -> bool:
    return word(bridge.config, regs.IO_BASE) != 0 or _kernel_has(bridge, 0)


def _kernel_has(bridge: DumpedFunction, window: int) -> bool:
    windows = bridge.resources.windows
    return window < len(windows) and windows[window].exists
