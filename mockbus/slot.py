"""Hot-plug slots: presence, the status bits that show it, and the event that tells of it.

Twin: PCIe Base 3.1 §6.7 (what pciehp reads). A slot without PCI Express registers only sends the event, one that
is not hot-plug capable only shows its status. Latches, power
controllers and indicators are not modelled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import define, field

from movsdk.ops import SlotEvent
from movsdk.pci_regs import EXP_SLTSTA, EXP_SLTSTA_ABP, EXP_SLTSTA_DLLSC, EXP_SLTSTA_PDC, EXP_SLTSTA_PDS

if TYPE_CHECKING:
    from mockbus.bridge import Bridge


@define(eq=False)
class Slot:
    """The slot below `bridge`."""

    bridge: Bridge = field(repr=False)

    @property
    def present(self) -> bool:
        """True if at least one function sits in it."""
        return any(child.present for child in self.bridge.children)

    @property
    def is_hotplug(self) -> bool:
        """True if somebody wants to hear of changes: declared so, or by the slot capabilities."""
        express = self.bridge.express
        return self.bridge.hotplug or (express is not None and express.is_hotplug)

    def settle(self) -> None:
        """Show the presence without an event, as at power-on."""
        if (status := self._status()) is not None:
            self._put(status | EXP_SLTSTA_PDS if self.present else status & ~EXP_SLTSTA_PDS)

    def presence_changed(self) -> None:
        """Show the presence, note the change, and queue a "presence" event."""
        present = self.present
        if (status := self._status()) is not None:
            status = status | EXP_SLTSTA_PDS if present else status & ~EXP_SLTSTA_PDS
            self._put(status | EXP_SLTSTA_PDC | EXP_SLTSTA_DLLSC)
        self._queue("presence", present)

    def press_button(self) -> None:
        """Somebody pressed the attention button."""
        if (status := self._status()) is not None:
            self._put(status | EXP_SLTSTA_ABP)
        self._queue("button", self.present)

    def _queue(self, what: str, present: bool) -> None:
        if self.is_hotplug:
            self.bridge.fabric.clock.call_soon(lambda: self._tell(what, present), f"{self.bridge.label} {what}")

    def _tell(self, what: str, present: bool) -> None:
        bridge = self.bridge
        if bridge.present:  # a port that went meanwhile tells nothing
            bridge.fabric.slot_event_now(SlotEvent(bridge.bus_number, bridge.devfn, what, present))

    def _status(self) -> int | None:
        express = self.bridge.express
        if express is None or not express.has_slot:
            return None
        return self.bridge.config.read(express.offset + EXP_SLTSTA, 2)

    def _put(self, status: int) -> None:
        express = self.bridge.express
        if express is not None:
            self.bridge.config.put(express.offset + EXP_SLTSTA, 2, status)
