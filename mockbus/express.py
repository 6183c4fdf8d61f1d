"""The PCI Express capability: port type, its writable registers, function-level reset.

Twin: PCIe Base 3.1 §7.8. Links have no speed and no errors here; the slot registers are worked by `slot`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from attrs import define, field

from movsdk.pci_regs import EXP_FLAGS, EXP_FLAGS_SLOT, EXP_FLAGS_TYPE, EXP_SLTCAP, EXP_SLTCAP_HPC, PcieType

if TYPE_CHECKING:
    from mockbus.function import Function

EXP_DEVCAP: Final = 0x04
EXP_DEVCAP_FLR: Final = 1 << 28
EXP_DEVCTL: Final = 0x08
EXP_DEVCTL_FLR: Final = 0x8000
EXP_LNKCTL: Final = 0x10
_Registers = tuple[tuple[int, int, int, int], ...]
_WRITABLE: Final[_Registers] = (  # offset, size, mask, write-one-to-clear
    (EXP_DEVCTL, 2, 0x7FFF, 0),
    (0x0A, 2, 0, 0x000F),
    (EXP_LNKCTL, 2, 0x0FDB, 0),
    (0x12, 2, 0, 0xC000),
)
_SLOT_WRITABLE: Final[_Registers] = ((0x18, 2, 0x1FFF, 0), (0x1A, 2, 0, 0x011F))
_ROOT_WRITABLE: Final[_Registers] = ((0x1C, 2, 0x001F, 0), (0x20, 4, 0, 0x00010000))
_V2_WRITABLE: Final[_Registers] = ((0x28, 2, 0xFFFF, 0), (0x30, 2, 0xFFFF, 0))
_V2_SIZE: Final = 0x3C
_POINT_TO_POINT: Final = (PcieType.ROOT_PORT, PcieType.DOWNSTREAM)


@define(eq=False)
class PciExpress:
    """The capability at `offset`."""

    function: Function = field(repr=False)
    offset: int
    port_type: PcieType | None = field(init=False)

    def __attrs_post_init__(self) -> None:
        config, at = self.function.config, self.offset
        flags = config.read(at + EXP_FLAGS, 2)
        kind = (flags & EXP_FLAGS_TYPE) >> 4
        self.port_type = PcieType(kind) if kind in list(PcieType) else None
        registers = _WRITABLE
        if self.port_type in _POINT_TO_POINT and flags & EXP_FLAGS_SLOT:
            registers += _SLOT_WRITABLE
        if self.port_type is PcieType.ROOT_PORT:
            registers += _ROOT_WRITABLE
        if flags & 0xF >= 2 and at + _V2_SIZE <= config.size:
            registers += _V2_WRITABLE
        for offset, size, mask, w1c in registers:
            config.permit(at + offset, size, mask=mask, w1c=w1c)
        self.function.watch(at + EXP_DEVCTL, self._control_written)

    @property
    def is_point_to_point(self) -> bool:
        """True for ports with a link below: only device 0 exists there."""
        return self.port_type in _POINT_TO_POINT

    @property
    def has_slot(self) -> bool:
        """True if a slot with a status register hangs on this port."""
        return self.is_point_to_point and bool(self.function.config.read(self.offset + EXP_FLAGS, 2) & EXP_FLAGS_SLOT)

    @property
    def is_hotplug(self) -> bool:
        """True if the slot says it can be hot-plugged."""
        return self.has_slot and bool(self.function.config.read(self.offset + EXP_SLTCAP, 4) & EXP_SLTCAP_HPC)

    def reset(self) -> None:
        """Put the reset value of Device Control back: relaxed ordering, no snoop, 512-byte reads."""
        config = self.function.config
        initial = int.from_bytes(config.initial[self.offset + EXP_DEVCTL : self.offset + EXP_DEVCTL + 2], "little")
        if not config.read(self.offset + EXP_DEVCTL, 2):
            config.put(self.offset + EXP_DEVCTL, 2, initial)

    def _control_written(self, written: int, _changed: int) -> None:
        if written & EXP_DEVCTL_FLR and self.function.config.read(self.offset + EXP_DEVCAP, 4) & EXP_DEVCAP_FLR:
            self.function.reset()
