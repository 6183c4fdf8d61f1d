"""The datasheet of the old line-printer card as names: see README.md next door.

BAR 0 is I/O ports, one byte each; BAR 1 is plain memory. Nothing here has behaviour.
"""

from __future__ import annotations

from typing import Final

VENDOR: Final = 0x1234
DEVICE: Final = 0x0B5E
CLASS_PARALLEL_PORT: Final = 0x070100

PORTS_BAR: Final = 0
PORTS_SIZE: Final = 0x10
MEMORY_BAR: Final = 1
MEMORY_SIZE: Final = 0x4000

DATA: Final = 0x0  # write a byte to print it
STATUS: Final = 0x1  # read only
CONTROL: Final = 0x2
ACKNOWLEDGE: Final = 0x3  # write anything: drops the interrupt

STATUS_READY: Final = 0x80  # may take a byte
STATUS_PENDING: Final = 0x04  # the interrupt line is asserted by this card

CONTROL_IRQ: Final = 0x10  # interrupt when ready again
