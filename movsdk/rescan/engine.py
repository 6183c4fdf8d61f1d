"""The events of a machine's life, and the rescan transaction in numbered steps.

Twin: ``pci_rescan_bus()``, ``pciehp_configure_device()``, ``pci_assign_unassigned_root_bus_resources()`` and their callers.
Reads top to bottom; what differs between versions is in `rules`. Addresses are layout's business, hooks `pausing`'s.
"""

from __future__ import annotations

import errno
from collections.abc import Callable

from attrs import define, field

from movsdk.address import Span
from movsdk.kernel import runtime_pm
from movsdk.kernel.adding import add_devices, register_and_bind
from movsdk.kernel.arch import fitted_to_apertures
from movsdk.kernel.binding import stop
from movsdk.kernel.claim import claim_firmware_values, never_fixed
from movsdk.kernel.device import Bus, Device, places_change
from movsdk.kernel.mmio import make_stale
from movsdk.kernel.probe import forget_device, number_hot_added, scan_child_bus, scan_slots
from movsdk.kernel.setup import replay
from movsdk.kernel.system import System
from movsdk.layout.placing import Placing, Try
from movsdk.layout.table import UNSET, Segment, WindowWrite
from movsdk.pci_regs import BRIDGE_RESOURCES
from movsdk.rescan import mainline, pausing
from movsdk.rescan.assignment_log import log_tries
from movsdk.rescan.report import (
    Attempt,
    RescanReport,
    Spans,
    assigned_spans,
    failed_places,
    fixed_bars,
    unplaced_bars,
)
from movsdk.rescan.rules.record import Moves, Rules, Turn
from movsdk.trace import BarMove, What


