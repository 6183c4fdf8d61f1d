"""Capabilities: laying them out in a new config space, walking them in any, and giving them behaviour.

Twin: PCI 3.0 §6.7. Behaviour is attached by walking the bytes, so a function made from a dump gets its MSI-X just the same.
Extended capabilities (from 0x100 on) are kept as bytes and have no behaviour.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final, Protocol

from attrs import frozen

from mockbus.bar import BarSpec
from mockbus.config import ConfigSpace
from mockbus.express import EXP_DEVCAP, EXP_DEVCAP_FLR, EXP_DEVCTL, PciExpress
from mockbus.interrupts import MSI_FLAGS_PER_VECTOR, MsiSender
from mockbus.msix import MsixSender
from mockbus.power import PowerControl
from movsdk import pci_regs as regs
from movsdk.errors import BadInput

if TYPE_CHECKING:
    from mockbus.function import Function

FIRST: Final = 0x40
_HEADER_END: Final = 0x100


class CapabilitySpec(Protocol):
    """What a capability declaration can do: say its id and length, check itself, and write its registers."""

    @property
    def id(self) -> int:
        """Capability id."""

    @property
    def length(self) -> int:
        """Bytes taken, header included."""

    def lay(self, config: ConfigSpace, at: int) -> None:
        """Write the registers behind the two header bytes at `at`."""

    def check(self, label: str, bars: Iterable[BarSpec]) -> None:
        """Raise `BadInput` if the device cannot have it."""


@frozen
class Pm:
    """Power management: D0 and D3hot, with D1 and D2 on request."""

    no_soft_reset: bool = True
    d1: bool = False
    d2: bool = False
    id = regs.CAP_ID_PM
    length = 8

    def lay(self, config: ConfigSpace, at: int) -> None:
        """Version 3, no PME."""
        config.put(at + regs.PM_PMC, 2, 3 | self.d1 << 9 | self.d2 << 10)
        config.put(at + regs.PM_CTRL, 2, regs.PM_CTRL_NO_SOFT_RESET if self.no_soft_reset else 0)

    def check(self, label: str, bars: Iterable[BarSpec]) -> None:
        """Always possible."""


@frozen
class Msi:
    """MSI with `vectors` messages, a power of two up to 32."""

    vectors: int = 1
    is_64bit: bool = True
    per_vector_mask: bool = False
    id = regs.CAP_ID_MSI

    @property
    def length(self) -> int:
        """10 to 24 bytes, by options."""
        return 10 + 4 * self.is_64bit + 10 * self.per_vector_mask

    def lay(self, config: ConfigSpace, at: int) -> None:
        """Flags; address and data start as zero."""
        flags = (self.vectors.bit_length() - 1) << 1
        flags |= (regs.MSI_FLAGS_64BIT if self.is_64bit else 0) | (MSI_FLAGS_PER_VECTOR if self.per_vector_mask else 0)
        config.put(at + regs.MSI_FLAGS, 2, flags)

    def check(self, label: str, bars: Iterable[BarSpec]) -> None:
        """The number of vectors must be encodable."""
        if self.vectors not in (1, 2, 4, 8, 16, 32):
            raise BadInput(f"{label}: MSI with {self.vectors} vectors; it has 1, 2, 4, 8, 16 or 32")


@frozen
class MsiX:
    """MSI-X: `table` and `pba` are (BAR number, offset inside it in bytes)."""

    vectors: int
    table: tuple[int, int]
    pba: tuple[int, int]
    id = regs.CAP_ID_MSIX
    length = 12

    def lay(self, config: ConfigSpace, at: int) -> None:
        """Table size and the two places."""
        config.put(at + regs.MSIX_FLAGS, 2, self.vectors - 1)
        config.put(at + regs.MSIX_TABLE, 4, self.table[1] | self.table[0])
        config.put(at + regs.MSIX_PBA, 4, self.pba[1] | self.pba[0])

    def check(self, label: str, bars: Iterable[BarSpec]) -> None:
        """Both ranges must lie inside a memory BAR, apart from each other."""
        sizes = {bar.n: bar.size for bar in bars if not bar.kind.is_io and bar.n != regs.ROM_RESOURCE}
        if not 1 <= self.vectors <= regs.MSIX_FLAGS_QSIZE + 1:
            raise BadInput(f"{label}: MSI-X with {self.vectors} vectors; it has 1 to 2048")
        ranges = []
        for name, (bar, offset), length in (
            ("table", self.table, self.vectors * regs.MSIX_ENTRY_SIZE),
            ("pending bits", self.pba, (self.vectors + 63) // 64 * 8),
        ):
            if offset & regs.MSIX_BIR or offset + length > sizes.get(bar, 0):
                raise BadInput(
                    f"{label}: MSI-X {name}, {length} bytes at BAR {bar} + {offset:#x}, must lie in a memory BAR on 8 bytes"
                )
            ranges.append((bar, offset, offset + length))
        (bar, start, end), (other, other_start, other_end) = ranges
        if bar == other and start < other_end and other_start < end:
            raise BadInput(f"{label}: MSI-X table and pending bits overlap in BAR {bar}")


@frozen
class Pcie:
    """PCI Express; `slot` and `hotplug` are for root and downstream ports, `flr` for endpoints.

    A hot-plug slot may have an attention `button`, a power controller (`power`) and two `indicators`.
    """

    port_type: regs.PcieType = regs.PcieType.ENDPOINT
    slot: bool = False
    hotplug: bool = False
    flr: bool = False
    slot_number: int = 0
    button: bool = False
    power: bool = False
    indicators: bool = False
    id = regs.CAP_ID_EXP
    length = 0x3C

    def lay(self, config: ConfigSpace, at: int) -> None:
        """Version 2, one lane."""
        config.put(at + regs.EXP_FLAGS, 2, 2 | self.port_type << 4 | (regs.EXP_FLAGS_SLOT if self.slot or self.hotplug else 0))
        config.put(at + EXP_DEVCAP, 4, EXP_DEVCAP_FLR if self.flr else 0)
        config.put(at + EXP_DEVCTL, 2, 0x2810)
        reports_link = regs.EXP_LNKCAP_DLLLARC if self.hotplug else 0
        config.put(at + regs.EXP_LNKCAP, 4, 0x11 | reports_link)  # 2.5 GT/s, x1
        config.put(at + regs.EXP_LNKSTA, 2, 0x0011)
        if self.slot or self.hotplug:
            config.put(at + regs.EXP_SLTCAP, 4, self._slot_features() | self.slot_number << regs.EXP_SLTCAP_PSN_SHIFT)

    def _slot_features(self) -> int:
        """Slot capabilities; commands complete at once, so no event tells of it."""
        if not self.hotplug:
            return 0
        features = regs.EXP_SLTCAP_HPC | regs.EXP_SLTCAP_HPS | regs.EXP_SLTCAP_NCCS
        features |= regs.EXP_SLTCAP_ABP if self.button else 0
        features |= regs.EXP_SLTCAP_PCP if self.power else 0
        return features | (regs.EXP_SLTCAP_AIP | regs.EXP_SLTCAP_PIP if self.indicators else 0)

    def check(self, label: str, bars: Iterable[BarSpec]) -> None:
        """Only ports with a link below them have a slot."""
        if (self.slot or self.hotplug) and self.port_type not in (regs.PcieType.ROOT_PORT, regs.PcieType.DOWNSTREAM):
            raise BadInput(f"{label}: PCI Express type {self.port_type.name} has no slot; only ROOT_PORT and DOWNSTREAM have")
        if (self.button or self.power or self.indicators) and not self.hotplug:
            raise BadInput(f"{label}: button, power controller and indicators belong to a hot-plug slot; add hotplug=True")


def lay(label: str, config: ConfigSpace, specs: Iterable[CapabilitySpec], bars: Iterable[BarSpec]) -> None:
    """Write the capabilities one behind the other and link them. Raises `BadInput` if they do not fit or fit the device."""
    bars, at, link = tuple(bars), FIRST, regs.CAPABILITY_LIST
    for spec in specs:
        spec.check(label, bars)
        if at + spec.length > _HEADER_END:
            raise BadInput(
                f"{label}: capability {spec.id:#04x} does not fit: {at + spec.length:#x} bytes of config space, 0x100 exist"
            )
        config.put(link, 1, at)
        config.put(at, 1, spec.id)
        spec.lay(config, at)
        link, at = at + 1, (at + spec.length + 3) & ~3
        config.put(regs.STATUS, 2, config.read(regs.STATUS, 2) | regs.STATUS_CAP_LIST)


def walk(config: ConfigSpace) -> Iterator[tuple[int, int]]:
    """Yield (id, offset) of each capability in list order; a list that bites its tail ends there."""
    if not config.read(regs.STATUS, 2) & regs.STATUS_CAP_LIST:
        return
    at, seen = config.read(regs.CAPABILITY_LIST, 1) & ~3, set()
    while at >= FIRST and at not in seen:
        seen.add(at)
        yield config.read(at, 1), at
        at = config.read(at + 1, 1) & ~3


def attach(function: Function) -> None:
    """Give `function` the behaviour of the capabilities that its bytes hold; the first of each kind counts."""
    for capability, at in walk(function.config):
        if capability == regs.CAP_ID_PM and function.power_control is None:
            function.power_control = PowerControl(function, at)
        elif capability == regs.CAP_ID_MSI and function.msi is None:
            function.msi = MsiSender(function, at)
        elif capability == regs.CAP_ID_MSIX and function.msix is None:
            function.msix = MsixSender(function, at)
        elif capability == regs.CAP_ID_EXP and function.express is None:
            function.express = PciExpress(function, at)
