"""Config space of one function: its bytes, which bits software may write, and which bits a written one clears.

Twin: the 256 or 4096 bytes behind ``pci_read_config_dword()``. Knows no meaning of any register; see `header` and `capabilities`.
"""

from __future__ import annotations

from typing import Final

from movsdk.errors import BadInput

CONVENTIONAL_SIZE: Final = 256
EXTENDED_SIZE: Final = 4096


class ConfigSpace:
    """Bytes with write masks, little endian.

    >>> config = ConfigSpace()
    >>> config.define(0x10, 4, 0x8, mask=0xFFFFF000)
    >>> hex(config.write(0x10, 4, 0xFFFFFFFF)), hex(config.read(0x10, 4))
    ('0xfffff000', '0xfffff008')
    """

    __slots__ = ("_mask", "_w1c", "data", "initial", "size")

    def __init__(self, size: int = CONVENTIONAL_SIZE) -> None:
        """Make an empty space of `size` bytes, 256 or 4096. Raises `BadInput` for any other size."""
        if size not in (CONVENTIONAL_SIZE, EXTENDED_SIZE):
            raise BadInput(f"config space of {size} bytes: it has 256 or 4096", size=size)
        self.size = size
        self.data = bytearray(size)
        self.initial = bytes(size)
        self._mask = bytearray(size)
        self._w1c = bytearray(size)

    @classmethod
    def from_bytes(cls, dump: bytes) -> ConfigSpace:
        """Take 64 to 4096 dumped bytes exactly as they are; missing ones read zero. Nothing is writable yet."""
        if not 64 <= len(dump) <= EXTENDED_SIZE:
            raise BadInput(f"config dump of {len(dump)} bytes: 64 to 4096 are needed", size=len(dump))
        config = cls(CONVENTIONAL_SIZE if len(dump) <= CONVENTIONAL_SIZE else EXTENDED_SIZE)
        config.data[: len(dump)] = dump
        config.seal()
        return config

    def define(self, offset: int, size: int, value: int, *, mask: int = 0, w1c: int = 0) -> None:
        """Lay out one register of `size` bytes: its `value`, its writable bits, its write-one-to-clear bits."""
        self.put(offset, size, value)
        self.permit(offset, size, mask=mask, w1c=w1c)

    def permit(self, offset: int, size: int, *, mask: int = 0, w1c: int = 0) -> None:
        """Set the writable and the write-one-to-clear bits of a register; its value stays."""
        self._mask[offset : offset + size] = mask.to_bytes(size, "little")
        self._w1c[offset : offset + size] = w1c.to_bytes(size, "little")

    def put(self, offset: int, size: int, value: int) -> None:
        """Change a register from the hardware's side: no mask applies."""
        self.data[offset : offset + size] = value.to_bytes(size, "little")

    def read(self, offset: int, size: int) -> int:
        """Return `size` bytes at `offset`; all-ones past the end."""
        if offset + size > self.size:
            return (1 << 8 * size) - 1
        return int.from_bytes(self.data[offset : offset + size], "little")

    def write(self, offset: int, size: int, value: int) -> int:
        """Write as software does and return the bits that changed (0: nothing happened)."""
        end = offset + size
        if end > self.size:
            return 0
        old = int.from_bytes(self.data[offset:end], "little")
        mask = int.from_bytes(self._mask[offset:end], "little")
        w1c = int.from_bytes(self._w1c[offset:end], "little")
        new = ((old & ~mask) | (value & mask)) & ~(value & w1c)
        if new != old:
            self.data[offset:end] = new.to_bytes(size, "little")
        return old ^ new

    def writable(self, offset: int, size: int) -> int:
        """Return the writable bits of a register."""
        return int.from_bytes(self._mask[offset : offset + size], "little")

    def seal(self) -> None:
        """Remember the bytes of now as what power-on brings back."""
        self.initial = bytes(self.data)

    def seal_byte(self, offset: int) -> None:
        """Remember one byte of now."""
        self.initial = self.initial[:offset] + self.data[offset : offset + 1] + self.initial[offset + 1 :]

    def power_on(self) -> None:
        """Bring the sealed bytes back, firmware's values included."""
        self.data[:] = self.initial

    def reset(self) -> None:
        """Bring the sealed bytes back with all that software may change at zero: BARs, COMMAND, windows, enables."""
        kept = zip(self.initial, self._mask, self._w1c, strict=True)
        self.data[:] = bytes(byte & ~mask & ~w1c for byte, mask, w1c in kept)
