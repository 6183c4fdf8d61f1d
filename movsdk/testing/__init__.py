"""For driver authors: the pytest plugin, its fixtures, and `DriverConformance`, the kit's rules as tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from movsdk.testing.driver_conformance import DriverConformance

__all__ = ["DriverConformance"]


def __getattr__(name: str) -> object:
    """Load `DriverConformance` when it is first asked for: the plugin, which loads this package, must stay light."""
    if name != "DriverConformance":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from movsdk.testing.driver_conformance import DriverConformance

    return DriverConformance
