"""What a placing pass tried, in the words of today's kernel.

Twin: the messages of ``pci_assign_resource()`` in drivers/pci/setup-res.c.
"""

from __future__ import annotations

from collections.abc import Iterable

from movsdk.kernel.device import Device
from movsdk.kernel.system import System
from movsdk.layout.placing import Try
from movsdk.layout.wording import resource_name, resource_text


def log_tries(system: System, tries: Iterable[Try]) -> None:
    """One or two lines for each try, in order."""
    for attempt in tries:
        row = attempt.resource.row
        device: Device | None = row.owner if row is not None else None
        text = resource_text(attempt.flags, attempt.start, attempt.size, has_place=attempt.has_place)
        name = f"{resource_name(attempt.resource.index)} {text}"
        if attempt.has_place:
            system.log(device, f"{name}: assigned")
        else:
            system.log(device, f"{name}: can't assign; no space")
            system.log(device, f"{name}: failed to assign")
