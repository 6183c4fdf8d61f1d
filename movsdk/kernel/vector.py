"""One interrupt vector of a device, and the cells that stand for who has which.

Twin: ``struct msi_desc`` with its ``struct irq_desc``. Delivers nothing; see `irq`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from attrs import define, field

from movsdk.kernel.device import Device
from movsdk.kernel.devres import Holdings, held_by
from movsdk.points import mention

Handler = Callable[[], object]
Cells = tuple[tuple[str, ...] | tuple[str, str, int], ...]
VECTORS: Final[Cells] = (("irq",),)  # who has which


def cells_of(device: Device, index: int) -> Cells:
    """What is read and written of vector `index` of a device."""
    return (("irq", device.label, index),)


def vectors_seen(device: Device) -> Holdings | None:
    """What a driver holds of its device; the step that runs looks at its vectors."""
    mention(f"{device.label} R its vectors", VECTORS)
    return held_by(device)


@define(eq=False)
class Vector:
    """Vector `index` of a device: message `number` (MSI, MSI-X) or root line `number` (INTx, shared)."""

    device: Device
    index: int
    kind: str
    number: int
    address: int = field(default=0, init=False)  # where the device was told to write its messages
    handler: Handler | None = field(default=None, repr=False)
    name: str = ""
    is_running: bool = False
    pending: int = 0  # messages that have arrived and were not served yet
    count: int = 0

    @property
    def cells(self) -> Cells:
        """What its users read and write."""
        return cells_of(self.device, self.index)
