"""The way up: DMA and interrupt messages from a function to host memory, a peer's BAR, or the CPU.

Twin: PCI-to-PCI Bridge 1.2 §4 (upstream forwarding). Needs bus mastering and D0 on the device and on every bridge passed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockbus import footprint, traffic
from mockbus.footprint import MESSAGE_SIZE, is_message
from movsdk import pci_regs as regs
from movsdk import points
from movsdk.ops import FaultKind, Interrupt, Space

if TYPE_CHECKING:
    from mockbus.fabric import Fabric
    from mockbus.function import Function


def climb(function: Function, address: int) -> tuple[FaultKind | None, str]:
    """Follow a request of `function` upwards.

    Returns the reason it stops, and the label to blame; or None, and the label of the bridge that has `address` in a window of
    its own, so that the target is a peer below it ("": the request came out at the root).
    """
    if (reason := _barred(function)) is not None:
        return reason
    for bridge in function.bridges():
        if bridge.passes(address, io=False):
            return None, bridge.label
        if (reason := _barred(bridge)) is not None:
            return reason
    return None, ""


def _barred(hop: Function) -> tuple[FaultKind, str] | None:
    """Return what keeps `hop` from sending a request upwards."""
    if not hop.present:
        return FaultKind.ABSENT, hop.label
    if hop.power is not regs.PowerState.D0:
        return FaultKind.ASLEEP, hop.label
    return None if hop.command & regs.COMMAND_MASTER else (FaultKind.NO_BUS_MASTER, hop.label)


def dma_read(fabric: Fabric, function: Function, address: int, length: int) -> bytes:
    """Fetch `length` bytes; all-ones and a fault if the way is barred or nobody has them."""
    if points.is_watched():
        footprint.announce_dma(fabric, "dma_read", function, address, length, is_write=False)
    reason, where = climb(function, address)
    if reason is not None:
        _refuse(function, reason, "read", address, length, where)
        return b"\xff" * length
    if not where and (view := fabric.memory.find(address, length)) is not None:
        return bytes(view)
    if fabric.claims(Space.MEM, address):
        return traffic.copy_out(fabric, address, length, function.label)
    _refuse(function, FaultKind.DMA_NO_TARGET, "read", address, length, where)
    return b"\xff" * length


def dma_write(fabric: Fabric, function: Function, address: int, data: bytes) -> None:
    """Store `data`; a fault if the way is barred or nobody takes it. Four bytes to 0xFEExxxxx are an interrupt."""
    if points.is_watched():
        footprint.announce_dma(fabric, "dma_write", function, address, len(data), is_write=True)
    reason, where = climb(function, address)
    if reason is not None:
        _refuse(function, reason, "write", address, len(data), where)
    elif not where and is_message(address, len(data)):
        fabric.interrupt(Interrupt("msi", int.from_bytes(data, "little"), function.label, address))
    elif not where and (view := fabric.memory.find(address, len(data))) is not None:
        view[:] = data
    elif fabric.claims(Space.MEM, address):
        traffic.copy_in(fabric, address, data, function.label)
    else:
        _refuse(function, FaultKind.DMA_NO_TARGET, "write", address, len(data), where)


def send_message(fabric: Fabric, function: Function, address: int, data: int) -> None:
    """Send an MSI or MSI-X message; one that does not arrive leaves a fault in the interrupt space."""
    if not is_message(address, MESSAGE_SIZE):
        dma_write(fabric, function, address, data.to_bytes(MESSAGE_SIZE, "little"))
        return
    if points.is_watched():
        footprint.announce_dma(fabric, "message", function, address, MESSAGE_SIZE, is_write=True)
    reason, where = climb(function, address)
    if reason is None:
        fabric.interrupt(Interrupt("msi", data, function.label, address))
    else:
        _refuse(function, reason, "message", address, MESSAGE_SIZE, where, Space.IRQ)


def _refuse(
    function: Function, kind: FaultKind, operation: str, address: int, size: int, blocked: str = "", space: Space = Space.DMA
) -> None:
    function.fabric.faults.record(kind, space, operation, address, size, by=function.label, blocked=blocked)