@define(eq=False)
class Engine:
    """One kernel with one set of rules, driving one `System`."""

    system: System
    rules: Rules
    before_step: Callable[[str], None] = field(default=lambda _name: None, repr=False)  # a tester's hand in the machine
    _attempts: list[Attempt] = field(factory=list, init=False)
    _paused: list[Device] = field(factory=list, init=False)
    _blackouts: list[tuple[str, int]] = field(factory=list, init=False)
    _moves: list[BarMove] = field(factory=list, init=False)
    _known: Spans = field(factory=dict, init=False)
    _tries: list[Try] = field(factory=list, init=False)
    _fixed: list[tuple[str, int, Span]] = field(factory=list, init=False)
    _ignored: list[str] = field(factory=list, init=False)
    _holds_bridges: bool = field(default=False, init=False)
    _waiting: list[Callable[[], None]] = field(factory=list, init=False)

    def __attrs_post_init__(self) -> None:
        system, rules = self.system, self.rules
        system.enable_rules, system.power_rules = rules.enable, rules.power
        system.arch = system.platform.hooks(system, rules.arch)
        system.can_move_bars = rules.moves is not None and rules.switch.is_on(system.platform, system.command_line)
        if rules.fits_min_mem:
            system.address_map = fitted_to_apertures(system.address_map, system.root.segment.windows)
        if self.rules.moves is not None and self.rules.moves.stops_at_subtractive:
            self.system.on_subtractive = self._stop_moving

    @property
    def moves(self) -> Moves | None:
        """The rules for movement, while the feature is on."""
        return self.rules.moves if self.system.can_move_bars else None

    def _stop_moving(self, bridge: Device) -> None:
        self.system.can_move_bars = False
        self.system.log(bridge, "Disable movable BARs due to a transparent bridge")

    # --- events ---------------------------------------------------------------------------------------------
    def boot(self) -> RescanReport:
        """Scan, add, claim firmware values, assign the rest, register drivers and bind."""
        return self._event("boot", self._boot)

    def rescan(self) -> RescanReport:
        """A rescan by hand from the root bus (``echo 1 > /sys/bus/pci/rescan``)."""
        return self._event("rescan", lambda: self._rescan(self.system.root))

    def hotadd(self, bridge: Device) -> RescanReport:
        """What pciehp does when a card appears below `bridge` (patch 17)."""
        return self._event("hotadd", lambda: self._hotadd(bridge))

    def remove(self, device: Device) -> RescanReport:
        """Stop and remove `device` and all below; nothing moves."""
        return self._event("remove", lambda: self._remove(device))

    def when_unlocked(self, call: Callable[[], None]) -> None:
        """Have `call` run when nobody holds the rescan lock: as soon as time passes after the event in progress."""
        if self.system.rescan_locked:
            self._waiting.append(call)
        else:
            self.system.ops.clock.call_soon(call, "after the rescan lock")

    def _event(self, op: str, act: Callable[[], tuple[int, bool]]) -> RescanReport:
        try:
            with self.system.rescan_lock.held():
                return self._event_alone(op, act)
        finally:
            waiting, self._waiting = self._waiting, []
            for call in waiting:
                self.when_unlocked(call)

    def _event_alone(self, op: str, act: Callable[[], tuple[int, bool]]) -> RescanReport:
        since, before = len(self.system.trace), {id(device) for device in self.system.discovered}
        crashes = len(self.system.arch.crashes)
        self._tries.clear()
        self._fixed.clear()
        self._ignored.clear()
        self._known = assigned_spans(self.system)
        self._attempts, self._paused, self._blackouts, self._moves = [], [], [], []
        rc, boot_rescan = act()
        self._note_moves()
        return RescanReport(
            op=op,
            rules=self.rules.name,
            rc=rc,
            moves=tuple(self._moves),
            fixed=tuple(self._fixed),
            given_up=(*self._ignored, *(device.label for device in self.system.devices() if device.row.bars_disabled)),
            unplaced=tuple(unplaced_bars(self.system, self._tries)),
            attempts=tuple(self._attempts),
            paused=tuple(device.label for device in self._paused),
            blackouts=tuple(self._blackouts),
            found=tuple(device.label for device in self.system.discovered if id(device) not in before),
            boot_rescan=boot_rescan,
            crashes=tuple(self.system.arch.crashes[crashes:]),
            timeline=tuple(self.system.trace.events[since:]),
            inferred=self.rules.inferred,
        )

    # --- boot -----------------------------------------------------------------------------------------------
    def _boot(self) -> tuple[int, bool]:
        system = self.system
        for line in system.command_line.log_lines:
            system.trace.add(What.LOG, "kernel", line)
        system.root.last = max(system.root.last, scan_child_bus(system.root))
        add_devices(system.root, binds=False)
        moves = self.moves
        if system.platform.claims_firmware:
            claim_firmware_values(system.root, moves.fixed if moves is not None and not moves.claims_fixed else never_fixed)
        boot_rescan = False
        if moves is None:
            self._log_tries(mainline.assign_at_boot(system))
        else:
            turn = self._turn(moves)
            moves.pin(turn)
            self._attempt(moves, turn)
            if moves.boot_rescans and _has_unset(system.root.segment):
                boot_rescan = True
                self._transaction(moves, system.root)
        system.arch.boot_assigned()
        register_and_bind(system, system.drivers)
        return 0, boot_rescan

    # --- rescan ---------------------------------------------------------------------------------------------
    def _rescan(self, bus: Bus) -> tuple[int, bool]:
        moves = self.moves
        if moves is not None:
            self._transaction(moves, bus)
            return 0, False
        scan_child_bus(self.system.root)
        self._log_tries(mainline.assign_on_rescan(self.system))
        add_devices(bus)
        return 0, False

    def _hotadd(self, bridge: Device) -> tuple[int, bool]:
        bus = bridge.subordinate
        if bus is None:
            return -errno.ENODEV, False
        scan_slots(bus)
        if all(device.row.is_added for device in bus.devices):
            return -errno.ENODEV, False
        moves = self.moves.on_slot_event(self.moves) if self.moves is not None else None
        if moves is not None:
            self._transaction(moves, bus)
            return 0, False
        number_hot_added(bus)
        self._log_tries(mainline.assign_hot_added(bridge))
        add_devices(bus)
        return 0, False

    def _remove(self, device: Device) -> tuple[int, bool]:
        stop(device)
        forget_device(device)
        return 0, False

    # --- the transaction ------------------------------------------------------------------------------------
    def _transaction(self, moves: Moves, bus: Bus) -> None:
        """Pause, move, resume. Every step works on the whole domain, except the last: only what is below `bus` is bound."""
        root, turn = self.system.root, self._turn(moves)
        steps: dict[str, Callable[[], object]] = {
            "wake": self._wake,
            "pause": lambda: self._paused.extend(pausing.pause(root, moves)),
            "pin": lambda: moves.pin(turn),
            "ranges": lambda: moves.ranges(turn),
            "scan": lambda: scan_child_bus(root),
            "release": lambda: self._release(moves, turn),
            "attempts": lambda: self._attempt_until_accepted(moves, turn),
            "bridges": lambda: self._program_bridges(moves, turn),
            "resume": lambda: self._resume(moves),
            "bind": lambda: self._bind(turn, bus),
        }
        self._known = assigned_spans(self.system)
        for number, name in enumerate(moves.order, 1):
            self.before_step(name)
            self.system.trace.add(What.STEP, "kernel", f"{number} {name}")
            steps[name]()

    def _wake(self) -> None:
        runtime_pm.hold_bridges(self.system)
        self._holds_bridges = True

    def _turn(self, moves: Moves) -> Turn:
        placing = mainline.new_placing(self.system, keeps_minimum=True, climbs=False)
        return Turn(moves, self.system.root.segment, placing, self.system.reserve, expands=moves.reserves)

    def _release(self, moves: Moves, turn: Turn) -> None:
        self._fixed = list(fixed_bars(self.system, moves))
        self.system.arch.all_paused()
        places_change()
        moves.release(turn)
        replay(turn.journal)

    def _attempt_until_accepted(self, moves: Moves, turn: Turn) -> None:
        while not self._attempt(moves, turn):
            places_change()
            if not moves.fallback(turn):
                self.system.log(None, "BAR assignment failed, no newcomer left to give up")
                return
            replay(turn.journal)

    def _attempt(self, moves: Moves, turn: Turn) -> bool:
        """Size bottom-up, place top-down, write what the kernel writes as it places. Nothing is undone on failure."""
        turn.placing.tries.clear()
        places_change()
        moves.size(turn)
        moves.place(turn)
        replay(turn.journal)
        accepted = moves.accept(turn)
        failed = failed_places(turn.placing)
        attempt = Attempt(len(self._attempts) + 1, turn.tries_failed, turn.expands, accepted, failed)
        self._attempts.append(attempt)
        self.system.trace.add(What.ATTEMPT, "kernel", str(attempt), attempt)
        self._log_tries(turn.placing)
        return accepted

    def _program_bridges(self, moves: Moves, turn: Turn) -> None:
        turn.journal.extend(WindowWrite.all_of(row) for row in moves.programmed(turn.root))
        replay(turn.journal)

    def _resume(self, moves: Moves) -> None:
        # A mapping is stale from here on if its BAR is elsewhere: the driver hears of it in the next line.
        self._note_moves()
        self.system.arch.all_placed()
        self._blackouts += pausing.resume(self.system.root, moves)
        if self._holds_bridges:
            runtime_pm.release_bridges(self.system)
            self._holds_bridges = False

    def _bind(self, turn: Turn, bus: Bus) -> None:
        for row in turn.ignored:
            device: Device = row.owner
            self.system.log(device, "ignored: with its BARs a device that worked before would have lost its own")
            self._ignored.append(device.label)
            if not device.is_removed:  # it may have gone with the bridge above it
                forget_device(device)
        add_devices(bus)

    # --- bookkeeping ----------------------------------------------------------------------------------------
    def _note_moves(self) -> None:
        """Compare with where BARs were when last noted; a BAR that is elsewhere makes its mappings stale."""
        now = assigned_spans(self.system)
        for key, (device, old) in self._known.items():
            new = now[key][1] if key in now else None
            if device.is_removed or new == old:
                continue
            bar = key[1]
            make_stale(device, bar)
            move = BarMove(device.label, bar, old, new)
            self._moves.append(move)
            self.system.trace.add(What.MOVE, device.label, f"BAR {bar}: {old} -> {new or 'unassigned'}", move)
        self._known = now

    def _log_tries(self, placing: Placing) -> None:
        self._tries[:] = placing.tries
        log_tries(self.system, placing.tries)


def _has_unset(root: Segment) -> bool:
    return any(resource.flags & UNSET for row in root.walk() for resource in row.resources[:BRIDGE_RESOURCES])
