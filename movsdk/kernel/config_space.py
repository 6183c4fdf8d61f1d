"""A driver's view of its device's config space.

Twin: ``pci_read_config_word()`` and its siblings, ``pci_find_capability()``. What a driver reads and writes is told to whoever
observes; a device that is gone answers all-ones.
"""

from __future__ import annotations

import errno

from attrs import define

from movsdk.errors import PciError
from movsdk.kernel.device import Device
from movsdk.kernel.header import find_capability
from movsdk.kernel.sanitizer import config_access, is_lost

_EXTENDED = 0x1000  # bytes


@define(eq=False, repr=False)
class ConfigSpace:
    """The part of `PciDev` that reads and writes registers of the device's header and capabilities."""

    _device: Device

    def read_config_byte(self, offset: int) -> int:
        """Read 1 byte of config space; all-ones from a device that is gone."""
        return self._config_read(offset, 1)

    def read_config_word(self, offset: int) -> int:
        """Read 2 bytes of config space; all-ones from a device that is gone."""
        return self._config_read(offset, 2)

    def read_config_dword(self, offset: int) -> int:
        """Read 4 bytes of config space; all-ones from a device that is gone."""
        return self._config_read(offset, 4)

    def write_config_byte(self, offset: int, value: int) -> None:
        """Write 1 byte of config space."""
        self._config_write(offset, 1, value)

    def write_config_word(self, offset: int, value: int) -> None:
        """Write 2 bytes of config space."""
        self._config_write(offset, 2, value)

    def write_config_dword(self, offset: int, value: int) -> None:
        """Write 4 bytes of config space."""
        self._config_write(offset, 4, value)

    def find_capability(self, cap_id: int) -> int:
        """Offset of a capability in config space, or 0."""
        return 0 if is_lost(self._device) else find_capability(self._device, cap_id)

    def _config_read(self, offset: int, size: int) -> int:
        self._check_register(offset, size)
        config_access(self._device, "read", offset, size)
        return (1 << 8 * size) - 1 if is_lost(self._device) else self._device.config_read(offset, size)

    def _config_write(self, offset: int, size: int, value: int) -> None:
        self._check_register(offset, size)
        config_access(self._device, "write", offset, size, value)
        if not is_lost(self._device):
            self._device.config_write(offset, size, value & (1 << 8 * size) - 1)

    def _check_register(self, offset: int, size: int) -> None:
        if offset % size or not 0 <= offset <= _EXTENDED - size:
            raise PciError(
                errno.EINVAL, f"{self}: no config register of {size} bytes at {offset:#x}; offsets are multiples of it"
            )

    def __str__(self) -> str:
        return str(self._device)
