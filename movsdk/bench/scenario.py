"""A scenario: one machine and what happens to it, as frozen values.

Twin: `scenario` of the golden vectors; docs/reference/scenario.md says what each key means. `scenario_schema` reads these values
out of plain objects, `scenario_file` out of files, `scenario_text` writes them, `assembly` builds silicon from them.
Nothing here checks: what holds together in a `Scenario` was checked at the door.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from attrs import field, frozen

from movsdk.address import Span
from movsdk.bench.force import Force
from movsdk.kernel.platform import X86, platform_by_name
from movsdk.layout.table import AddressMap, Reserve
from movsdk.pci_regs import BarKind, PcieType, PowerState

FORMAT: Final = 1
ROOT: Final = "root"
RECORDED_DRIVERS: Final = ("movable", "fixed", "portlike", "mixed", "none")
DEFAULT_CLASS: Final = 0x020000
DEFAULT_BRIDGE_CLASS: Final = 0x060400


@frozen
class Aperture:
    """What the host bridge forwards to the root bus: `kind` is "io", "mem", "pref", "mem64" or "pref64"."""

    kind: str
    span: Span

    @property
    def is_io(self) -> bool:
        """I/O ports rather than memory."""
        return self.kind == "io"


@frozen
class RamRange:
    """Memory addresses that are not PCI's: RAM, firmware, other devices of the board."""

    span: Span
    name: str = ""


@frozen
class Reserved:
    """A busy piece of an aperture: `kind` is "io" or "mem"."""

    kind: str
    span: Span
    name: str = ""


@frozen
class Load:
    """I/O a driver keeps in flight: so many requests of each sort at a time, `size` bytes each."""

    reads: int = 8
    writes: int = 8
    size: int = 4096


@frozen
class BarDecl:
    """One BAR a function has; `firmware` is the address in its register at power-on, None if firmware left none."""

    n: int
    kind: BarKind
    size: int
    firmware: int | None = None


@frozen
class BridgeFirmware:
    """Window and bus-number registers at power-on, exactly as written: [start, last] may be closed, odd or overlapping."""

    bus: tuple[int, int, int] | None = None
    io: tuple[int, int] | None = None
    mem: tuple[int, int] | None = None
    pref: tuple[int, int] | None = None


@frozen
class Facts:
    """What is known of a function and not played: its Linux driver, BARs of virtual functions, sizes that BARs could have."""

    driver: str | None = None
    vf_bars: tuple[BarDecl, ...] = ()
    resizable: tuple[tuple[int, tuple[int, ...]], ...] = ()


@frozen(kw_only=True)
class FunctionSpec:
    """What endpoints and bridges have in common. None = not said: the model's, else made up."""

    id: str
    on: str = ROOT
    slot: str = "00.0"
    present: bool = True
    class_code: int | None = None
    vendor: int | None = None
    device: int | None = None
    revision: int | None = None
    bars: tuple[BarDecl, ...] = ()
    driver: str = "none"
    fixed_bars: tuple[int, ...] = ()
    pci_fixed: tuple[int, ...] = ()
    pcie: PcieType | None = None
    config: bytes | None = field(default=None, repr=lambda value: f"<{len(value)} bytes>" if value else "None")
    facts: Facts = Facts()

    @property
    def is_bridge(self) -> bool:
        """True for a `BridgeSpec`."""
        return isinstance(self, BridgeSpec)


@frozen(kw_only=True)
class EndpointSpec(FunctionSpec):
    """A function that is no bridge; `model` is its silicon, None for the reference driver's or plain registers; `lit`: the
    BAR in which firmware left a display lit.
    """

    subsystem: tuple[int, int] | None = None
    model: str | None = None
    load: Load | None = None
    lit: int | None = None


@frozen(kw_only=True)
class BridgeSpec(FunctionSpec):
    """A PCI-to-PCI bridge; `prefetchable` is 64, 32 or None, `controls` what its slot has."""

    hotplug: bool = False
    controls: tuple[str, ...] = ()
    prefetchable: int | None = 64
    io: bool = True
    firmware: BridgeFirmware | None = None


@frozen
class EventSpec:
    """One thing that happens; docs/reference/scenario.md lists the ops.

    `load` belongs to io, `state` to suspend, `ms` (virtual milliseconds) to wait and to what is done at a slot, `force` to force,
    `calls` to hooks.
    """

    op: str
    id: str | None = None
    load: Load | None = None
    state: PowerState | None = None
    ms: int | None = None
    force: Force | None = None
    calls: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.op if self.id is None else f"{self.op} {self.id}"


DEFAULT_PLATFORM: Final = X86.name
DEFAULT_MIN_MEM: Final = X86.min_mem
DEFAULT_MIN_IO: Final = X86.min_io
DEFAULT_RAM: Final = (RamRange(Span(0, 0x3FFF_FFFF)),)
DEFAULT_EVENTS: Final = (EventSpec("boot"),)


@frozen(kw_only=True)
class Scenario:
    """A machine and its events. `folder` is where references to the user's files start; it is no part of what is compared."""

    windows: tuple[Aperture, ...]
    devices: tuple[FunctionSpec, ...]
    events: tuple[EventSpec, ...] = DEFAULT_EVENTS
    platform: str = DEFAULT_PLATFORM
    cmdline: str = ""
    reserve: Reserve = field(factory=Reserve)
    min_mem: int = DEFAULT_MIN_MEM
    min_io: int = DEFAULT_MIN_IO
    ram: tuple[RamRange, ...] = DEFAULT_RAM
    reserved: tuple[Reserved, ...] = ()
    domain: int = 0
    name: str = ""
    about: str = ""
    format: int = FORMAT
    folder: str = field(default=".", eq=False)

    def find(self, device: str) -> FunctionSpec:
        """The device with this id. Raises KeyError."""
        for spec in self.devices:
            if spec.id == device:
                return spec
        raise KeyError(device)

    def top_down(self) -> Iterator[FunctionSpec]:
        """Every device once, each bridge before what is on it, else in file order."""
        below: dict[str, list[FunctionSpec]] = {}
        for spec in self.devices:
            below.setdefault(spec.on, []).append(spec)
        queue = list(below.get(ROOT, ()))
        for spec in queue:
            queue.extend(below.get(spec.id, ()))
            yield spec

    @property
    def address_map(self) -> AddressMap:
        """The bounds of placing: the minima, and what the platform makes of the RAM map."""
        ranges = [(piece.span.start, piece.span.last) for piece in self.ram]
        return platform_by_name(self.platform).address_map(ranges, min_io=self.min_io, min_mem=self.min_mem)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What can be played but was hardly meant, a line each."""
        return tuple(
            f"RAM {piece.span}{f' ({piece.name})' if piece.name else ''} overlaps the {aperture.kind} aperture {aperture.span}: "
            "no BAR will be placed there"
            for piece in self.ram
            for aperture in self.windows
            if not aperture.is_io and piece.span.overlaps(aperture.span)
        )


@frozen
class NamedScenario:
    """A scenario as a file holds it. `rules` is None if the file does not say; `place` is ``FILE`` or ``FILE:LINE``.

    `expect` is the recorded outcome as plain objects, untouched; `extra` the other keys that stood beside it.
    """

    name: str
    rules: str | None
    scenario: Scenario
    expect: list[dict[str, Any]] | None = field(repr=False)
    place: str
    extra: Mapping[str, Any] = field(factory=dict, repr=False)
