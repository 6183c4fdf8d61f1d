"""The kernel as a whole: host bridge, root bus, command line, drivers, the rescan lock.

Twin: ``struct pci_host_bridge`` and the globals of drivers/pci. Holds state; `probe`, `enable`, `binding` and the engine act
on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from attrs import define, evolve, field

from movsdk.errors import HookFailed
from movsdk.kernel.arch import ArchHooks, Granules, Platform
from movsdk.kernel.cmdline import CommandLine
from movsdk.kernel.device import Bus, Device
from movsdk.kernel.enable import BASE, EnableRules
from movsdk.kernel.mutex import Mutex
from movsdk.kernel.platform import X86
from movsdk.kernel.power import PowerRules
from movsdk.layout.table import M64, TYPE_BITS, AddressMap, Reserve, Resource, Segment
from movsdk.ops import PciOps
from movsdk.trace import Trace, What

if TYPE_CHECKING:
    from movsdk.kernel.binding import BoundDriver
    from movsdk.kernel.framebuffer import Framebuffer
    from movsdk.kernel.irq import IrqDomain


ConfigObserver = Callable[[Device, str, int, int, int, tuple[str, int]], None]


def bus_name(system: System, bus: int, devfn: int) -> str:
    """Default label of a device: its address."""
    return f"{system.domain:04x}:{bus:02x}:{devfn >> 3:02x}.{devfn & 7}"


@define(eq=False)
class System:
    """One Linux, one domain. `windows` are the root apertures in the order the host bridge gives them.

    `can_move_bars` is the feature switch of patch 3; a subtractive bridge clears it for good (v9).
    `faults` is "raise" (the sanitizer raises at the driver's line) or "hardware" (goes on silently).
    `arch` is what the platform's own code makes of things; the engine puts it there.
    """

    ops: PciOps
    windows: list[Resource]
    address_map: AddressMap = field(factory=AddressMap)
    reserve: Reserve = field(factory=Reserve)
    domain: int = 0
    can_move_bars: bool = True
    faults: str = "raise"
    platform: Platform = X86
    command_line: CommandLine = field(factory=CommandLine)
    label_of: Callable[[int, int], str | None] = field(default=lambda _bus, _devfn: None, repr=False)
    trace: Trace = field(init=False)
    root: Bus = field(init=False)
    window_granules: Granules = field(init=False, repr=False)
    drivers: list[BoundDriver] = field(factory=list, init=False)
    discovered: list[Device] = field(factory=list, init=False, repr=False)  # in the order the scan found them
    irq: IrqDomain | None = field(default=None, init=False, repr=False)
    rescan_lock: Mutex = field(factory=lambda: Mutex("pci_rescan_remove_lock"), init=False, repr=False)
    bridge_mutex: Mutex | None = field(default=None, init=False, repr=False)  # made by enable.bridge_mutex()
    failures: list[HookFailed] = field(factory=list, init=False, repr=False)
    match_of: Callable[[Device], BoundDriver | None] | None = field(default=None, init=False, repr=False)
    hook_observer: Callable[[str, Device, str | None], None] | None = field(default=None, init=False, repr=False)
    # hears each config access of a driver before it happens: device, "read" or "write", offset, bytes, value, file and line
    config_observer: ConfigObserver | None = field(default=None, init=False, repr=False)
    # set by the rules in force
    enable_rules: EnableRules = field(default=BASE, init=False, repr=False)
    power_rules: PowerRules = field(factory=PowerRules, init=False, repr=False)
    arch: ArchHooks = field(factory=ArchHooks, init=False, repr=False)
    # the platform's header fix-ups: PCI_FIXED BARs, hot-plug ports that no capability tells of
    fixup_header: Callable[[Device], None] | None = field(default=None, init=False, repr=False)
    # the platform's hand on a device's main power (ACPI _PR3): (device, on)
    platform_power: Callable[[Device, bool], None] | None = field(default=None, init=False, repr=False)
    # installed by rules that want to hear of a transparent bridge (v9) while the scan goes on
    on_subtractive: Callable[[Device], None] | None = field(default=None, init=False, repr=False)
    # what firmware did to a device before its driver comes: a display that it lit
    before_probe: Callable[[Device], None] | None = field(default=None, init=False, repr=False)
    framebuffers: list[Framebuffer] = field(factory=list, init=False, repr=False)
    # an observer of the scan, which hears of each new function as its header was read
    on_found: Callable[[Device], None] | None = field(default=None, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self.trace = Trace(self.ops.clock)
        segment = Segment(windows=coalesced(self.windows))
        for window in segment.windows:
            # The kernel's iomem_resource or ioport_resource: an aperture always has a place.
            window.parent = Resource(-1, None, 0, M64, window.flags & TYPE_BITS)
        self.root = Bus(self, 0, 255, segment)
        if self.command_line.skips_isa_align:
            self.address_map = evolve(self.address_map, avoids_isa_aliases=False)
        self.window_granules = self.platform.granules(segment.windows)

    @property
    def rescan_locked(self) -> bool:
        """Whether a rescan, a hot-plug event or a removal goes on."""
        return self.rescan_lock.is_locked

    @property
    def assigns_all_buses(self) -> bool:
        """Whether firmware's bus numbers are ignored (``pcibios_assign_all_busses()``)."""
        return self.platform.assigns_all_buses or self.command_line.assigns_buses

    def log(self, device: Device | None, text: str) -> None:
        """One line as dmesg would show it; the first word is ``dev_driver_string()``: the driver's name once there is one."""
        prefix = f"pci_bus {self.domain:04x}:00: "
        if device is not None:
            name = device.driver.name if device.driver is not None else "pci"
            prefix = f"{'pcieport' if name == 'port' else name} {device.bdf}: "
        self.trace.add(What.LOG, device.label if device else "kernel", prefix + text)
        for framebuffer in self.framebuffers:
            framebuffer.draw()

    def devices(self) -> Iterator[Device]:
        """Every known device, depth first in list order."""
        for device in self.root.devices:
            yield from device.with_below()

    def buses(self) -> Iterator[Bus]:
        """Every known bus, parents first, in device order."""
        stack = [self.root]
        while stack:
            bus = stack.pop()
            yield bus
            stack.extend(dev.subordinate for dev in reversed(bus.devices) if dev.subordinate is not None)

    def find_device(self, label: str) -> Device | None:
        """The device with this label, if any; also one that was removed."""
        return next((device for device in self.discovered if device.label == label), None)

    def find_bus(self, number: int) -> Bus | None:
        """The bus with this number, if any (``pci_find_bus()``)."""
        return next((bus for bus in self.buses() if bus.number == number), None)


def coalesced(windows: list[Resource]) -> list[Resource]:
    """Join neighbouring root windows of identical type; the later one survives (``pci_register_host_bridge()``)."""
    kept: list[Resource] = []
    for window in windows:
        if kept and kept[-1].flags == window.flags and kept[-1].last + 1 == window.start:
            window.start = kept.pop().start
        kept.append(window)
    return kept
