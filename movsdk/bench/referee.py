"""The judge: reads silicon and belief after every event and says where they part.

Two kinds, never mixed. A broken *invariant* is our own bug: registers, tables and counters disagree with what the code did, and
`check` raises. A broken *promise* is the kernel's (a working BAR lost, two live decoders, a device behind a closed window): a
`Finding`, with its cause, and the run goes on. Engine rules E01-E13 of the design notes name the promises.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from attrs import define, field, frozen

from movsdk.bench.state import bar_register_value, bridge_registers
from movsdk.bench.world import World
from movsdk.errors import InvariantBroken
from movsdk.kernel.actor import show
from movsdk.kernel.device import Device
from movsdk.layout.table import IO, MEM, PCI_FIXED, PREF, UNSET, Resource
from movsdk.ops import Space
from movsdk.pci_regs import COMMAND, COMMAND_IO, COMMAND_MEMORY, ROM_RESOURCE, VENDOR_ID, PowerState
from movsdk.rescan.report import RescanReport
from movsdk.trace import What

_PAUSING = ("rescan_prepare", "rescan_done")


@frozen
class Finding:
    """A promise the kernel broke: `device` the victim, `text` what and why.

    `rule` as E01 of the design notes; C27 a console that nobody told, C30 a register that a driver
    wrote, C43 a card that came back unnoticed, C45 an old address
    restored, O59 a bus number out of reach, P19 a crash of the platform.
    """

    rule: str
    device: str
    text: str

    def __str__(self) -> str:
        return f"{self.rule} {self.device}: {self.text}"


@define(eq=False)
class Referee:
    """Looks at one `World`. `findings` grows with every event."""

    world: World
    findings: list[Finding] = field(factory=list, init=False)

    def check(self, report: RescanReport) -> list[Finding]:
        """Judge the state after an event; returns its findings. Raises `InvariantBroken` naming the object and both values."""
        for breach in self._breaches(report):
            raise InvariantBroken(f"after {report.op} with rules {report.rules}: {breach}; please report this with the scenario")
        found = [*self._lost(report), *self._decoders(), *self._tree(), *self._windows(), *self._windows_over_memory()]
        found += [*self._newcomers(report), *self._consoles(), *self._promises_of_registers(), *self._buses(), *_crashes(report)]
        self.findings += found
        return found

    # --- invariants -------------------------------------------------------------------------------------------
    def _breaches(self, report: RescanReport) -> Iterator[str]:
        for device in self.world.system.devices():
            if device.row.enable_cnt < 0:
                yield f"{device}: enable count is {device.row.enable_cnt}"
            if device.is_paused:
                yield f"{device}: still paused"
            for resource in device.resources:
                yield from _tree_breaches(device, resource)
            if _answers(device) and not self._others_at(device):
                excused = device.stale_bars | set(device.overwritten_bars) | self._unnoticed_bars(device) | _pins(device)
                yield from _register_breaches(device, excused)
        yield from self._hook_breaches(report)

    def _hook_breaches(self, report: RescanReport) -> Iterator[str]:
        """Whoever is told of a pause hears all that its driver has hooks for: prepare, then done, once a pause."""
        moves, forgotten = self.world.engine.rules.moves, self._forgotten()
        for who, (heard, pauses) in _heard(report).items():
            device = self.world.find(who)
            if device is None or device.driver is None or moves is None or device in forgotten:  # gone since
                continue
            round_ = [hook for hook in _PAUSING if device.driver.has(hook) and moves.tells(hook)]
            if heard and heard != round_ * pauses:  # several events of the engine may be one here
                yield f"{who}: heard {', '.join(heard)} in one {report.op}, expected {', '.join(round_)} {pauses} times"

    # --- promises ---------------------------------------------------------------------------------------------
    def _lost(self, report: RescanReport) -> Iterator[Finding]:
        for move in report.lost:
            device = self.world.find(move.device)
            if device is not None and device.driver is not None:
                cause = (
                    "no attempt gave it a place" if report.attempts else "its bridge was re-assigned without asking the driver"
                )
                yield Finding("E03", move.device, f"bound to {device.driver.name}, lost BAR {move.bar} at {move.old}: {cause}")

    def _decoders(self) -> Iterator[Finding]:
        fabric = self.world.machine.fabric
        seen: set[tuple[str, ...]] = set()
        for device in self.world.system.devices():
            if not _answers(device) or device.current_state != PowerState.D0:  # who sleeps decodes nothing
                continue
            command = device.config_read(COMMAND, 2)
            for resource in device.resources[:ROM_RESOURCE]:
                if not resource.flags or not command & (COMMAND_IO if resource.flags & IO else COMMAND_MEMORY):
                    continue
                address = bar_register_value(device, resource.index)
                space = Space.IO if resource.flags & IO else Space.MEM
                claims = fabric.claims(space, address)
                names = tuple(sorted(f"{claim.label} BAR {claim.bar}" for claim in claims))
                if len(claims) > 1 and names not in seen:
                    seen.add(names)
                    yield Finding("E01", device.label, f"two live decoders at {space.value} {address:#x}: {' and '.join(names)}")
                reached = any(claim.label == device.label and claim.bar == resource.index for claim in claims)
                if device.driver is not None and resource.parent is not None and not reached:
                    text = (
                        f"bound, but no access to BAR {resource.index} at {address:#x} arrives: a bridge above does not pass it"
                    )
                    yield Finding("E02", device.label, text)

    def _tree(self) -> Iterator[Finding]:
        """Resources outside the window that counts them as its own. Unpatched kernels place into a window that has no place yet
        and then move it; v5 does not release what a subtractive bridge passed on into the window above it.
        """
        for device in self.world.system.devices():
            for resource in device.resources:
                window = resource.parent
                if window is not None and window.parent is not None and not window.contains(resource):
                    place, around = (f"[{each.start:#x}-{each.last:#x}]" for each in (resource, window))
                    text = f"resource {resource.index} is at {place}, the kernel counts it to a window at {around}"
                    yield Finding("E02", device.label, text)

    def _windows(self) -> Iterator[Finding]:
        """Windows whose registers say something else than the kernel believes (unpatched kernels leave enabled bridges alone)."""
        for device in self.world.system.devices():
            if not device.row.is_bridge or device.subordinate is None or not _answers(device):
                continue
            registers = bridge_registers(device.config_read)
            for name, window, implemented in zip(
                ("io", "mem", "pref"), device.row.windows, (device.row.has_io, True, device.row.has_pref), strict=True
            ):
                believed = [window.start, window.last] if window.flags and window.parent is not None else None
                if implemented and believed is not None and registers[name] != believed:
                    shown = registers[name]
                    text = f"[{shown[0]:#x}-{shown[1]:#x}]" if shown else "closed"
                    belief = f"[{window.start:#x}-{window.last:#x}]"
                    yield Finding("E02", device.label, f"{name} window is {text} in its registers, the kernel believes {belief}")

    def _windows_over_memory(self) -> Iterator[Finding]:
        """Windows that take addresses of host memory: the DMA of whoever is bound below does not come past them."""
        memory = self.world.machine.fabric.memory.span
        for device in self.world.system.devices():
            bound = [each.label for each in device.with_below() if each is not device and each.driver is not None]
            is_open = bound and _answers(device) and device.config_read(COMMAND, 2) & COMMAND_MEMORY
            registers = bridge_registers(device.config_read) if is_open else {}
            for name in ("mem", "pref"):
                if (span := registers.get(name)) and span[0] <= memory.last and memory.start <= span[1]:
                    text = (
                        f"{name} window [{span[0]:#x}-{span[1]:#x}] in its registers lies over host memory: DMA of "
                        f"{', '.join(bound)} to it is not passed on"
                    )
                    yield Finding("E02", device.label, text)

    def _promises_of_registers(self) -> Iterator[Finding]:
        """BARs whose register holds something else than the kernel believes, and not by our doing: it put an old address back,
        nobody told it of another card, it forgot where the platform had pinned one, or the driver wrote the register itself.
        """
        for device in self.world.system.devices():
            for bar in sorted(device.stale_bars):
                text = f"BAR {bar} was restored to an old address, the kernel believes {device.bar_span(bar)} (patch 1)"
                yield Finding("C45", device.label, text)
            unnoticed, pins = self._unnoticed_bars(device), _pins(device)
            kinds = [("C43", "pulled and put back unnoticed", unnoticed), ("E04", "pinned", pins)]
            kinds += [("C30", f"written by its driver at {show(site)}", {bar}) for bar, site in device.overwritten_bars.items()]
            for rule, how, bars in kinds:
                for bar in sorted(bars - device.stale_bars):
                    if _answers(device) and not self._others_at(device) and not _is_as_believed(device, device.resources[bar]):
                        register, span = bar_register_value(device, bar), device.bar_span(bar)
                        yield Finding(rule, device.label, f"{how}: BAR {bar} holds {register:#x}, the kernel believes {span}")

    def _unnoticed_bars(self, device: Device) -> set[int]:
        return {bar for other, bar in self.world.unnoticed if other is device}

    def _others_at(self, device: Device) -> list[str]:
        """Who else answers config cycles that are meant for `device`."""
        labels = self.world.machine.labels_at(device.bus.number, device.devfn)
        return [label for label in labels if label != device.label]

    def _forgotten(self) -> list[Device]:
        """Devices that no walk over the tree meets: the bridge above lost its numbers and was given another bus."""
        met = {id(device) for device in self.world.system.devices()}
        return [device for device in self.world.system.discovered if id(device) not in met]

    def _buses(self) -> Iterator[Finding]:
        """Buses that no config cycle reaches, their number not being among those that the bridge above passes on; or too many."""
        for device in self._forgotten():
            text = (
                "the bridge above was given another bus, and this one forgotten: it is found no more, and stays paused if it was"
            )
            yield Finding("O59", device.label, text)
        for device in self.world.system.devices():
            if others := self._others_at(device):
                text = f"config cycles for {device.bdf} reach {', '.join(others)}: the number of its bus is taken twice"
                yield Finding("O59", device.label, text)
        for bus in self.world.system.buses():
            if bus.bridge is None or bus.parent is None or bus.parent.is_root or bus.number <= bus.parent.last:
                continue
            passed = f"{bus.parent.number:02x}-{bus.parent.last:02x}"
            text = f"its bus has the number {bus.number:02x}, the bridge above passes on {passed}: what is behind it stays unseen"
            yield Finding("O59", bus.bridge.label, text)

    def _consoles(self) -> Iterator[Finding]:
        """Consoles that draw where the BAR of their display has been: its driver did not take the display over."""
        for framebuffer in self.world.system.framebuffers:
            if framebuffer.is_stale and not framebuffer.device.is_removed:
                yield Finding("C27", framebuffer.device.label, str(framebuffer))

    def _newcomers(self, report: RescanReport) -> Iterator[Finding]:
        for label in report.given_up:
            yield Finding("E12", label, "given up: with its BARs a device that worked before would have lost its own")


def _heard(report: RescanReport) -> dict[str, tuple[list[str], int]]:
    """The pausing hooks that each device heard, and how many pauses there were, both since its driver was last bound."""
    calls: dict[str, list[str]] = {}
    since: dict[str, int] = {}
    pauses = 0
    for event in report.timeline:
        pauses += event.what is What.STEP and event.text.endswith(" pause")
        if event.what is not What.HOOK:
            continue
        if event.text in _PAUSING:
            calls.setdefault(event.who, []).append(event.text)
        elif event.text.startswith("probe by "):
            calls[event.who], since[event.who] = [], pauses
    return {who: (heard, pauses - since.get(who, 0)) for who, heard in calls.items()}


def _answers(device: Device) -> bool:
    return device.config_read(VENDOR_ID, 2) != 0xFFFF


def _is_as_believed(device: Device, resource: Resource) -> bool:
    """True if the register of a BAR holds where the kernel says it is; also if the kernel says nothing."""
    if not resource.flags & (IO | MEM) or resource.parent is None or resource.flags & UNSET:
        return True
    return bar_register_value(device, resource.index) == resource.start


def _pins(device: Device) -> set[int]:
    """BARs the platform pinned (not the rules of v2). Mainline's hot-add releases them like others and writes no register."""
    pins = (resource.index for resource in device.resources[:ROM_RESOURCE] if resource.flags & PCI_FIXED)
    return {bar for bar in pins if not device.row.pinned >> bar & 1}


