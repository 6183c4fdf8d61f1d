"""The whole machine asleep and awake again.

Twin: ``dpm_suspend()`` and ``dpm_resume()`` with the PCI callbacks of drivers/pci/pci-driver.c. Bridges stay awake here; what a
slot tells meanwhile is heard, and who changes the machine while it sleeps is the tester.
"""

from __future__ import annotations

from attrs import define, field

from movsdk.kernel import power
from movsdk.kernel.device import Device
from movsdk.kernel.device_lock import device_locked
from movsdk.kernel.header import find_capability
from movsdk.kernel.system import System
from movsdk.pci_regs import CAP_ID_PM, PowerState


@define(eq=False)
class SystemSleep:
    """Which devices of `system` were put to sleep, in that order."""

    system: System = field(repr=False)
    _asleep: list[Device] = field(factory=list, init=False)

    @property
    def is_on(self) -> bool:
        """Whether a driver sleeps."""
        return bool(self._asleep)

    def begin(self) -> int:
        """Tell every driver, the last device first; each that can goes to D3hot.

        Returns 0, or a negative errno and all are awake.
        """
        for device in reversed(list(self.system.devices())):
            if device.row.is_bridge or device.driver is None or device in self._asleep:
                continue
            if device.current_state != PowerState.D0:
                continue  # it sleeps already, and is let sleep on
            with device_locked(device):
                if device.driver is None:
                    continue  # unbound while we waited
                # Without power management, or a driver that knows of it, a device is quiet in D0.
                can_sleep = device.driver.has("suspend") and find_capability(device, CAP_ID_PM)
                sleep = power.suspend_device if can_sleep else power.quiet_device
                rc = sleep(self.system, device)
            if rc:
                self.end()
                return rc
            self._asleep.append(device)
        return 0

    def end(self) -> int:
        """Wake them in the opposite order; who was removed meanwhile is passed by. Returns 0 or the first negative errno."""
        first = 0
        while self._asleep:
            device = self._asleep.pop()
            with device_locked(device):
                if not device.is_removed and device.driver is not None:
                    first = first or power.resume_device(self.system, device)
        return first
