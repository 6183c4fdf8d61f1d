"""Why a card on the bench has no driver: its id table does not name it, or its probe failed.

Reads the timeline; decides nothing.
"""

from __future__ import annotations

from mockbus.model import DeviceModel
from movsdk.errors import BadInput, HookFailed, PciError
from movsdk.hooks import PciId
from movsdk.kernel.binding import BoundDriver
from movsdk.kernel.device import Device
from movsdk.kernel.system import System
from movsdk.trace import What


def check_match(driver: BoundDriver, model: DeviceModel) -> None:
    """Refuse what is no card, or one that the driver's id table does not name: it would never be probed. Raises `BadInput`."""
    if not isinstance(model, DeviceModel):
        raise BadInput(f"{model!r:.60} is no card; give a DeviceModel class or instance (mockbus.model)")
    identity = model.identity
    card = PciId(identity.vendor, identity.device, *identity.subsystem, identity.class_code)
    if not any(row.matches(card) for row in driver.id_table):
        raise BadInput(
            f"driver {driver.name} does not serve this card: {type(model).__name__} is "
            f"{card.vendor:04x}:{card.device:04x} class {card.class_code:06x}, which is in no row of its id_table"
        )


def why_unbound(system: System, device: Device, since: int) -> Exception:
    """What kept `device` from being bound, by the timeline from `since` on: what probe raised, or that nobody took it."""
    for event in system.trace.of(What.NOTE, since=since):
        if event.who == device.label and isinstance(event.detail, HookFailed):
            return event.detail
    for event in system.trace.of(What.HOOK, since=since):
        if event.who == device.label and isinstance(event.detail, int) and event.detail < 0:
            found = PciError(-event.detail, event.text, device=device.label)
            found.__cause__ = device.probe_error
            return found
    return BadInput(f"{device}: no driver took it")
