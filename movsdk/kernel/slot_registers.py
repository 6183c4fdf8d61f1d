"""The slot of a PCI Express port, as a hot-plug driver reads and drives it.

Twin: drivers/pci/hotplug/pciehp_hpc.c. Registers only; what to do about an event is `rescan.hotplug`'s.
"""

from __future__ import annotations

from typing import Final

from attrs import define

from movsdk import pci_regs as regs
from movsdk.kernel.device import Device
from movsdk.kernel.header import find_capability
from movsdk.pci_regs import Led

EVENTS: Final = regs.EXP_SLTSTA_ABP | regs.EXP_SLTSTA_PFD | regs.EXP_SLTSTA_PDC | regs.EXP_SLTSTA_DLLSC
_NOBODY: Final = 0xFFFF


@define(eq=False)
class SlotRegisters:
    """The slot of `port`; its capability is at `at` in config space, `features` are the slot capabilities."""

    port: Device
    at: int
    features: int

    @classmethod
    def of(cls, port: Device) -> SlotRegisters | None:
        """The slot of a port that has a hot-plug capable one, else None."""
        at = find_capability(port, regs.CAP_ID_EXP)
        if not at or not port.config_read(at + regs.EXP_FLAGS, 2) & regs.EXP_FLAGS_SLOT:
            return None
        features = port.config_read(at + regs.EXP_SLTCAP, 4)
        return cls(port, at, features) if features & regs.EXP_SLTCAP_HPC else None

    @property
    def number(self) -> int:
        """Physical slot number, as printed on the chassis."""
        return self.features >> regs.EXP_SLTCAP_PSN_SHIFT

    @property
    def has_button(self) -> bool:
        """People press a button before they change the card."""
        return bool(self.features & regs.EXP_SLTCAP_ABP)

    @property
    def has_power_controller(self) -> bool:
        """Power can be turned off."""
        return bool(self.features & regs.EXP_SLTCAP_PCP)

    # --- what it shows ------------------------------------------------------------------------------------
    @property
    def is_occupied(self) -> bool:
        """A card sits in it."""
        status = self._read(regs.EXP_SLTSTA)
        return status != _NOBODY and bool(status & regs.EXP_SLTSTA_PDS)

    @property
    def is_link_up(self) -> bool:
        """The data link layer is active; a port that cannot report that never says so."""
        status = self._read(regs.EXP_LNKSTA)
        return status != _NOBODY and bool(status & regs.EXP_LNKSTA_DLLLA)

    @property
    def is_powered(self) -> bool:
        """Power is not turned off."""
        return not self.has_power_controller or not self._read(regs.EXP_SLTCTL) & regs.EXP_SLTCTL_PCC

    @property
    def has_power_fault(self) -> bool:
        """The power controller let go, and nobody has acknowledged it."""
        status = self._read(regs.EXP_SLTSTA)
        return status != _NOBODY and bool(status & regs.EXP_SLTSTA_PFD)

    def take_events(self) -> int:
        """Event bits of Slot Status, acknowledged by this. 0 from a port that is gone."""
        status = self._read(regs.EXP_SLTSTA)
        events = 0 if status == _NOBODY else status & EVENTS
        if events:
            self.port.config_write(self.at + regs.EXP_SLTSTA, 2, events)
        return events

    # --- what it is told -----------------------------------------------------------------------------------
    def enable_events(self) -> None:
        """Ask for events. With a button presence changes are nobody's business: people will press it."""
        wanted = regs.EXP_SLTCTL_ABPE if self.has_button else regs.EXP_SLTCTL_PDCE
        wanted |= regs.EXP_SLTCTL_DLLSCE | regs.EXP_SLTCTL_HPIE | regs.EXP_SLTCTL_PFDE
        self._write(wanted, wanted)

    def set_power(self, on: bool) -> None:
        """Turn power on or off, where there is a controller."""
        if self.has_power_controller:
            if on and self.has_power_fault:
                self.port.config_write(self.at + regs.EXP_SLTSTA, 2, regs.EXP_SLTSTA_PFD)
            self._write(0 if on else regs.EXP_SLTCTL_PCC, regs.EXP_SLTCTL_PCC)

    def show(self, *, power: Led | None = None, attention: Led | None = None) -> None:
        """Set the indicators that the slot has; None leaves one alone."""
        value = mask = 0
        if power is not None and self.features & regs.EXP_SLTCAP_PIP:
            value, mask = value | power << 8, mask | regs.EXP_SLTCTL_PIC
        if attention is not None and self.features & regs.EXP_SLTCAP_AIP:
            value, mask = value | attention << 6, mask | regs.EXP_SLTCTL_AIC
        if mask:
            self._write(value, mask)

    def _read(self, register: int) -> int:
        return self.port.config_read(self.at + register, 2)

    def _write(self, value: int, mask: int) -> None:
        before = self._read(regs.EXP_SLTCTL)
        after = before & ~mask | value & mask
        if after != before:
            self.port.config_write(self.at + regs.EXP_SLTCTL, 2, after)
