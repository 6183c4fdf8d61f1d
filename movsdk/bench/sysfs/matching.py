"""Which driver a device gets, as files have a say in it: driver_override, new_id, bind and unbind.

Twin: ``pci_match_device()``, ``new_id_store()`` in drivers/pci/pci-driver.c and drivers/base/bus.c. Without a word from a
file the kernel model decides as before.
"""

from __future__ import annotations

import errno

from attrs import define, field

from movsdk.bench.sysfs.node import PAGE, to_word
from movsdk.errors import PciError
from movsdk.hooks import ANY_ID, PciId
from movsdk.kernel.binding import BoundDriver, attach, bind, release
from movsdk.kernel.device import Device
from movsdk.kernel.system import System

_MOST_FIELDS = 7


@define(eq=False)
class Matching:
    """Stands before the system's own matching until `close()`."""

    system: System
    overrides: dict[Device, str] = field(factory=dict, init=False, repr=False)
    dynamic: dict[BoundDriver, list[PciId]] = field(factory=dict, init=False, repr=False)
    _before: object = field(default=None, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._before = self.system.match_of
        self.system.match_of = self.match

    def close(self) -> None:
        """Let the system match as it did."""
        if self.system.match_of == self.match:
            self.system.match_of = self._before  # type: ignore[assignment]

    # --- matching ------------------------------------------------------------------------------------
    def match(self, device: Device) -> BoundDriver | None:
        """The driver for `device`: driver_override alone if it is set, then ids from new_id, then what the system says."""
        wanted = self.overrides.get(device)
        if wanted is not None:
            return next((driver for driver in self.system.drivers if driver.name == wanted), None)
        for driver in self.system.drivers:
            if self._dynamic_row(driver, device) is not None:
                return driver
        if callable(self._before):
            found: BoundDriver | None = self._before(device)
            return found
        return next((driver for driver in self.system.drivers if driver.match(device) is not None), None)

    def serves(self, driver: BoundDriver, device: Device) -> bool:
        """Whether `driver` would take `device` if asked (``driver_match_device()``)."""
        wanted = self.overrides.get(device)
        if wanted is not None:
            return wanted == driver.name
        return self.match(device) is driver or self._dynamic_row(driver, device) is not None or driver.match(device) is not None

    def _dynamic_row(self, driver: BoundDriver, device: Device) -> PciId | None:
        identity = PciId(device.vendor, device.device_id, device.subvendor, device.subdevice, device.class_code)
        return next((row for row in self.dynamic.get(driver, ()) if row.matches(identity)), None)

    # --- files ---------------------------------------------------------------------------------------
    def override(self, device: Device, data: bytes) -> None:
        """``driver_override``: a driver's name; an empty line takes it back."""
        if len(data) >= PAGE - 1:
            raise OSError(errno.EINVAL, "longer than a page; no driver has such a name")
        word = to_word(data)
        if word:
            self.overrides[device] = word
        else:
            self.overrides.pop(device, None)

    def bind(self, driver: BoundDriver, device: Device | None) -> None:
        """``bind``. Raises ENODEV (no such device, or not for this driver), EBUSY (has a driver), or what probe reported."""
        if device is None or not self.serves(driver, device):
            raise OSError(errno.ENODEV, "no such device, or the driver does not match it")
        if device.driver is not None:
            raise OSError(errno.EBUSY, f"{device} is bound to {device.driver.name}")
        rc = bind(self.system, device, driver, self._dynamic_row(driver, device) or driver.match(device))
        if rc:
            raise PciError(-rc, f"{device}: probe by {driver.name} failed; see the log", device=device.label)

    def unbind(self, driver: BoundDriver, device: Device | None) -> None:
        """``unbind``. Raises ENODEV unless `driver` has the device."""
        if device is None or device.driver is not driver:
            raise OSError(errno.ENODEV, f"the device is not bound to {driver.name}")
        release(self.system, device)

    def probe(self, device: Device | None) -> None:
        """``drivers_probe``. Raises ENODEV (no such device), EINVAL (no driver took it)."""
        if device is None:
            raise OSError(errno.ENODEV, "no such device")
        if attach(self.system, device) != 0:
            raise OSError(errno.EINVAL, f"{device}: no driver took it")

    def new_id(self, driver: BoundDriver, data: bytes) -> None:
        """``new_id``: ids for the driver, hexadecimal; unbound devices are offered at once. Raises EINVAL, EEXIST."""
        row = _row(data)
        known = self.dynamic.setdefault(driver, [])
        if row in known or row in driver.id_table:
            raise OSError(errno.EEXIST, f"{driver.name} serves these ids already")
        known.append(row)
        for device in list(self.system.discovered):
            if device.driver is None and self.match(device) is driver:
                bind(self.system, device, driver, row)

    def remove_id(self, driver: BoundDriver, data: bytes) -> None:
        """``remove_id``. Raises EINVAL, ENODEV (new_id did not add it)."""
        row = _row(data)
        for known in self.dynamic.get(driver, []):
            if (known.vendor, known.device) == (row.vendor, row.device):
                self.dynamic[driver].remove(known)
                return
        raise OSError(errno.ENODEV, f"new_id gave {driver.name} no such ids")


def _row(data: bytes) -> PciId:
    """``vendor device [subvendor subdevice [class [mask [driver_data]]]]``."""
    try:
        words = [int(word, 16) for word in to_word(data).split()][:_MOST_FIELDS]
    except ValueError:
        words = []
    if len(words) < 2:
        raise OSError(errno.EINVAL, "write at least vendor and device, in hexadecimal")
    subsystem = words[2:4] + [ANY_ID] * (2 - len(words[2:4]))
    kind = words[4:6] + [0] * (2 - len(words[4:6]))
    data_word = words[6] if len(words) == _MOST_FIELDS else None
    return PciId(words[0], words[1], subsystem[0], subsystem[1], kind[0], kind[1], data_word)
