"""The bench: a machine with hot-plug ports where a driver author plugs drivers, moves their BARs and looks at what happens.

In plain Python, or as the pytest fixture `bench`. Everything real (silicon, kernel, rules) is in the `World` below it.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any, TypeVar

from attrs import define, field

from mockbus.faults import FaultLog
from mockbus.footprint import somebody
from mockbus.function import Function
from mockbus.model import DeviceModel
from mockbus.topology import Machine
from movsdk.address import Span
from movsdk.bench import reference
from movsdk.bench.holders import Holder, holders_of
from movsdk.bench.pause_watch import PAUSE
from movsdk.bench.ports import clear, free_port
from movsdk.bench.referee import Referee
from movsdk.bench.system_sleep import SystemSleep
from movsdk.bench.troubles import Troubles
from movsdk.bench.unbound import check_match, why_unbound
from movsdk.bench.world import World, make_world
from movsdk.clock import NS_PER_MS
from movsdk.errors import BadInput, HookFailed
from movsdk.kernel.binding import BoundDriver, register_driver
from movsdk.kernel.cmdline import read_command_line
from movsdk.kernel.device import Device
from movsdk.kernel.pcidev import PciDev, device_of, view_of
from movsdk.kernel.platform import platform_by_name
from movsdk.layout.table import Reserve
from movsdk.pci_regs import PcieType
from movsdk.rescan.hotplug import SlotHandler
from movsdk.rescan.report import RescanReport
from movsdk.rescan.rules import by_name
from movsdk.trace import Trace

WINDOWS: tuple[tuple[str, Span], ...] = (
    ("io", Span(0x1000, 0xFFFF)),
    ("mem", Span(0x8000_0000, 0xBFFF_FFFF)),
    ("pref64", Span(0x40_0000_0000, 0xFF_FFFF_FFFF)),
)
RAM: tuple[tuple[int, int], ...] = ((0, 0x3FFF_FFFF),)
Result = TypeVar("Result")


@define(eq=False, kw_only=True)
class Bench(Troubles):
    """A booted machine with free hot-plug root ports `port1`, `port2`, ...

    Args:
        rules: kernel version: "v9", "v5", "v2" or "off".
        ports: number of root ports (1-31).
        windows: root apertures, (kind, span in bytes) in the host bridge's order.
        reserve: hot-plug reserve.
        platform: "x86", "powernv" or "generic".
        cmdline: the kernel's command line; its reserve beats `reserve`, and what has no effect is in `warnings`.
        faults: "raise": a bad access raises at the driver's line; "hardware": it goes on as on real hardware.
        strict: raise what a driver's hook raised, after the operation is complete (False: only collect it in `failures`).
        port_driver: driver of the ports (default: the reference driver `port`).
    """

    rules: str = "v9"
    ports: int = 4
    windows: tuple[tuple[str, Span], ...] = WINDOWS
    reserve: Reserve = field(factory=Reserve)
    platform: str = "x86"
    cmdline: str = ""
    faults_mode: str = field(default="raise", alias="faults")
    strict: bool = True
    port_driver: Any = None
    warnings: tuple[str, ...] = field(init=False)
    world: World = field(init=False)
    referee: Referee = field(init=False)
    reports: list[RescanReport] = field(factory=list, init=False)
    _sleep: SystemSleep = field(init=False)
    _drivers: dict[str, BoundDriver] = field(factory=dict, init=False)
    _known: dict[object, BoundDriver] = field(factory=dict, init=False)
    _models: dict[str, DeviceModel] = field(factory=dict, init=False)
    _gone: set[str] = field(factory=set, init=False)

    def __attrs_post_init__(self) -> None:
        if not 1 <= self.ports <= 31:
            raise BadInput(f"a bench has 1 to 31 ports, not {self.ports}")
        if self.faults_mode not in ("raise", "hardware"):
            raise BadInput(f"faults={self.faults_mode!r}; use 'raise' or 'hardware'")
        machine = Machine(self.windows)
        for number in range(1, self.ports + 1):
            machine.add_bridge(f"port{number}", slot=f"{number:02x}.0", hotplug=True, pcie=PcieType.ROOT_PORT)
        rules, platform = by_name(self.rules), platform_by_name(self.platform)
        line = read_command_line(self.cmdline, platform, rules.switch)
        self.warnings = line.warnings
        self.world = make_world(
            machine,
            self.windows,
            rules,
            address_map=platform.address_map(RAM),
            reserve=line.reserve_over(self.reserve),
            faults=self.faults_mode,
            match_of=self._match,
            pause_lasts=PAUSE,
            platform=platform,
            command_line=line,
        )
        port_driver = register_driver(self.world.system, self.port_driver or reference.load("port").driver)
        self._drivers = {f"port{number}": port_driver for number in range(1, self.ports + 1)}
        self.referee = Referee(self.world)
        self._sleep = SystemSleep(self.world.system)
        slots = SlotHandler(self.world.engine, self._judge)
        slots.listen()
        self._do(self.world.engine.boot)
        slots.take_over()

    # --- cards ----------------------------------------------------------------------------------------------
    def plug(self, driver: Any, model: Any, *, slot: str | None = None) -> PciDev:
        """Put a card into a free port (or the port called `slot`), let the kernel find it, and return the bound device.

        Args:
            driver: driver class or instance. model: `DeviceModel` class or instance.
        Raises:
            BadInput: no free port, or the driver's id table does not name this card.
            PciError: what `probe` reported. HookFailed: what it raised otherwise.
        """
        return self._power([self.insert(driver, model, slot=slot)])[0]

    def plug_functions(self, *functions: tuple[Any, Any], slot: str | None = None) -> list[PciDev]:
        """Plug one card with several functions, a (driver, model) each; returns them in order. Raises as `plug`."""
        port = slot or free_port(self.world.machine, self.ports, self._gone)
        return self._power([self.insert(*each, slot=port, function=number) for number, each in enumerate(functions)])

    def insert(self, driver: Any, model: Any, *, slot: str | None = None, function: int = 0) -> str:
        """Prepare a card for a port without powering it; returns its label. `world.machine.plug(label)` powers it."""
        bound = self._bound(driver)
        silicon: DeviceModel = model() if isinstance(model, type) else model
        check_match(bound, silicon)
        port = slot or free_port(self.world.machine, self.ports, self._gone)
        clear(self.world.machine, port, self._gone)
        stem = f"{bound.name}-" if bound.name[-1].isdigit() else bound.name
        label = next(name for number in count() if (name := f"{stem}{number}") not in self._models)
        self.world.machine.add(label, port, f"00.{function}", silicon, present=False)
        self._drivers[label] = bound
        self._models[label] = silicon
        return label

    def pull(self, dev: PciDev, *, told: bool = True) -> None:
        """Take the card out by surprise, all its functions. `told`: the slot reports it and the kernel removes the device."""
        label = device_of(dev).label
        if not told:
            somebody(f"pulls {label}")
            for function in self._card(label):
                function.power_off()
            return

        def pull() -> None:
            for function in self._card(label):
                if function.label != label:
                    function.power_off()
            self.world.machine.unplug(label)

        self._do(pull)
        self._gone |= {function.label for function in self._card(label)}

    def remove(self, dev: PciDev) -> RescanReport:
        """Orderly removal (``echo 1 > remove``), then power off; of a card with several functions only this one goes."""
        device = device_of(dev)
        report = self._do(lambda: self.world.engine.remove(device))
        card = self._card(device.label)
        if sum(function.present for function in card) > 1:
            self.world.machine.function(device.label).power_off()
        else:
            self.world.machine.unplug(device.label)
        self._gone.add(device.label)
        return report

    # --- the kernel -----------------------------------------------------------------------------------------
    def rescan(self) -> RescanReport:
        """A rescan by hand: pauses every driver with hooks, compacts, resumes."""
        return self._do(self.world.engine.rescan)

    def hotadd(self, port: str) -> RescanReport:
        """What pciehp does when a card appears below `port`."""
        device = self.world.find(port)
        if device is None:
            raise BadInput(f"{port!r} is not a port; there are port1 to port{self.ports}")
        return self._do(lambda: self.world.engine.hotadd(device))

    # --- time and work --------------------------------------------------------------------------------------
    def run(self, milliseconds: float) -> None:
        """Let virtual time pass. Raises `BadInput` for a negative time."""
        if milliseconds < 0:
            raise BadInput(f"time does not run backwards: {milliseconds} ms")
        self.world.system.ops.clock.advance(int(milliseconds * NS_PER_MS))
        self._raise_failures(self._seen_failures)

    def run_io(self, dev: PciDev, io: Callable[[PciDev], object] | None = None, times: int = 1) -> None:
        """Do I/O `times` times: `io(dev)`, or the driver's own `exercise(dev)`, which raises if the data is wrong."""
        work = io or getattr(self.driver(dev), "exercise", None)
        if work is None:
            raise BadInput(f"{dev}: its driver has no exercise(dev); pass io=")
        for _ in range(times):
            work(dev)

    # --- looking --------------------------------------------------------------------------------------------
    @property
    def timeline(self) -> Trace:
        """Everything that happened, in order."""
        return self.world.system.trace

    trace = timeline

    @property
    def faults(self) -> FaultLog:
        """What silicon noticed."""
        return self.world.machine.fabric.faults

    @property
    def failures(self) -> list[HookFailed]:
        """What hooks raised so far."""
        return self.world.system.failures

    def holders(self, dev: PciDev) -> tuple[Holder, ...]:
        """Everybody who holds an address of `dev`: mappings of kernel and users, regions, firmware, peers; print them."""
        return holders_of(self.world, device_of(dev))

    def model(self, dev: PciDev) -> Any:
        """The silicon behind `dev`."""
        return self._models[device_of(dev).label]

    def driver(self, dev: PciDev) -> Any:
        """The driver object bound to `dev`. Raises `BadInput` if it is unbound."""
        bound = device_of(dev).driver
        if bound is None:
            raise BadInput(f"{dev}: no driver is bound")
        return bound.target

    # --- inside -----------------------------------------------------------------------------------------------
    _seen_failures: int = field(default=0, init=False)

    def _do(self, act: Callable[[], Result]) -> Result:
        """Run an operation and what the clock makes of it; judge; tell the author what the driver raised."""
        before = self._seen_failures
        report = act()
        if isinstance(report, RescanReport):
            self._judge(report)
        self.world.system.ops.clock.run_pending()
        self._raise_failures(before)
        return report

    def _judge(self, report: RescanReport) -> None:
        self.reports.append(report)
        self.referee.check(report)

    def _raise_failures(self, before: int) -> None:
        failures = self.world.system.failures
        self._seen_failures = len(failures)
        if self.strict and len(failures) > before:
            raise failures[before]

    def _power(self, labels: list[str]) -> list[PciDev]:
        since = len(self.world.system.trace)

        def power() -> None:
            for label in labels:
                self.world.machine.plug(label)

        self._do(power)
        found = []
        for label in labels:
            device = self.world.find(label)
            if device is None:
                raise BadInput(f"{label}: the kernel found nothing in its slot")
            if device.driver is None:
                raise why_unbound(self.world.system, device, since)
            found.append(view_of(device))
        return found

    def _card(self, label: str) -> list[Function]:
        """All functions in the slot of `label`."""
        one = self.world.machine.function(label)
        return [each for each in self.world.machine if each.parent is one.parent and each.devfn >> 3 == one.devfn >> 3]

    def _bound(self, driver: Any) -> BoundDriver:
        if driver not in self._known:
            self._known[driver] = register_driver(self.world.system, driver)
        return self._known[driver]

    def _match(self, device: Device) -> BoundDriver | None:
        return self._drivers.get(device.label)
