"""Was that register access what the driver meant? The judge behind `IoMem`, and what it says.

Twin: none in Linux; what KASAN is to memory. It runs after the access went through as on hardware, only when something looks
wrong, and records before it raises. It drives no hardware; whose registers were hit is asked of the silicon for the message.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from movsdk.errors import (
    AccessFault,
    AccessWhilePaused,
    ContractError,
    DeviceAsleep,
    DeviceGone,
    MappingClosed,
    NotDecoded,
    StaleMapping,
    TwoDecoders,
)
from movsdk.kernel.actor import call_site, current_actor, driver_name, show
from movsdk.layout.table import MEM_64
from movsdk.ops import Fault, FaultKind
from movsdk.pci_regs import BASE_ADDRESS_0, ROM_RESOURCE, VENDOR_ID, PowerState
from movsdk.points import checkpoint, mention
from movsdk.trace import What

if TYPE_CHECKING:
    from movsdk.kernel.device import Device
    from movsdk.kernel.mmio import IoMem

MAY_READ_ONES: Final = ("remove", "rescan_prepare", "rescan_done", "error_detected", "slot_reset")
"""Hooks in which a pulled device is expected: all-ones is the documented answer there, recorded and not raised."""

_KINDS: Final[dict[FaultKind, tuple[type[AccessFault], str, str]]] = {
    FaultKind.NO_DECODER: (
        NotDecoded,
        "nobody answers at that address",
        "enable the device, and after a power-down or reset restore_state() before touching its BARs",
    ),
    FaultKind.DECODE_OFF: (NotDecoded, "decode is off in COMMAND of {blocked}", "enable_device() turns it on along the path"),
    FaultKind.WINDOW_CLOSED: (
        NotDecoded,
        "a bridge window on the path to {blocked} does not pass the address",
        "the core programs the windows before rescan_done; do not touch the device earlier",
    ),
    FaultKind.ASLEEP: (DeviceAsleep, "{blocked} is not in D0", "wake it with set_power_state(PowerState.D0) first"),
    FaultKind.ABSENT: (
        DeviceGone,
        "the device was pulled",
        "all-ones is no data: check with read_config_word(0) == 0xffff and give up",
    ),
    FaultKind.TWO_DECODERS: (
        TwoDecoders,
        "{claims} answered",
        "two BARs overlap: one of them has moved, or was never moved away",
    ),
    FaultKind.BAD_ACCESS: (AccessFault, "the register is not implemented at that size and offset", "see the datasheet"),
}


def judge(mapping: IoMem, operation: str, offset: int, length: int, seen: int) -> None:
    """Judge an access of `length` bytes that just went through; `seen` is how many silicon faults there were before it.

    Raises:
        AccessFault: one of its kinds, unless the system's `faults` is "hardware" or a pulled device is expected.
    """
    device = mapping.device
    if mapping.closed_at is not None:  # meanwhile
        refuse(mapping, operation, offset, length, is_announced=True)
        return
    fault = _own_fault(mapping, offset, length, seen)
    error = _by_belief(mapping, operation, offset, fault) or _by_silicon(mapping, operation, offset, fault)
    if error is None:
        return
    expected = type(error) is DeviceGone and device.in_hook in MAY_READ_ONES
    report(device, error, is_expected=expected)


def refuse(mapping: IoMem, operation: str, offset: int, size: int, *, is_announced: bool = False) -> None:
    """Judge an access that reaches no bus at all: through a closed mapping, or beyond its last byte."""
    device = mapping.device
    if mapping.closed_at is not None:
        if not is_announced:
            checkpoint(f"{device.label} {operation} BAR {mapping.bar} + {offset:#x} (closed)", mapping.cells)
        how = "by the core when the driver was unbound" if mapping.closed_by_core else f"at {show(mapping.closed_at)}"
        error: AccessFault = _fault(
            MappingClosed, mapping, operation, offset, f"through a mapping that was closed {how}", _after_closing(device)
        )
    else:
        error = _fault(
            AccessFault,
            mapping,
            operation,
            offset,
            f"of {size} bytes beyond the mapping, which has {mapping.size:#x} bytes",
            "map more, or mind the offset",
        )
    report(device, error)


def _after_closing(device: Device) -> str:
    """What to do instead: there is not always something to map."""
    if is_lost(device):
        return "the device is gone: stop all work on it"
    return "iomap() again in rescan_done; until then its BARs are on the move" if device.is_paused else "iomap() again"


def report(device: Device, error: ContractError, *, is_expected: bool = False) -> None:
    """Put `error` on the timeline and raise it, unless it is expected or the system plays hardware."""
    device.system.trace.add(What.FAULT, device.label, error.message, error)
    if not is_expected and device.system.faults != "hardware":
        raise error


def config_access(device: Device, operation: str, offset: int, size: int, value: int = 0) -> None:
    """Tell whoever observes that a driver is about to read or write config space, and note which BAR registers it writes."""
    if operation == "write" and BASE_ADDRESS_0 <= offset < BASE_ADDRESS_0 + 4 * ROM_RESOURCE and not device.row.is_bridge:
        bar = (offset - BASE_ADDRESS_0) // 4
        is_upper_half = bar > 0 and bool(device.resources[bar - 1].flags & MEM_64)
        device.overwritten_bars[bar - is_upper_half] = call_site()
    if device.system.config_observer is not None:
        device.system.config_observer(device, operation, offset, size, value, call_site())


def is_absent(device: Device) -> bool:
    """True if nobody answers config cycles any more though the power is on."""
    return device.current_state != PowerState.D3COLD and device.config_read(VENDOR_ID, 2) == 0xFFFF


def is_lost(device: Device) -> bool:
    """True if the kernel has given up on the device: removed, or its rescan_done failed (`remove` may still try)."""
    mention(f"{device.label} R is_gone", (("paused", device.label),))
    return device.is_removed or (device.is_gone and device.in_hook != "remove")


def _own_fault(mapping: IoMem, offset: int, length: int, seen: int) -> Fault | None:
    """The fault that this access left. A device's own DMA, and other tasks, may have left more."""
    start = mapping.address + offset
    for fault in mapping.device.system.ops.faults[seen:]:
        is_here = fault.address < start + length and start < fault.address + max(1, fault.size)
        if fault.by == "cpu" and fault.space is mapping.space and is_here:
            return fault
    return None


