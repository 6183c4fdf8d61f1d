"""Write and test PCI drivers whose BARs may move while they run.

General layout: a driver needs the names below and nothing else. Everything longer is reached by its module and may change.

- what a driver is:        `PciId`, `hookimpl` (hooks.py holds the contract of each hook)
- what a driver holds:     `PciDev`, `IoMem`, `DmaBuffer`, `UserMapping`, and what keeps its tasks apart: `Gate`, `Mutex`
- how it is told:          `PciError`, and the contract errors `AccessFault`, `ContractError`, all of them `MovError`
- names and numbers:       `Bdf`, `Span`, `BarKind`, `PowerState`
- where it is tried out:   `Bench`, `Scenario`, `RescanReport`

Names load when first used: importing movsdk costs nothing, and mockbus may import the facts without the kernel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from movsdk.address import Bdf, Span
    from movsdk.bench.bench import Bench
    from movsdk.bench.scenario import Scenario
    from movsdk.errors import AccessFault, ContractError, MovError, PciError
    from movsdk.hooks import PciId, hookimpl
    from movsdk.kernel.gate import Gate
    from movsdk.kernel.mmio import IoMem
    from movsdk.kernel.mutex import Mutex
    from movsdk.kernel.pcidev import PciDev
    from movsdk.kernel.user_mapping import UserMapping
    from movsdk.ops import DmaBuffer
    from movsdk.pci_regs import BarKind, PowerState
    from movsdk.rescan.report import RescanReport

__version__ = "0.1.0"

__all__ = [
    "AccessFault",
    "BarKind",
    "Bdf",
    "Bench",
    "ContractError",
    "DmaBuffer",
    "Gate",
    "IoMem",
    "MovError",
    "Mutex",
    "PciDev",
    "PciError",
    "PciId",
    "PowerState",
    "RescanReport",
    "Scenario",
    "Span",
    "UserMapping",
    "hookimpl",
]

# The same as the imports above, for the running program (tests/test_public_names.py compares the two).
HOME: Final = {
    "AccessFault": "movsdk.errors",
    "BarKind": "movsdk.pci_regs",
    "Bdf": "movsdk.address",
    "Bench": "movsdk.bench.bench",
    "ContractError": "movsdk.errors",
    "DmaBuffer": "movsdk.ops",
    "Gate": "movsdk.kernel.gate",
    "IoMem": "movsdk.kernel.mmio",
    "MovError": "movsdk.errors",
    "Mutex": "movsdk.kernel.mutex",
    "PciDev": "movsdk.kernel.pcidev",
    "PciError": "movsdk.errors",
    "PciId": "movsdk.hooks",
    "PowerState": "movsdk.pci_regs",
    "RescanReport": "movsdk.rescan.report",
    "Scenario": "movsdk.bench.scenario",
    "Span": "movsdk.address",
    "UserMapping": "movsdk.kernel.user_mapping",
    "hookimpl": "movsdk.hooks",
}

if not TYPE_CHECKING:  # a type checker must keep refusing names that are not there

    def __getattr__(name: str) -> object:
        """Load a public name on first use (PEP 562)."""
        if name not in HOME:
            raise AttributeError(f"module 'movsdk' has no attribute {name!r}; its names are {', '.join(__all__)}")
        from importlib import import_module

        value = globals()[name] = getattr(import_module(HOME[name]), name)
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
