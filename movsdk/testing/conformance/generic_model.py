"""Silicon for a driver that comes without a model: its ids, its BARs, plain memory behind them.

Registers remember what was written, and nothing happens. Rules that need behaviour say "not checked: needs a model".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from mockbus.bar import BarSpec
from mockbus.capabilities import Msi, Pm
from mockbus.model import DeviceModel
from movsdk.errors import BadInput
from movsdk.hooks import ANY_ID
from movsdk.kernel.binding import BoundDriver
from movsdk.pci_regs import BarKind

_ITEM: Final = re.compile(r"\s*(\d)\s*:\s*(\w+)\s*:\s*(\d+)\s*([KMG]?)i?B?\s*", re.IGNORECASE)
_UNITS: Final = {"": 0, "K": 10, "M": 20, "G": 30}
_KINDS: Final = {kind.value: kind for kind in BarKind}
_STAND_IN: Final = 0x1AF4  # where an id table names no vendor, any will do


def parse_bars(text: str) -> tuple[BarSpec, ...]:
    """Read ``0:mem32:16K, 2:pref64:256M``: BAR number, kind, size in bytes with K, M or G.

    Raises:
        BadInput: names the piece that cannot be read, and the form.

    >>> [(bar.n, bar.size) for bar in parse_bars("0:mem32:16K,2:pref64:256M")]
    [(0, 16384), (2, 268435456)]
    """
    bars: list[BarSpec] = []
    for item in str(text).split(","):
        match = _ITEM.fullmatch(item)
        if match is None or match[2].lower() not in _KINDS:
            raise BadInput(
                f"bars: {item.strip()!r:.60} is not NUMBER:KIND:SIZE, such as 0:mem32:16K; kinds are {', '.join(_KINDS)}"
            )
        bars.append(BarSpec(int(match[1]), _KINDS[match[2].lower()], int(match[3]) << _UNITS[match[4].upper()], content="ram"))
    taken = [register for bar in bars for register in bar.registers]
    if len(taken) != len(set(taken)):
        raise BadInput(f"bars: {text!r:.80} names a BAR twice; a 64-bit BAR takes the next number as well")
    return tuple(bars)


def generic_model(driver: BoundDriver, bars: str) -> Callable[[], DeviceModel]:
    """Return a class of silicon that the first row of the driver's id table serves. Raises `BadInput`: no row, bad `bars`."""
    if not driver.id_table:
        raise BadInput(
            f"driver {driver.name}: its id_table is empty, so no device can be made for it; name a vendor and a device"
        )
    row, specs = driver.id_table[0], parse_bars(bars)

    class Generic(DeviceModel):
        """A stand-in."""

        vendor_id = _STAND_IN if row.vendor == ANY_ID else row.vendor
        device_id = 0x1000 if row.device == ANY_ID else row.device
        subsystem = tuple(0 if part == ANY_ID else part for part in (row.subvendor, row.subdevice))  # type: ignore[assignment]  # two of two
        class_code = row.class_code if row.class_mask else 0xFF0000
        capabilities = (Pm(), Msi())

    Generic.bars = specs
    return Generic
