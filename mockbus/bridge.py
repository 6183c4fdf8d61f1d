"""PCI-to-PCI bridges: bus numbers and windows, decoded live from the registers.

Twin: PCI-to-PCI Bridge 1.2 §3 and §4. Knows what it would pass on; the walk through several of them is `routing`'s.
VGA and ISA modes of BRIDGE_CONTROL are not modelled.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

from attrs import define, field

from mockbus import capabilities, header
from mockbus.bar import BarSpec
from mockbus.config import ConfigSpace
from mockbus.function import Function, lay_bars
from mockbus.slot import Slot
from mockbus.windows import WINDOW_REGISTERS, Windows, decode_windows
from movsdk import pci_regs as regs
from movsdk.address import Span
from movsdk.errors import BadInput

_WINDOW_DWORDS = (regs.IO_BASE, regs.MEMORY_BASE, regs.PREF_MEMORY_BASE, regs.PREF_BASE_UPPER32, regs.PREF_LIMIT_UPPER32,
                  regs.IO_BASE_UPPER16)  # fmt: skip


@define(eq=False)
class Bridge(Function):
    """A type 1 function and the bus behind it. `has_io` and `has_pref` say which optional windows exist."""

    is_bridge: ClassVar[bool] = True

    has_io: bool = True
    has_pref: bool = True
    hotplug: bool = False
    children: list[Function] = field(factory=list, init=False, repr=False)
    slot: Slot | None = field(default=None, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        header.permit_bridge(self.config, io=self.has_io, prefetchable=self.has_pref)
        self.add_routing(*_WINDOW_DWORDS)
        self.watch(regs.PRIMARY_BUS, self._buses_written)
        self.watch(regs.INTERRUPT_LINE, self._control_written)
        if self.hotplug or (self.express is not None and self.express.has_slot):
            self.slot = Slot(self)
            if self.express is not None and self.express.has_slot:
                self.watch(self.express.offset + regs.EXP_SLTCTL, self.slot.control_written)

    @classmethod
    def build(
        cls,
        label: str,
        *,
        class_code: int = 0x060400,
        prefetchable: int | None = 64,
        io: bool = True,
        hotplug: bool = False,
        pcie: regs.PcieType | None = None,
        controls: Iterable[str] = (),
        bars: tuple[BarSpec, ...] = (),
        config: bytes | None = None,
        firmware: Mapping[Any, Any] | None = None,
    ) -> Bridge:
        """Build a bridge from a declaration, or from a dump whose every byte is kept.

        Args:
            prefetchable: 64, 32 or None (no such window); `io`: has an I/O window.
            pcie: port type, gives it PCI Express and power management capabilities, with a slot if `hotplug`.
            controls: what the slot has beside: "button", "power" (a power controller), "indicators".
            config: 64 to 4096 dumped bytes, kept exactly; `firmware` is then not looked at.
            firmware: {"bus": (primary, secondary, subordinate), "io" | "mem" | "pref": Span, BAR number: address}.
        """
        specs = header.check_bars(label, bars, is_bridge=True)
        if prefetchable not in (None, 32, 64):
            raise BadInput(f"{label}: prefetchable is {prefetchable!r}; it must be 64, 32 or None")
        if config is not None:
            space = ConfigSpace.from_bytes(config)
            header.check_dumped_bars(label, space, specs, is_bridge=True)
        else:
            firmware = firmware or {}
            space = ConfigSpace(256 if pcie is None else 4096)
            identity = header.Identity(vendor=0x1B36, device=0x0001 if pcie is None else 0x000C, class_code=class_code)
            header.lay_identity(space, identity, regs.HEADER_TYPE_BRIDGE)
            header.lay_windows(space, io=io, prefetchable=prefetchable)
            header.permit_bridge(space, io=io, prefetchable=prefetchable is not None)
            _lay_firmware(label, space, specs, firmware)
            port = () if pcie is None else (_port(pcie, hotplug=hotplug, controls=frozenset(controls)), capabilities.Pm())
            capabilities.lay(label, space, port, specs)
            space.seal()
        return cls(label, space, specs, has_io=io, has_pref=prefetchable is not None, hotplug=hotplug)

    # --- registers, live -----------------------------------------------------------------------

    @property
    def primary(self) -> int:
        """PRIMARY_BUS."""
        return self.config.data[regs.PRIMARY_BUS]

    @property
    def secondary(self) -> int:
        """SECONDARY_BUS; 0 = not configured."""
        return self.config.data[regs.SECONDARY_BUS]

    @property
    def subordinate(self) -> int:
        """SUBORDINATE_BUS."""
        return self.config.data[regs.SUBORDINATE_BUS]

    @property
    def is_subtractive(self) -> bool:
        """True if it also passes what nobody else on its primary bus claims."""
        return self.config.read(regs.REVISION_ID, 4) >> 8 == regs.CLASS_BRIDGE_PCI_SUBTRACTIVE

    @property
    def is_point_to_point(self) -> bool:
        """True if a link hangs below it, so that only device 0 exists there."""
        return self.express is not None and self.express.is_point_to_point

    def io_window(self) -> Span | None:
        """What it passes in I/O space by its registers; None if closed or not implemented."""
        return self._windows().io

    def memory_window(self) -> Span | None:
        """The non-prefetchable memory window; None if closed."""
        return self._windows().memory

    def prefetchable_window(self) -> Span | None:
        """The prefetchable memory window, upper halves included; None if closed or not implemented."""
        return self._windows().prefetchable

    def windows(self, *, io: bool) -> list[Span]:
        """The open windows of one space."""
        return self._windows().open(io=io)

    def _windows(self) -> Windows:
        registers = bytes(self.config.data[WINDOW_REGISTERS])
        return decode_windows(registers, has_io=self.has_io, has_prefetchable=self.has_pref)

    def passes(self, address: int, *, io: bool) -> bool:
        """True if an access to `address` on its primary side reaches its secondary side: window, COMMAND and power."""
        enable = regs.COMMAND_IO if io else regs.COMMAND_MEMORY
        if not self.present or self.power is not regs.PowerState.D0 or not self.command & enable:
            return False
        return any(address in span for span in self.windows(io=io))

    def descendants(self) -> Iterator[Function]:
        """Everything below, depth first, parents before children."""
        for child in self.children:
            yield child
            if isinstance(child, Bridge):
                yield from child.descendants()

    def with_below(self) -> list[Function]:
        """It, and everything that hangs on it, parents before children."""
        return [self, *self.descendants()]

    # --- what writes do ------------------------------------------------------------------------

    def power_on(self) -> None:
        """Become present; the slot shows what sits in it, without an event."""
        super().power_on()
        if self.slot is not None:
            self.slot.settle()

    def reset(self) -> None:
        """Back to zero, and with it everything below: a bridge in reset resets its secondary bus."""
        super().reset()
        self._reset_below()
        if self.slot is not None:
            self.slot.settle()

    def _reset_below(self) -> None:
        for child in self.children:
            if child.present:
                child.reset()

    def _buses_written(self, _written: int, changed: int) -> None:
        if changed and self._fabric is not None:
            self._fabric.buses_changed()

    def _control_written(self, written: int, changed: int) -> None:
        if written & changed & header.BRIDGE_CONTROL_RESET << 16:
            self._reset_below()


def _port(pcie: regs.PcieType, *, hotplug: bool, controls: frozenset[str]) -> capabilities.Pcie:
    return capabilities.Pcie(
        pcie,
        slot=hotplug,
        hotplug=hotplug,
        button="button" in controls,
        power="power" in controls,
        indicators="indicators" in controls,
    )


def _lay_firmware(label: str, config: ConfigSpace, specs: tuple[BarSpec, ...], firmware: Mapping[Any, Any]) -> None:
    """Write bus numbers, windows, BARs and COMMAND as firmware left them."""
    windows = [kind for kind in ("io", "mem", "pref") if kind in firmware]
    if unknown := [key for key in firmware if not isinstance(key, int) and key not in ("bus", "io", "mem", "pref")]:
        raise BadInput(f"{label}: firmware gives {unknown[0]!r}; a bridge has bus, io, mem, pref and BAR numbers")
    addresses = {key: value for key, value in firmware.items() if isinstance(key, int)}
    lay_bars(label, config, specs, addresses, is_bridge=True)
    numbers = tuple(firmware.get("bus", (0, 0, 0)))
    if len(numbers) != 3 or not all(0 <= number <= 0xFF for number in numbers):
        raise BadInput(f"{label}: firmware bus numbers {numbers}; give primary, secondary, subordinate, each 0 to 255")
    config.put(regs.PRIMARY_BUS, 3, int.from_bytes(numbers, "little"))
    for kind in windows:
        span = firmware[kind]
        start, last = (span.start, span.last) if isinstance(span, Span) else span
        header.put_window(config, kind, start, last)
    config.put(regs.COMMAND, 2, header.firmware_command(specs, addresses, windows))
