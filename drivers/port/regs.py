"""What the port driver knows of its hardware: a class code. See README.md next door.

A bridge's windows and bus numbers belong to the PCI core, not to its driver.
"""

from __future__ import annotations

from typing import Final

CLASS_BRIDGE: Final = 0x060400  # PCI-to-PCI bridge; the subtractive kind is 0x060401
CLASS_MASK: Final = 0xFFFF00  # any programming interface

MSIX_BAR: Final = 0
MSIX_BAR_SIZE: Final = 0x1000
