"""What the hot-plug driver does when a slot reports: a card appeared, a card is gone.

Twin: drivers/pci/hotplug/pciehp_ctrl.c with RFC patch 17. Presence only; buttons and power faults are not handled here.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import define

from movsdk.kernel.device import Device
from movsdk.ops import SlotEvent
from movsdk.rescan.engine import Engine
from movsdk.rescan.report import RescanReport
from movsdk.trace import What


@define(eq=False)
class SlotHandler:
    """Installed on the seam by `listen()`; each slot event becomes an event of the engine. `on_report` hears the outcome."""

    engine: Engine
    on_report: Callable[[RescanReport], None]

    def listen(self) -> None:
        """Hear every later slot event of the domain."""
        self.engine.system.ops.set_slot_handler(self.handle)

    def handle(self, event: SlotEvent) -> None:
        """Presence on: hot-add below the port. Presence off: everything below it goes, deepest first."""
        system = self.engine.system
        port = next((d for d in system.devices() if (d.bus.number, d.devfn) == (event.bus, event.devfn)), None)
        if port is None or event.what != "presence":
            return
        system.trace.add(What.NOTE, port.label, "Slot: Card present" if event.present else "Slot: Card not present")
        if event.present:
            self.on_report(self.engine.hotadd(port))
            return
        for device in _below(port):
            self.on_report(self.engine.remove(device))


def _below(port: Device) -> list[Device]:
    return list(reversed(port.subordinate.devices)) if port.subordinate is not None else []
