"""Runtime power management: who needs a device awake, when it may sleep, and bridges kept awake while BARs move.

Twin: drivers/base/power/runtime.c, ``pci_config_pm_runtime_get()`` in drivers/pci/pci.c, RFC patch 20. Decides when; how a device
changes state is `power`'s. Simpler than Linux in one thing: the count starts at 0 and a device that nobody allowed to sleep does
not, where Linux holds a count for that. Which ports may sleep by default (``pci_bridge_d3_possible()``) is not modelled: none.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from attrs import define, field

from movsdk.clock import NS_PER_MS, Timer
from movsdk.kernel import power
from movsdk.kernel.device import Bus, Device
from movsdk.kernel.saved_state import save_state
from movsdk.pci_regs import PowerState
from movsdk.points import checkpoint, mention

if TYPE_CHECKING:
    from movsdk.kernel.system import System


@define(eq=False, repr=False)
class RuntimePm:
    """The books on one device (``struct dev_pm_info``). `usage`: how many need it awake.

    `is_allowed`: it may sleep when nobody does (``echo auto > power/control``), `delay_ms` after it was last used (None: as soon
    as time passes), as deep as `deepest`.
    """

    _device: Device
    usage: int = field(default=0, init=False)
    is_allowed: bool = field(default=False, init=False)
    delay_ms: float | None = field(default=None, init=False)
    deepest: PowerState = field(default=PowerState.D3HOT, init=False)
    is_changing: bool = field(default=False, init=False)  # somebody puts it to sleep or wakes it
    _last_busy: int = field(default=0, init=False)
    _timer: Timer | None = field(default=None, init=False)

    @property
    def is_suspended(self) -> bool:
        """True while it is not in D0."""
        mention(f"{self._device.label} R power state", power.state_cells(self._device))
        return self._device.current_state != PowerState.D0

    def allow(self, delay_ms: float | None = None, deepest: PowerState = PowerState.D3HOT) -> None:
        """Let it sleep whenever nobody needs it (``pm_runtime_allow()``, with a delay ``pm_runtime_use_autosuspend()``)."""
        self._announce("allow")
        self.is_allowed, self.delay_ms, self.deepest = True, delay_ms, deepest
        self.mark_last_busy()
        self._idle()

    def forbid(self) -> int:
        """Wake it, and keep it awake (``pm_runtime_forbid()``). Returns 0 or a negative errno."""
        self._announce("forbid")
        self.is_allowed = False
        return self.resume()

    def mark_last_busy(self) -> None:
        """The delay counts from now on."""
        self._last_busy = self._device.system.ops.clock.now

    def get_noresume(self) -> None:
        """One more needs it awake; it is not woken."""
        self._count(+1)

    def get_sync(self) -> int:
        """One more needs it awake, and it is. Returns 0 or a negative errno; the count is up all the same."""
        self._count(+1)
        return self.resume()

    def put_noidle(self) -> None:
        """One less needs it; it does not fall asleep for that."""
        self._count(-1)

    def put(self) -> None:
        """One less needs it; the last one lets it sleep, after its delay."""
        self._count(-1)
        self._idle()

    def _count(self, step: int) -> None:
        self._announce(f"usage {'+' if step > 0 else '-'}= 1")
        self.usage += step

    def _announce(self, what: str, reads: tuple[Hashable, ...] = ()) -> None:
        """What anybody does to the books is one step, and its order with what others do to them may matter."""
        checkpoint(f"{self._device.label} {what}", reads, self._cells)

    def _seen(self) -> None:
        """Say that the step which runs looks whether it may sleep: at its books, and at what is awake behind it."""
        below = (cell for child in _children(self._device) for cell in power.state_cells(child))
        mention(f"{self._device.label} may it sleep?", (*self._cells, *below))

    @property
    def _cells(self) -> tuple[tuple[str, str]]:
        return (("runtime pm", self._device.label),)

    def resume(self) -> int:
        """Wake it, all bridges above first. Returns 0 or a negative errno."""
        device = self._device
        mention(f"{device.label} is it awake?", self._cells)
        if not self.is_suspended and not self.is_changing:
            return 0
        bridge = device.bus.bridge
        if bridge is not None and (rc := pm_of(bridge).resume()):
            return rc
        rc = self._change(lambda: power.resume_device(device.system, device) if self.is_suspended else 0)
        self.mark_last_busy()
        return rc

    def _change(self, act: Callable[[], int]) -> int:
        """Fall asleep or wake, one after the other: whoever comes meanwhile waits (RPM_SUSPENDING, RPM_RESUMING).

        Returns what `act` returns, or -EINPROGRESS where nobody can wait, because a hook of this device let time pass.
        """
        label, cells = self._device.label, self._cells
        checkpoint(f"{label} runtime PM begins", writes=cells, guard=lambda: not self.is_changing)
        if self.is_changing:
            return -errno.EINPROGRESS
        self.is_changing = True
        try:
            return act()
        finally:
            checkpoint(f"{label} runtime PM ends", writes=cells)
            self.is_changing = False

    def why_awake(self) -> str:
        """What keeps it from falling asleep, in words; empty if nothing does.

        A driver without `suspend` never gives back the count that the core takes for it before `probe`.
        """
        device = self._device
        self._seen()
        driver, awake = device.driver, [child.label for child in _children(device) if child.current_state == PowerState.D0]
        if not self.is_allowed:
            return "nobody allowed it to sleep"
        if self.usage:
            return f"{self.usage} need it awake"
        if driver is not None and not device.row.is_bridge and not driver.has("suspend"):
            return f"driver {driver.name} has no suspend() and needs it awake"
        if device.row.is_bridge and device.system.command_line.port_pm == "off":
            return "pcie_port_pm=off"
        return f"awake behind it: {', '.join(awake)}" if awake else ""

    def _may_sleep(self) -> bool:
        return not self.is_suspended and not self._device.is_removed and not self.why_awake()

    def _idle(self) -> None:
        """Set the alarm if it may sleep (``rpm_idle()``)."""
        self._announce("may sleep?", tuple(("runtime pm", child.label) for child in _children(self._device)))
        if self._timer is not None:
            self._timer.cancel()
        if not self._may_sleep():
            return
        clock = self._device.system.ops.clock
        due = self._last_busy + int((self.delay_ms or 0) * NS_PER_MS)
        self._timer = clock.call_later(max(0, due - clock.now), self._suspend, f"{self._device.label} autosuspend")

    def _suspend(self) -> None:
        """The alarm rang (``rpm_suspend()``). A driver may refuse; the bridge above may be next."""
        device = self._device
        if self._change(
            lambda: power.suspend_device(device.system, device, self.deepest) if self._may_sleep() else -errno.EAGAIN
        ):
            return
        if device.bus.bridge is not None:
            pm_of(device.bus.bridge)._idle()


def pm_of(device: Device) -> RuntimePm:
    """The books on `device`, opened at the first call."""
    if device.pm is None:
        device.pm = RuntimePm(device)
    return device.pm


def _children(device: Device) -> list[Device]:
    return device.subordinate.devices if device.subordinate is not None else []


@contextmanager
def kept_awake(device: Device) -> Iterator[None]:
    """`device` is awake inside, as a bridge is while the scan looks behind it (``pci_scan_bridge_extend()``)."""
    pm_of(device).get_sync()
    try:
        yield
    finally:
        pm_of(device).put()


# --- a rescan ------------------------------------------------------------------------------------------
def hold_bridges(system: System) -> list[Device]:
    """Patch 20: keep every bridge that has a bus behind it awake until `release_bridges`; topmost first. Returns them."""
    if system.power_rules.wakes == "no":
        return []
    held = [device for device in system.devices() if device.subordinate is not None]
    for bridge in held:
        pm_of(bridge).get_noresume()
    if system.power_rules.wakes == "fully":
        power.wake_bridges(system)
    else:  # config space is within reach of a bridge in D3hot; what is behind it is not
        for bridge in held:
            if bridge.current_state == PowerState.D3COLD:
                pm_of(bridge).resume()
    return held


def release_bridges(system: System) -> None:
    """Let them go again, leaves first, with their configuration saved as it is now. Newcomers were never held."""
    if system.power_rules.wakes != "no":
        _release_below(system.root, system.power_rules)


def _release_below(bus: Bus, rules: power.PowerRules) -> None:
    if bus.bridge is not None and not bus.bridge.row.is_added and not rules.puts_new_bridges:
        return
    for device in list(bus.devices):
        if device.subordinate is not None:
            _release_below(device.subordinate, rules)
    if bus.bridge is not None:
        if rules.saves_bridges:
            save_state(bus.bridge)
        pm_of(bus.bridge).put()
