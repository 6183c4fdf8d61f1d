"""One machine under one kernel: silicon, belief and the engine joined, and the drivers' hooks recorded.

`Bench` and `player` stand on it. The two worlds meet nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from attrs import define, field

from mockbus.topology import Machine
from movsdk.address import Span
from movsdk.bench.pause_watch import PauseWatch
from movsdk.kernel.arch import Platform
from movsdk.kernel.binding import BoundDriver
from movsdk.kernel.cmdline import CommandLine
from movsdk.kernel.device import Device
from movsdk.kernel.platform import X86
from movsdk.kernel.system import System
from movsdk.layout.table import IO, MEM, MEM_64, PREF, AddressMap, Reserve, Resource
from movsdk.rescan.engine import Engine
from movsdk.rescan.rules.record import Rules

APERTURE_FLAGS = {
    "io": IO,
    "mem": MEM,
    "pref": MEM | PREF,
    "mem64": MEM | MEM_64,
    "pref64": MEM | PREF | MEM_64,
}
_RECORDED_NAMES = {"rescan_prepare": "prepare", "rescan_done": "done", "probe": "probe", "remove": "remove"}


@define(eq=False)
class World:
    """A machine, the kernel that runs on it, and the record of hook calls (in the form of the vectors)."""

    machine: Machine
    system: System
    engine: Engine
    pause_lasts: int = 0  # nanoseconds of virtual time between pause and the rest of a rescan
    hooks: list[list[str]] = field(factory=list, init=False)
    # BARs of cards that were pulled, and may be back, unnoticed by the kernel, which believes what it wrote: (device, BAR)
    unnoticed: set[tuple[Device, int]] = field(factory=set, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self.system.hook_observer = self._record
        watch = PauseWatch(self.engine, self.pause_lasts)
        self.engine.before_step = watch.at_step
        self.machine.fabric.on_dma = watch.dma

    def _record(self, hook: str, device: Device, rc: str | None) -> None:
        name = _RECORDED_NAMES.get(hook)
        if name is not None:
            self.hooks.append([name, device.label] if rc is None else [name, device.label, rc])

    def take_hooks(self) -> list[list[str]]:
        """The calls since the last time, and forget them."""
        hooks, self.hooks = self.hooks, []
        return hooks

    def find(self, label: str | None) -> Device | None:
        """The device the kernel knows under this label."""
        return next((device for device in self.system.discovered if device.label == label), None)


def make_world(
    machine: Machine,
    windows: Iterable[tuple[str, Span]],
    rules: Rules,
    *,
    address_map: AddressMap | None = None,
    reserve: Reserve | None = None,
    faults: str = "raise",
    match_of: Callable[[Device], BoundDriver | None] | None = None,
    fixup: Callable[[Device], None] | None = None,
    busy: Iterable[tuple[bool, Span]] = (),
    pause_lasts: int = 0,
    platform: Platform = X86,
    command_line: CommandLine | None = None,
) -> World:
    """Put a kernel with these rules on a machine whose host bridge has these `windows`. Nothing is scanned yet.

    `pause_lasts`: virtual time, nanoseconds, that a rescan leaves drivers paused.
    `busy`: pieces of the apertures that belong to the board, (is I/O, span in bytes); nothing will be placed there.
    """
    apertures = [
        Resource(number, None, span.start, span.last, APERTURE_FLAGS[kind]) for number, (kind, span) in enumerate(windows)
    ]
    system = System(
        machine.fabric,
        apertures,
        address_map or AddressMap(),
        reserve or Reserve(),
        machine.fabric.domain,
        faults=faults,
        label_of=machine.label_at,
        platform=platform,
        command_line=command_line or CommandLine(),
    )
    for is_io, span in busy:
        _occupy(system, is_io, span)
    system.platform_power = lambda device, on: (machine.restore_power if on else machine.cut_power)(device.label)
    system.match_of = match_of
    system.fixup_header = fixup
    return World(machine, system, Engine(system, rules), pause_lasts)


def _occupy(system: System, is_io: bool, span: Span) -> None:
    """Make a range of an aperture busy, as far as it lies in one and is free (``reserve_standard_io_resources()``, pnp)."""
    flags = IO if is_io else MEM
    for aperture in system.root.segment.windows:
        if aperture.flags & (IO | MEM) == flags and aperture.insert(Resource(-1, None, span.start, span.last, flags)):
            return
