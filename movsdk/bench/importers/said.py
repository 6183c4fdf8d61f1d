"""What a source says of a function, whichever source it is: identity, BARs, windows, driver; each with its place.

Values only. `lspci_text` and `dmesg` make them, `config_made` makes config bytes of them where there are none.
"""

from __future__ import annotations

from attrs import define, field, frozen

from movsdk.bench.importers.dump_lines import At
from movsdk.pci_regs import BarKind, PcieType


@frozen
class SaidBar:
    """One BAR: `start` None if it has no address, `size` None if the source does not show it."""

    n: int
    kind: BarKind
    start: int | None
    size: int | None
    at: At
    is_virtual: bool = False
    is_pinned: bool = False


@frozen
class SaidWindow:
    """One bridge window: `start` above `last`, or both None, if it is closed. `width` 16, 32 or 64 address bits."""

    kind: str
    start: int | None
    last: int | None
    width: int
    at: At

    @property
    def is_open(self) -> bool:
        """True if it passes anything."""
        return self.start is not None and self.last is not None and self.start <= self.last


@frozen
class SaidCapability:
    """One capability: where it stands, its number (None if its name is not known), its name and its lines."""

    offset: int
    number: int | None
    version: int | None
    name: str
    lines: tuple[str, ...]
    at: At

    @property
    def is_extended(self) -> bool:
        """Above the first 256 bytes."""
        return self.offset >= 0x100


@define(eq=False)
class Said:
    """Everything one source says of one function; None = it does not say."""

    at: At
    vendor: int | None = None
    device: int | None = None
    class_code: int | None = None
    revision: int | None = None
    subsystem: tuple[int, int] | None = None
    command: int | None = None
    is_bridge: bool = False
    is_cardbus: bool = False
    is_asleep: bool = False
    is_counted: bool = False  # the source shows no BAR numbers
    buses: tuple[int, int, int] | None = None
    bars: dict[int, SaidBar] = field(factory=dict)
    vf_bars: dict[int, SaidBar] = field(factory=dict)
    windows: dict[str, SaidWindow] = field(factory=dict)
    capabilities: list[SaidCapability] = field(factory=list)
    hides_capabilities: bool = False
    pcie: PcieType | None = None
    hotplug: bool | None = None
    driver: str | None = None
    control: int | None = None
    pin: int | None = None
