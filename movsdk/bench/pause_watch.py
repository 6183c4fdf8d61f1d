"""While drivers are paused, time passes, and what their devices do meanwhile is told.

Twin: the rescan itself, which takes milliseconds on a real machine: long enough for a timer, an interrupt or a DMA engine that
nobody stopped (rules C05, C10 and C12). Stops nothing.
"""

from __future__ import annotations

from typing import Final

from attrs import define, field

from mockbus.function import Function
from movsdk.clock import NS_PER_MS
from movsdk.kernel.actor import record_breach
from movsdk.kernel.device import Device
from movsdk.pci_regs import ROM_RESOURCE
from movsdk.rescan.engine import Engine
from movsdk.trace import What

PAUSE: Final = NS_PER_MS
"""Virtual time that a rescan leaves drivers paused, nanoseconds."""


@define(eq=False)
class PauseWatch:
    """Lets `lasts` nanoseconds of virtual time pass after the step `pause` of each transaction."""

    engine: Engine
    lasts: int
    _paused_now: bool = field(default=False, init=False)

    def at_step(self, step: str) -> None:
        """Called before each step of the transaction."""
        if self._paused_now and self.lasts:
            self.engine.system.ops.clock.advance(self.lasts)
        self._paused_now = step == "pause"

    def dma(self, function: Function, operation: str, address: int, length: int) -> None:
        """Called before each DMA: of a paused device it breaks the contract."""
        device = next((d for d in self.engine.system.discovered if d.label == function.label), None)
        if device is not None and self._hits_paused(device, operation, address, length):
            return
        if device is None or not device.is_paused or device.driver is None:
            return
        text = (
            f"{device}: DMA {operation} of {length} bytes at {address:#x} between rescan_prepare and rescan_done; "
            "stop the device and wait for what is in flight in rescan_prepare"
        )
        device.system.trace.add(What.FAULT, device.label, text)
        record_breach(device, text, getattr(device.driver.target, "rescan_prepare", None), "dma")

    def _hits_paused(self, writer: Device, operation: str, address: int, length: int) -> bool:
        """Whether a DMA goes into a BAR of another device that is paused (rule C11); the writer is to blame."""
        if not writer.system.rescan_locked:
            return False
        for peer in writer.system.discovered:
            if peer is writer or not peer.is_paused:
                continue
            for bar in range(ROM_RESOURCE):
                span = peer.bar_span(bar)
                if span is not None and address in span:
                    text = (
                        f"{writer}: DMA {operation} of {length} bytes at {address:#x}, BAR {bar} of {peer}, which is paused; "
                        "stop peer-to-peer transfers when the peer may move"
                    )
                    writer.system.trace.add(What.FAULT, writer.label, text)
                    target = writer.driver.target if writer.driver is not None else None
                    record_breach(writer, text, getattr(target, "rescan_prepare", None), "peer")
                    return True
        return False
