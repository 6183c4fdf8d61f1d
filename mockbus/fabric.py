"""The fabric: every access of the CPU and of DMA masters finds its way here. Implements `movsdk.ops.PciOps`.

Twin: host bridge and PCI buses of one domain. Never raises on traffic: it answers as hardware does and records a `Fault`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Final

from attrs import define, field

from mockbus import footprint, routing, traffic, upstream
from mockbus.bar import Bar
from mockbus.faults import FaultLog, Owners
from mockbus.function import Function
from mockbus.memory import CoherentBuffer, HostMemory
from movsdk import points
from movsdk.address import Span
from movsdk.clock import Clock
from movsdk.errors import BadInput
from movsdk.ops import Claim, DmaBuffer, FaultKind, Interrupt, SlotEvent, Space

APERTURE_KINDS: Final = ("io", "mem", "pref", "mem64", "pref64")
CONFIG_SIZE: Final = 4096
_CONFIG_SIZES: Final = (1, 2, 4)
_SIZES: Final = ((1, 2, 4), (1, 2, 4, 8))  # I/O, memory
_MEM: Final = Space.MEM


@define(eq=False)
class Fabric:
    """One domain: `roots` are the functions on the root bus, `functions` all of them by label."""

    _apertures: tuple[tuple[str, Span], ...]
    clock: Clock = field(factory=Clock, repr=False)
    memory: HostMemory = field(factory=HostMemory, repr=False)
    domain: int = 0
    root_bus: int = 0
    roots: list[Function] = field(factory=list, init=False, repr=False)
    functions: dict[str, Function] = field(factory=dict, init=False, repr=False)
    faults: FaultLog = field(init=False, repr=False)
    owners: Owners = field(factory=Owners, init=False, repr=False)
    generation: int = field(default=0, init=False)
    on_dma: Callable[[Function, str, int, int], None] | None = field(default=None, init=False, repr=False)
    watchers: list[Callable[[], None]] = field(factory=list, init=False, repr=False)
    """Called after each change of who may answer an address; real mappings of BARs follow it."""
    _buses: dict[int, routing.BusRoute] = field(factory=dict, init=False, repr=False)
    _mem_map: routing.DecodeMap | None = field(default=None, init=False, repr=False)
    _io_map: routing.DecodeMap | None = field(default=None, init=False, repr=False)
    _on_interrupt: Callable[[Interrupt], None] | None = field(default=None, init=False, repr=False)
    _on_slot: Callable[[SlotEvent], None] | None = field(default=None, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self.faults = FaultLog(self.clock)
        for kind, span in self._apertures:
            if kind not in APERTURE_KINDS:
                raise BadInput(f"root aperture {span} is {kind!r}; it must be one of {', '.join(APERTURE_KINDS)}")
        for io in (True, False):
            ordered = sorted(self.apertures(io=io))
            for left, right in pairwise(ordered):
                if left.overlaps(right):
                    raise BadInput(f"root apertures {left} and {right} overlap")

    def apertures(self, *, io: bool) -> list[Span]:
        """The ranges that the host bridge passes down in one space."""
        return [span for kind, span in self._apertures if (kind == "io") is io]

    # --- what changes routes -------------------------------------------------------------------

    def decode_changed(self, before: Iterable[tuple[Bar, Span]] = (), *, buses: bool = False) -> None:
        """Forget compiled routes; `before` are the BARs that decoded until now and where."""
        for bar, span in before:
            self.owners.remember(bar.space, span, bar.function.label, bar.spec.n)
        self._mem_map = self._io_map = None
        self.generation += 1
        if buses:
            self._buses.clear()
        for watcher in self.watchers:
            watcher()

    def buses_changed(self) -> None:
        """Forget which bus number leads where."""
        self._buses.clear()
        self.generation += 1

    # --- config cycles -------------------------------------------------------------------------

    def config_read(self, bus: int, devfn: int, offset: int, size: int) -> int:
        """Read 1, 2 or 4 bytes of config space; all-ones if nobody is there."""
        if points.is_watched():
            footprint.announce_config(self, "config_read", bus, devfn, offset, is_write=False)
        value = (1 << 8 * size) - 1
        for function in self._config_targets("read", bus, devfn, offset, size):
            value &= function.config.read(offset, size)
        return value

    def config_write(self, bus: int, devfn: int, offset: int, size: int, value: int) -> None:
        """Write 1, 2 or 4 bytes of config space; vanishes if nobody is there."""
        if points.is_watched():
            footprint.announce_config(self, "config_write", bus, devfn, offset, is_write=True)
        for function in self._config_targets("write", bus, devfn, offset, size):
            function.config_write(offset, size, value & ((1 << 8 * size) - 1))

    def _config_targets(self, operation: str, bus: int, devfn: int, offset: int, size: int) -> tuple[Function, ...]:
        route = self._route(bus)
        if size not in _CONFIG_SIZES or offset & (size - 1) or not 0 <= offset < CONFIG_SIZE:
            self.faults.record(FaultKind.BAD_ACCESS, Space.CONFIG, operation, _ecam(bus, devfn, offset), size)
            return ()
        found = route.functions.get(devfn, ())
        if not found and route.asleep:
            address = _ecam(bus, devfn, offset)
            self.faults.record(FaultKind.ASLEEP, Space.CONFIG, operation, address, size, blocked=route.asleep)
        return found

    def _route(self, bus: int) -> routing.BusRoute:
        route = self._buses.get(bus)
        if route is None:
            route = self._buses[bus] = routing.route_bus(self.roots, self.root_bus, bus)
        return route

    def at(self, bus: int, devfn: int) -> Function | None:
        """Return the function that answers config cycles there now, or None."""
        found = self.all_at(bus, devfn)
        return found[0] if found else None

    def all_at(self, bus: int, devfn: int) -> tuple[Function, ...]:
        """Return all functions that answer config cycles there now."""
        return self._route(bus).functions.get(devfn, ())

    # --- memory and I/O ------------------------------------------------------------------------

    def decode_map(self, space: Space) -> routing.DecodeMap:
        """Everything that answers in memory or I/O space now."""
        if space is _MEM:
            if self._mem_map is None:
                self._mem_map = routing.compile_map(self.roots, self.apertures(io=False), io=False)
            return self._mem_map
        if self._io_map is None:
            self._io_map = routing.compile_map(self.roots, self.apertures(io=True), io=True)
        return self._io_map

    def segment(self, space: Space, address: int) -> routing.Segment | None:
        """Return who answers `address`."""
        return ((self._mem_map if space is _MEM else self._io_map) or self.decode_map(space)).find(address)

    def read(self, space: Space, address: int, size: int) -> int:
        """Read 1, 2, 4 or 8 bytes at a memory address or I/O port, little endian."""
        if points.is_watched():
            footprint.announce_access(self, f"{space.value}_read", space, address, size, is_write=False)
        bar, base = self._plain(space, address, size)
        if bar is None:
            return traffic.odd_read(self, space, address, size)
        return bar.read(address - base, size)

    def write(self, space: Space, address: int, size: int, value: int) -> None:
        """Write 1, 2, 4 or 8 bytes at a memory address or I/O port, little endian."""
        if points.is_watched():
            footprint.announce_access(self, f"{space.value}_write", space, address, size, is_write=True)
        value &= (1 << 8 * size) - 1
        bar, base = self._plain(space, address, size)
        if bar is None:
            traffic.odd_write(self, space, address, size, value)
        else:
            bar.write(address - base, size, value)

    def _plain(self, space: Space, address: int, size: int) -> tuple[Bar | None, int]:
        """Return the one BAR that can serve an aligned access of a usual size, and where it begins; None for all else."""
        segment = self.segment(space, address)
        if segment is None or size not in _SIZES[space is _MEM] or address & (size - 1) or address + size - 1 > segment.last:
            return None, 0
        return segment.bar, segment.base

    def read_block(self, address: int, length: int) -> bytes:
        """Copy `length` bytes out of memory space (memcpy_fromio)."""
        if points.is_watched():
            footprint.announce_access(self, "mem_read_block", _MEM, address, length, is_write=False)
        return traffic.copy_out(self, address, length, "cpu")

    def write_block(self, address: int, data: bytes) -> None:
        """Copy `data` into memory space (memcpy_toio)."""
        if points.is_watched():
            footprint.announce_access(self, "mem_write_block", _MEM, address, len(data), is_write=True)
        traffic.copy_in(self, address, data, "cpu")

    def claims(self, space: Space, address: int) -> tuple[Claim, ...]:
        """Who would answer this address now."""
        segment = self.segment(space, address)
        return () if segment is None else traffic.claims_of(segment, address)

    # --- DMA and interrupts --------------------------------------------------------------------

    def alloc_coherent(self, size: int, align: int = 4096) -> CoherentBuffer:
        """Reserve host memory for DMA, zeroed. Raises `PciError` ENOMEM if there is none left."""
        points.checkpoint("alloc_coherent", (), footprint.ALLOCATOR)
        buffer = self.memory.alloc(size, align)
        if points.is_watched():
            footprint.allocated(buffer)
        return buffer

    def free_coherent(self, buffer: DmaBuffer) -> None:
        """Give it back; a device that still uses it is a DMA_NO_TARGET fault."""
        points.checkpoint("free_coherent", (), (*footprint.ALLOCATOR, ("ram", buffer.address)))
        self.memory.free(buffer)

    def set_interrupt_handler(self, handler: Callable[[Interrupt], None] | None) -> None:
        """Deliver every later interrupt to `handler`, from the clock."""
        self._on_interrupt = handler

    def set_slot_handler(self, handler: Callable[[SlotEvent], None] | None) -> None:
        """Deliver every later slot event to `handler`, from the clock."""
        self._on_slot = handler

    def dma_read(self, function: Function, address: int, length: int) -> bytes:
        """Fetch bytes for a device; see `upstream`."""
        if self.on_dma is not None:
            self.on_dma(function, "read", address, length)
        return upstream.dma_read(self, function, address, length)

    def dma_write(self, function: Function, address: int, data: bytes) -> None:
        """Store bytes for a device; see `upstream`."""
        if self.on_dma is not None:
            self.on_dma(function, "write", address, len(data))
        upstream.dma_write(self, function, address, data)

    def send_message(self, function: Function, address: int, data: int) -> None:
        """Send an interrupt message for a device; see `upstream`."""
        upstream.send_message(self, function, address, data)

    def interrupt(self, message: Interrupt) -> None:
        """Queue an interrupt message: it arrives when somebody lets time pass."""
        self.clock.call_soon(lambda: self.interrupt_now(message), f"{message.source} {message.kind}")

    def interrupt_now(self, message: Interrupt) -> None:
        """Hand an interrupt to the kernel; call it from the clock only."""
        if self._on_interrupt is not None:
            self._on_interrupt(message)

    def slot_event_now(self, event: SlotEvent) -> None:
        """Hand a slot event to the kernel; call it from the clock only."""
        if self._on_slot is not None:
            self._on_slot(event)


def _ecam(bus: int, devfn: int, offset: int) -> int:
    """Return a config address as the enhanced access mechanism counts it."""
    return bus << 20 | devfn << 12 | offset
