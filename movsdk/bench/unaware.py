"""A driver as it was before anybody told it of moving BARs.

Twin: nvme-pci without RFC patch 18. Takes hooks away; what is left of the driver works as before.
"""

from __future__ import annotations

from typing import Any, Final

_HOOKS: Final = ("rescan_prepare", "rescan_done", "bar_fixed")


def without_rescan_hooks(driver: type[Any]) -> type[Any]:
    """Return a class like `driver` that has none of the three rescan hooks: its BARs stay where they are.

    >>> from movsdk.bench.recorded import Movable
    >>> without_rescan_hooks(Movable).rescan_prepare is None
    True
    """
    return type(driver.__name__, (driver,), dict.fromkeys(_HOOKS))