def _crashes(report: RescanReport) -> Iterator[Finding]:
    for crash in report.crashes:
        yield Finding("P19", crash.device, crash.text)


def _tree_breaches(device: Device, resource: Resource) -> Iterator[str]:
    parent = resource.parent
    if parent is None:
        return
    if not any(child is resource for child in parent.children):
        yield f"{device}: resource {resource.index} has a parent that does not know it"
        return
    # Who is outside has its own finding, and is in no order with the others.
    siblings = [child for child in parent.children if child is resource or parent.contains(child)]
    at = next(i for i, child in enumerate(siblings) if child is resource)
    if parent.contains(resource) and at + 1 < len(siblings) and siblings[at + 1].start <= resource.last:
        yield f"{device}: resource {resource.index} overlaps its neighbour in the table"


def _register_breaches(device: Device, excused: Collection[int]) -> Iterator[str]:
    """`excused`: BARs that are findings, see `Referee._promises_of_registers`."""
    for resource in device.resources[:ROM_RESOURCE]:
        if resource.index not in excused and not _is_as_believed(device, resource):
            register = bar_register_value(device, resource.index)
            kind = "I/O" if resource.flags & IO else "prefetchable" if resource.flags & PREF else "memory"
            yield f"{device}: {kind} BAR {resource.index} register holds {register:#x}, the kernel believes {resource.start:#x}"
