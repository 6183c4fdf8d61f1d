"""Hot-plug slots: presence, power, link, button and indicators, and the events that tell of them.

Twin: PCIe Base 3.1 §6.7 and §7.8.9-11 (what pciehp reads). A slot without PCI Express registers only sends the event, one that
is not hot-plug capable only shows its status. Events are sent whatever Slot Control enables, commands complete at once, latches
are not modelled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import define, field

from mockbus import footprint
from movsdk import pci_regs as regs
from movsdk.ops import SlotEvent
from movsdk.pci_regs import EXP_SLTCTL_PCC, EXP_SLTSTA_ABP, EXP_SLTSTA_DLLSC, EXP_SLTSTA_PDC, EXP_SLTSTA_PDS, EXP_SLTSTA_PFD

if TYPE_CHECKING:
    from mockbus.bridge import Bridge
    from mockbus.function import Function


@define(eq=False)
class Slot:
    """The slot below `bridge`."""

    bridge: Bridge = field(repr=False)
    _dark: list[Function] = field(factory=list, init=False, repr=False)  # cards that sit in it without power
    _is_shorted: bool = field(default=False, init=False)  # the card takes more current than it may
    _has_tripped: bool = field(default=False, init=False)  # the power controller let go; it waits to be turned off

    # --- what it is now ------------------------------------------------------------------------
    @property
    def present(self) -> bool:
        """True if a card sits in it, with power or without."""
        return bool(self._dark) or self.is_link_up

    @property
    def is_link_up(self) -> bool:
        """True if at least one function of the card has power."""
        return any(child.present for child in self.bridge.children)

    @property
    def is_hotplug(self) -> bool:
        """True if somebody wants to hear of changes: declared so, or by the slot capabilities."""
        express = self.bridge.express
        return self.bridge.hotplug or (express is not None and express.is_hotplug)

    @property
    def is_express(self) -> bool:
        """True if it has slot registers: it knows of one card, whatever functions that has."""
        return self.bridge.express is not None and self.bridge.express.has_slot

    @property
    def has_power_controller(self) -> bool:
        """True if software can turn the slot's power off."""
        return bool(self._read(regs.EXP_SLTCAP, 4) & regs.EXP_SLTCAP_PCP)

    @property
    def is_powered(self) -> bool:
        """True if a card that is put in gets power at once."""
        return not self.has_power_controller or not (self._has_tripped or self._read(regs.EXP_SLTCTL, 2) & EXP_SLTCTL_PCC)

    # --- what people do to it --------------------------------------------------------------------
    def take_in(self, card: Function) -> None:
        """Put a card in while the power is off."""
        if card not in self._dark:
            self._dark.append(card)

    def let_go(self, card: Function) -> bool:
        """Take a card out that had no power. Returns whether it was there."""
        was_there = card in self._dark
        if was_there:
            self._dark.remove(card)
        return was_there

    def press_button(self) -> None:
        """Somebody pressed the attention button."""
        footprint.somebody(f"presses the button of {self.bridge.label}")
        self._raise("button", EXP_SLTSTA_ABP)

    def retrain(self) -> None:
        """The link goes down and comes up again: the card is reset, and the change noted. Without a card only that is left."""
        footprint.somebody(f"retrains the link of {self.bridge.label}")
        for child in self.bridge.children:
            if child.present:
                child.reset()
        self._raise("link", EXP_SLTSTA_DLLSC)

    def short(self) -> None:
        """The card is shorted from now on: the power controller, if there is one, lets go, and again at each attempt."""
        footprint.somebody(f"shorts the card below {self.bridge.label}")
        self._is_shorted = True
        if self.has_power_controller and self.is_link_up:
            self._trip()

    # --- what follows ------------------------------------------------------------------------------
    def settle(self) -> None:
        """Show presence and link without an event, as at power-on. Power is on after a reset: cards that had none get it."""
        if self._dark and self.is_powered:
            self._turn_on()
        self._show(0)

    def presence_changed(self, *, told: bool = True) -> None:
        """Show the presence, note the change, and queue a "presence" event; unless `told` only show it."""
        if not self.present:
            self._is_shorted = False
        if told:
            self._raise("presence", EXP_SLTSTA_PDC | (EXP_SLTSTA_DLLSC if self.is_powered else 0))
        else:
            self._show(0)

    def control_written(self, _written: int, changed: int) -> None:
        """Slot Control was written: power may go on or off."""
        if not changed & EXP_SLTCTL_PCC or not self.has_power_controller:
            return
        if self._read(regs.EXP_SLTCTL, 2) & EXP_SLTCTL_PCC:
            self._has_tripped = False
            self._turn_off()
        elif self._is_shorted:
            self._trip()
        elif self._dark:
            self._turn_on()
            self._raise("link", EXP_SLTSTA_DLLSC)

    def _trip(self) -> None:
        self._has_tripped = True
        was_up = self.is_link_up
        self._cut()
        self._raise("power-fault", EXP_SLTSTA_PFD | (EXP_SLTSTA_DLLSC if was_up else 0))

    def _turn_off(self) -> None:
        if self.is_link_up:
            self._cut()
            self._raise("link", EXP_SLTSTA_DLLSC)

    def _cut(self) -> None:
        for card in [child for child in self.bridge.children if child.present]:
            self.take_in(card)
            for each in reversed(card.with_below()):
                if each.present:
                    each.power_off()

    def _turn_on(self) -> None:
        cards, self._dark = self._dark, []
        for card in cards:
            for each in card.with_below():
                if not each.present:
                    each.power_on()

    # --- registers and events ------------------------------------------------------------------------
    def _raise(self, what: str, bits: int) -> None:
        self._show(bits)
        self._queue(what)

    def _show(self, bits: int) -> None:
        """Set event bits, and the state bits as they are now."""
        if not self.is_express:
            return
        status = self._read(regs.EXP_SLTSTA, 2) & ~EXP_SLTSTA_PDS | bits
        self._put(regs.EXP_SLTSTA, status | EXP_SLTSTA_PDS if self.present else status)
        if self._read(regs.EXP_LNKCAP, 4) & regs.EXP_LNKCAP_DLLLARC:
            link = self._read(regs.EXP_LNKSTA, 2) & ~regs.EXP_LNKSTA_DLLLA
            self._put(regs.EXP_LNKSTA, link | regs.EXP_LNKSTA_DLLLA if self.is_link_up else link)

    def _queue(self, what: str) -> None:
        if self.is_hotplug:
            present = self.present
            self.bridge.fabric.clock.call_soon(lambda: self._tell(what, present), f"{self.bridge.label} {what}")

    def _tell(self, what: str, present: bool) -> None:
        bridge = self.bridge
        if bridge.present:  # a port that went meanwhile tells nothing
            bridge.fabric.slot_event_now(SlotEvent(bridge.bus_number, bridge.devfn, what, present))

    def _read(self, register: int, size: int) -> int:
        """A register of the PCI Express capability; zero where the slot has none."""
        express = self.bridge.express
        return self.bridge.config.read(express.offset + register, size) if express is not None and express.has_slot else 0

    def _put(self, register: int, value: int) -> None:
        if self.bridge.express is not None:
            self.bridge.config.put(self.bridge.express.offset + register, 2, value)
