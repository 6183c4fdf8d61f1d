"""What an event of a scenario does to the machine and to its kernel.

Twin: somebody before the machine, and at its shell. Says nothing about the outcome; see `player`.
"""

from __future__ import annotations

import errno
from collections.abc import Callable

from attrs import define, evolve, field

from mockbus.bridge import Bridge
from mockbus.slot import Slot
from movsdk.bench.force import Force
from movsdk.bench.forced import forced
from movsdk.bench.powers import call_hooks
from movsdk.bench.scenario import EventSpec
from movsdk.bench.system_sleep import SystemSleep
from movsdk.bench.world import World
from movsdk.clock import NS_PER_MS
from movsdk.errors import BadInput, InvariantBroken, NoSpace, PciError
from movsdk.kernel.actor import record_failure
from movsdk.kernel.device import Device
from movsdk.kernel.runtime_pm import pm_of
from movsdk.kernel.sanitizer import is_absent
from movsdk.pci_regs import ROM_RESOURCE, PowerState
from movsdk.rescan.hotplug import SlotHandler
from movsdk.rescan.report import RescanReport, joined
from movsdk.trace import What

SETTLE_LIMIT = 60_000 * NS_PER_MS


@define(eq=False)
class Happening:
    """The hand that plays events on `world`; `slots` is the hot-plug driver, which hears of what is done at a slot only."""

    world: World
    slots: SlotHandler = field(init=False)
    sleep: SystemSleep = field(init=False)
    _told: list[RescanReport] = field(factory=list, init=False)

    def __attrs_post_init__(self) -> None:
        self.sleep = SystemSleep(self.world.system)
        self.slots = SlotHandler(self.world.engine, self._told.append)
        self.slots.listen()

    def happen(self, event: EventSpec) -> RescanReport:
        """Let one event happen and time pass until it is over. Returns what the engine did, all of it in one report."""
        self._told.clear()
        system, trace = self.world.system, self.world.system.trace
        since, listed = len(trace), list(system.devices())
        done = _ACTS[event.op](self, event, self.world.find(event.id))
        reports = [*([done] if done is not None else []), *self._told]
        still = {id(device) for device in system.devices()}
        report = evolve(
            joined(event.op, self.world.engine.rules.name, reports),
            removed=tuple(device.label for device in listed if id(device) not in still),
            timeline=tuple(trace.events[since:]),
        )
        self.slots.take_over()
        return report

    def _nothing(self, event: EventSpec, rc: int = 0) -> RescanReport:
        return RescanReport(event.op, self.world.engine.rules.name, rc)

    # --- by hand: no slot tells the kernel ----------------------------------------------------------------------
    def _boot(self, _event: EventSpec, _device: Device | None) -> RescanReport:
        return self.world.engine.boot()

    def _rescan(self, _event: EventSpec, _device: Device | None) -> RescanReport:
        return self.world.engine.rescan()

    def _plug(self, event: EventSpec, _device: Device | None) -> RescanReport:
        # Whom the kernel lists and nobody answers for: it may answer from now on, or once the bridge above has numbers again.
        machine, devices = self.world.machine, list(self.world.system.devices())
        silent = {function.label for function in machine if not function.present}
        dark = [device for device in devices if is_absent(device)]
        machine.plug(event.id or "", told=False)
        # Whom it believes to sleep without power, and who was pulled meanwhile, is a new card too.
        dark += [device for device in devices if device.label in silent and machine.function(device.label).present]
        self.world.unnoticed.update((device, bar) for device in dark for bar in range(ROM_RESOURCE))
        return self._nothing(event)

    def _unplug(self, event: EventSpec, _device: Device | None) -> RescanReport:
        self.world.machine.unplug(event.id or "", told=False)
        return self._nothing(event)

    def _hotadd(self, event: EventSpec, port: Device | None) -> RescanReport:
        if port is None or not self.slots.power_on(port):
            return self._nothing(event, -errno.ENODEV)
        return self.world.engine.hotadd(port)

    def _remove(self, event: EventSpec, device: Device | None) -> RescanReport:
        report = self.world.engine.remove(device) if device is not None else self._nothing(event)
        self._unplug(event, device)
        return report

    def _io(self, event: EventSpec, _device: Device | None) -> RescanReport:
        return self._nothing(event)

    def _wait(self, event: EventSpec, _device: Device | None) -> RescanReport:
        self._pass(event.ms or 0)
        return self._nothing(event)

    # --- at the slot: the kernel hears of it ------------------------------------------------------------------------
    def _pull(self, event: EventSpec, _device: Device | None) -> None:
        self.world.machine.unplug(event.id or "")
        self._settle(event)

    def _at_slot(self, event: EventSpec, _device: Device | None) -> RescanReport | None:
        port = self.world.machine.function(event.id or "")
        if not isinstance(port, Bridge) or port.slot is None:  # a dumped port may have none
            return self._nothing(event, -errno.ENODEV)
        _AT_SLOT[event.op](port.slot)
        self._settle(event)
        return None

    # --- power ---------------------------------------------------------------------------------------------------------
    def _suspend(self, event: EventSpec, device: Device | None) -> RescanReport:
        if device is None:
            return self._nothing(event, -errno.ENODEV)
        pm = pm_of(device)
        pm.allow(deepest=event.state or PowerState.D3HOT)
        self._pass(0)
        if pm.is_suspended:
            return self._nothing(event)
        if why := pm.why_awake():
            self.world.system.trace.add(What.NOTE, device.label, why, PciError(errno.EBUSY, f"{device}: {why}"))
        return self._nothing(event, -errno.EBUSY)

    def _resume(self, event: EventSpec, device: Device | None) -> RescanReport:
        if device is None:
            return self._nothing(event, -errno.ENODEV)
        return self._nothing(event, pm_of(device).forbid())

    def _sleep(self, event: EventSpec, _device: Device | None) -> RescanReport:
        return self._nothing(event, self.sleep.begin())

    def _wake(self, event: EventSpec, _device: Device | None) -> RescanReport:
        return self._nothing(event, self.sleep.end())

    # --- on purpose ------------------------------------------------------------------------------------------------------
    def _force(self, event: EventSpec, device: Device | None) -> RescanReport:
        """A rescan in which something happens to one device; -EINVAL if that cannot be, -ENOSPC if it did not move."""
        if device is None:
            return self._nothing(event, -errno.ENODEV)
        report = self._nothing(event)
        try:
            with forced(self.world, device, event.force or Force(), self._told.append):
                report = self.world.engine.rescan()
                self._pass(0)
        except (BadInput, NoSpace) as error:
            self.world.system.trace.add(What.NOTE, device.label, str(error), error)
            return evolve(report, rc=-errno.EINVAL if isinstance(error, BadInput) else -errno.ENOSPC)
        return report

    def _hooks(self, event: EventSpec, device: Device | None) -> RescanReport:
        """Hooks out of turn; what one raises that is no `PciError` is the driver's breach."""
        if device is None:
            return self._nothing(event, -errno.ENODEV)
        for hook in event.calls:
            try:
                call_hooks(device, (hook,))
            except BadInput as error:
                self.world.system.trace.add(What.NOTE, device.label, str(error), error)
                return self._nothing(event, -errno.EINVAL)
            except InvariantBroken:
                raise
            except Exception as error:
                record_failure(device, hook, error, "it was called out of turn")
        return self._nothing(event)

    # --- time ------------------------------------------------------------------------------------------------------------
    def _pass(self, milliseconds: float) -> None:
        self.world.system.ops.clock.advance(int(milliseconds * NS_PER_MS))

    def _settle(self, event: EventSpec) -> None:
        clock = self.world.system.ops.clock
        clock.run_pending()
        if event.ms is not None:
            self._pass(event.ms)
        else:
            clock.run_until(lambda: not self.slots.is_busy, SETTLE_LIMIT)
            clock.run_pending()


_Act = Callable[[Happening, EventSpec, Device | None], RescanReport | None]
_AT_SLOT: dict[str, Callable[[Slot], None]] = {
    "button": Slot.press_button,
    "link": Slot.retrain,
    "power_fault": Slot.short,
}
_ACTS: dict[str, _Act] = {
    "boot": Happening._boot,
    "rescan": Happening._rescan,
    "plug": Happening._plug,
    "unplug": Happening._unplug,
    "hotadd": Happening._hotadd,
    "remove": Happening._remove,
    "io": Happening._io,
    "wait": Happening._wait,
    "pull": Happening._pull,
    **dict.fromkeys(("button", "link", "power_fault"), Happening._at_slot),
    "suspend": Happening._suspend,
    "resume": Happening._resume,
    "sleep": Happening._sleep,
    "wake": Happening._wake,
    "force": Happening._force,
    "hooks": Happening._hooks,
}