def _by_belief(mapping: IoMem, operation: str, offset: int, fault: Fault | None) -> AccessFault | None:
    device = mapping.device
    if is_lost(device):
        why = "the device was removed" if device.is_removed else "its rescan_done failed, so it is gone until remove"
        return _fault(DeviceGone, mapping, operation, offset, f"but {why}", "stop all work on it", fault=fault)
    if device.is_paused:
        return _fault(
            AccessWhilePaused,
            mapping,
            operation,
            offset,
            "between rescan_prepare and rescan_done; its BARs are on the move",
            "stop timers, work and interrupt handlers in rescan_prepare",
            fault=fault,
        )
    if mapping.generation != device.generation[mapping.bar] and device.bar_span(mapping.bar) != mapping.span:
        return _stale(mapping, operation, offset, fault)
    return None


def _stale(mapping: IoMem, operation: str, offset: int, fault: Fault | None) -> AccessFault:
    device = mapping.device
    address = mapping.address + offset
    claims = device.system.ops.claims(mapping.space, address)
    new = device.bar_span(mapping.bar)
    now = f"is now at {new}" if new is not None else "is unassigned now"
    hit = ", ".join(map(str, claims)) or "nobody"
    return _fault(
        StaleMapping,
        mapping,
        operation,
        offset,
        f"through a mapping of {mapping.span} made at {show(mapping.mapped_at)}, but BAR {mapping.bar} {now}; "
        f"address {address:#x} hit {hit}",
        "iounmap() in rescan_prepare and iomap() again in rescan_done",
        fault=fault,
        old=mapping.span,
        new=new,
        claims=claims,
    )


def _by_silicon(mapping: IoMem, operation: str, offset: int, fault: Fault | None) -> AccessFault | None:
    if fault is None or fault.kind not in _KINDS:
        return None
    kind, reason, remedy = _KINDS[fault.kind]
    if kind is NotDecoded and is_absent(mapping.device):
        kind, reason, remedy = _KINDS[FaultKind.ABSENT]
    where = mapping.device.label
    if fault.kind is FaultKind.DECODE_OFF and " behind " in fault.blocked and mapping.device.row.enable_cnt > 0:
        remedy = "the driver did enable its device: the kernel has not opened that bridge, or not yet (patches 15 and 16)"
    reason = reason.format(blocked=fault.blocked or where, claims=" and ".join(map(str, fault.claims)))
    if fault.previous and kind is NotDecoded:
        reason += f" (formerly {fault.previous})"
    text = f"at {mapping.space.value} address {mapping.address + offset:#x}: {reason}"
    return _fault(kind, mapping, operation, offset, text, remedy, fault=fault, claims=fault.claims)


def _fault(
    kind: type[AccessFault], mapping: IoMem, operation: str, offset: int, text: str, remedy: str, **fields: Any
) -> AccessFault:
    """Build the exception: who, what, where in the source, why, and what to do."""
    device, site = mapping.device, call_site()
    actor = current_actor() or (f"{driver_name(device)}.{device.in_hook}" if device.in_hook else "")
    by = f", by {actor}" if actor else ""
    return kind(
        f"{device}: {operation} of BAR {mapping.bar} + {offset:#x} at {show(site)}{by} {text}; {remedy}",
        **{
            "device": device.label,
            "bar": mapping.bar,
            "offset": offset,
            "address": mapping.address + offset,
            "bar_offset": mapping.address - mapping.start + offset,
            "operation": operation,
            "map_site": mapping.mapped_at,
            "access_site": site,
            "actor": actor,
            "is_paused": device.is_paused,
            "is_enabled": device.row.enable_cnt > 0,
            "hook": device.in_hook,
            "is_removed": device.is_removed,
            **fields,
        },
    )
