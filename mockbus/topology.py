"""A machine from a declaration: host bridge, bridges, functions, and the hand that plugs and pulls them.

Twin: the mainboard and whoever stands before it. Knows no kernel; `fabric` is what a kernel gets.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mockbus import footprint
from mockbus.bar import BarSpec
from mockbus.bridge import Bridge
from mockbus.fabric import Fabric
from mockbus.function import Function
from mockbus.memory import DEFAULT_RAM, HostMemory
from mockbus.model import DeviceModel
from mockbus.slot import Slot
from movsdk import pci_regs as regs
from movsdk.address import Span
from movsdk.clock import Clock
from movsdk.errors import BadInput

ROOT = "root"
_SLOT = re.compile(r"([0-9a-fA-F]{1,2})\.([0-7])")


class Machine:
    """One domain of hardware, built piece by piece.

    >>> machine = Machine([("mem", Span(0xE0000000, 0xEFFFFFFF))])
    >>> port = machine.add_bridge("port", slot="01.0", hotplug=True)
    >>> machine.labels, hex(machine.fabric.config_read(0, 0x08, 0x0A, 2))
    (('port',), '0x604')
    """

    def __init__(
        self,
        apertures: Iterable[tuple[str, Span]],
        clock: Clock | None = None,
        domain: int = 0,
        *,
        ram: Span | None = None,
        root_bus: int = 0,
    ) -> None:
        """Make a machine with an empty root bus.

        Args:
            apertures: what the host bridge passes down: ("io", "mem", "pref", "mem64" or "pref64", range in bytes).
            ram: host memory for DMA; by default 1 MiB up to 1 GiB or the first aperture.
        """
        apertures = tuple(apertures)
        self._cut: dict[str, list[Function]] = {}
        self.fabric = Fabric(apertures, clock or Clock(), HostMemory(ram or _default_ram(apertures)), domain, root_bus)

    # --- building ------------------------------------------------------------------------------

    def add_bridge(
        self,
        label: str,
        on: str = ROOT,
        slot: str = "00.0",
        *,
        class_code: int = 0x060400,
        prefetchable: int | None = 64,
        io: bool = True,
        hotplug: bool = False,
        pcie: regs.PcieType | None = None,
        controls: Iterable[str] = (),
        bars: tuple[BarSpec, ...] = (),
        config: bytes | None = None,
        firmware: Mapping[Any, Any] | None = None,
        present: bool = True,
    ) -> Bridge:
        """Add a PCI-to-PCI bridge and return it.

        Args:
            label: its name in faults and claims, unique.
            on: "root" or the label of the bridge above; `slot` is "dd.f" on that bus, hex.
        The other words are those of `Bridge.build`. Raises `BadInput` naming the label and what is wrong.
        """
        bridge = Bridge.build(
            label,
            class_code=class_code,
            prefetchable=prefetchable,
            io=io,
            hotplug=hotplug,
            pcie=pcie,
            controls=controls,
            bars=bars,
            config=config,
            firmware=firmware,
        )
        self._place(bridge, on, slot, present, keep_header=config is not None)
        return bridge

    def add(
        self,
        label: str,
        on: str,
        slot: str,
        model: DeviceModel,
        *,
        config: bytes | None = None,
        firmware: Mapping[int, int] | None = None,
        present: bool = True,
    ) -> Function:
        """Add an endpoint that behaves as `model`; other words as in `add_bridge`, `firmware` maps BAR numbers to addresses."""
        function = Function.of_model(label, model, config=config, firmware=firmware)
        self._place(function, on, slot, present, keep_header=config is not None)
        return function

    def discard(self, label: str) -> None:
        """Take a function, and all below it, out of the machine for good: its slot is free for another. It is pulled first."""
        gone = self.function(label).with_below()
        self.unplug(label)
        siblings = self._bus_of(gone[0].parent)
        siblings.remove(gone[0])
        for function in gone:
            del self.fabric.functions[function.label]
            function.attach_fabric(None)
        self.fabric.decode_changed(buses=True)

    def _place(self, function: Function, on: str, slot: str, present: bool, *, keep_header: bool) -> None:
        label = function.label
        if label in self.fabric.functions or label == ROOT:
            raise BadInput(f"{label}: there is a function of that name already")
        match = _SLOT.fullmatch(slot)
        if match is None or int(match[1], 16) > 31:
            raise BadInput(f"{label}: slot {slot!r} is not dd.f with dd up to 1f")
        parent = self._bridge(label, on)
        devfn = regs.devfn(int(match[1], 16), int(match[2]))
        siblings = self._bus_of(parent)
        if taken := [other.label for other in siblings if other.devfn == devfn]:
            raise BadInput(f"{label}: slot {slot} on {on} is taken by {taken[0]}")
        if parent is not None and parent.is_point_to_point and devfn >> 3:
            raise BadInput(f"{label}: below the PCI Express port {on} only device 00 exists, not {slot}")
        function.parent, function.devfn = parent, devfn
        function.attach_fabric(self.fabric)
        self.fabric.functions[label] = function
        siblings.append(function)
        siblings.sort(key=lambda other: other.devfn)
        if not keep_header:
            _mark_multifunction(siblings, devfn >> 3)
        if present and (parent is None or parent.present):
            function.power_on()
        if parent is not None and parent.slot is not None and parent.present and function.present:
            parent.slot.settle()

    def _bridge(self, label: str, on: str) -> Bridge | None:
        if on == ROOT:
            return None
        parent = self.fabric.functions.get(on)
        if not isinstance(parent, Bridge):
            why = "is no bridge" if parent is not None else "does not exist"
            raise BadInput(f"{label}: sits on {on!r}, which {why}; add the bridge first")
        return parent

    def _bus_of(self, parent: Bridge | None) -> list[Function]:
        return self.fabric.roots if parent is None else parent.children

    # --- plugging ------------------------------------------------------------------------------

    def plug(self, label: str, *, told: bool = True) -> None:
        """Put a function and everything below it in its place, in power-on state; a hot-plug slot above shows it.

        What is in its place already stays as it is, with power or without. Where the slot's power is off, or that of a bridge
        above (D3cold), it stays dark until that is turned on. `told`: the slot also sends its event.
        """
        function = self.function(label)
        footprint.somebody(f"plugs {label}")
        if self._is_dark(function):
            return
        slot = _slot_above(function)
        if slot is not None and not slot.is_powered:
            slot.take_in(function)
            slot.presence_changed(told=told)
            return
        is_news = not function.present and (slot is None or not slot.is_express or not slot.present)
        for each in function.with_below():
            if not each.present:
                each.power_on()
        self._settle_below(function)
        if slot is not None and is_news:
            slot.presence_changed(told=told)

    def unplug(self, label: str, *, told: bool = True) -> None:
        """Take a function and everything below it out; a hot-plug slot above shows it and, if `told`, sends its event."""
        function = self.function(label)
        footprint.somebody(f"unplugs {label}")
        slot = _slot_above(function)
        was_there = function.present or self._take_from_dark(function)
        if slot is not None:
            was_there = slot.let_go(function) or was_there
        for each in reversed(function.with_below()):
            if each.present:
                each.power_off()
        if slot is not None and was_there:
            slot.presence_changed(told=told)

    # --- power ---------------------------------------------------------------------------------

    def cut_power(self, label: str) -> None:
        """D3cold: the platform turns main power off for a function and everything below it. It stays in its place."""
        footprint.somebody(f"cuts the power of {label}")
        cut = [each for each in self.function(label).with_below() if each.present]
        for each in reversed(cut):
            each.power_off()
        if cut:
            self._cut[label] = cut

    def restore_power(self, label: str) -> None:
        """Power is back for what had it before. Firmware has not been there: all that software may change is zero."""
        footprint.somebody(f"restores the power of {label}")
        for each in self._cut.pop(label, ()):
            each.power_on()
            each.reset()

    def _is_dark(self, function: Function) -> bool:
        """True if it is without power (D3cold) already, or is put below a bridge that is, and waits there from now on."""
        for cut in self._cut.values():
            if function in cut:
                return True
            if function.parent in cut:
                cut.extend(function.with_below())
                return True
        return False

    def _take_from_dark(self, function: Function) -> bool:
        """Take it, and what is below it, from what gets power back. Returns whether it was there."""
        gone, was_there = function.with_below(), False
        for label, cut in list(self._cut.items()):
            was_there |= function in cut
            cut[:] = [each for each in cut if each not in gone]
            if not cut:
                del self._cut[label]
        return was_there

    def _settle_below(self, function: Function) -> None:
        for each in function.with_below():
            if isinstance(each, Bridge) and each.slot is not None:
                each.slot.settle()

    # --- looking -------------------------------------------------------------------------------

    def function(self, label: str) -> Function:
        """Return the function of that name. Raises `BadInput` naming the known ones."""
        try:
            return self.fabric.functions[label]
        except KeyError:
            known = ", ".join(self.fabric.functions) or "none"
            raise BadInput(f"there is no function {label!r}; known: {known}") from None

    def label_at(self, bus: int, devfn: int) -> str | None:
        """Return who answers config cycles there now."""
        found = self.fabric.at(bus, devfn)
        return found.label if found is not None else None

    def labels_at(self, bus: int, devfn: int) -> tuple[str, ...]:
        """Return all who answer config cycles there now; two, if two bridges pass the bus number on."""
        return tuple(function.label for function in self.fabric.all_at(bus, devfn))

    @property
    def labels(self) -> tuple[str, ...]:
        """All names, in the order they were added."""
        return tuple(self.fabric.functions)

    def __iter__(self) -> Iterator[Function]:
        return iter(self.fabric.functions.values())


def _slot_above(function: Function) -> Slot | None:
    """The slot a function sits in, where its port is there."""
    port = function.parent
    return port.slot if port is not None and port.present else None


def _default_ram(apertures: Iterable[tuple[str, Span]]) -> Span:
    """Return the usual RAM, cut where the first memory aperture above its start begins."""
    starts = [span.start for kind, span in apertures if kind != "io" and span.start > DEFAULT_RAM.start]
    return Span(DEFAULT_RAM.start, min([DEFAULT_RAM.last, *(start - 1 for start in starts)]))


def _mark_multifunction(siblings: list[Function], device: int) -> None:
    """Set the multifunction bit of function 0 where other functions share its device."""
    sharing = [other for other in siblings if other.devfn >> 3 == device]
    if len(sharing) > 1 and not sharing[0].devfn & 7:
        config = sharing[0].config
        config.put(regs.HEADER_TYPE, 1, config.data[regs.HEADER_TYPE] | regs.HEADER_TYPE_MULTIFUNCTION)
        config.seal_byte(regs.HEADER_TYPE)
