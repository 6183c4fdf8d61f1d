"""One PCI function as the fabric sees it: config space, BARs, power, capabilities, and the model behind them.

Twin: the silicon behind one ``struct pci_dev``. Decides nothing about routing; see `fabric` and `routing`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, ClassVar

from attrs import define, field

from mockbus import capabilities, footprint, header
from mockbus.bar import Bar, BarSpec
from mockbus.config import ConfigSpace
from mockbus.interrupts import IntxPin
from movsdk import pci_regs as regs
from movsdk.address import Span
from movsdk.errors import BadInput
from movsdk.ops import Claim, FaultKind

if TYPE_CHECKING:
    from mockbus.bridge import Bridge
    from mockbus.express import PciExpress
    from mockbus.fabric import Fabric
    from mockbus.interrupts import MsiSender
    from mockbus.model import DeviceModel
    from mockbus.msix import MsixSender
    from mockbus.power import PowerControl

_DECODE = regs.COMMAND_IO | regs.COMMAND_MEMORY


@define(eq=False)
class Function:
    """One function. `label` is the name it has in faults and claims; `devfn` its place on the bus of `parent` (None: root bus).

    `present` is power and presence in one: an absent function answers nothing. `config` must be sealed (see `ConfigSpace`).
    """

    is_bridge: ClassVar[bool] = False

    label: str
    config: ConfigSpace = field(repr=False)
    specs: tuple[BarSpec, ...] = field(repr=False)
    model: DeviceModel | None = field(default=None, repr=False)
    parent: Bridge | None = field(default=None, init=False, repr=False)
    devfn: int = field(default=0, init=False)
    present: bool = field(default=False, init=False)
    power: regs.PowerState = field(default=regs.PowerState.D0, init=False)
    bars: dict[int, Bar] = field(init=False, repr=False)
    intx: IntxPin = field(init=False, repr=False)
    msi: MsiSender | None = field(default=None, init=False, repr=False)
    msix: MsixSender | None = field(default=None, init=False, repr=False)
    express: PciExpress | None = field(default=None, init=False, repr=False)
    power_control: PowerControl | None = field(default=None, init=False, repr=False)
    _fabric: Fabric | None = field(default=None, init=False, repr=False)
    _routing: set[int] = field(init=False, repr=False)
    _watch: dict[int, Callable[[int, int], None]] = field(factory=dict, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self.specs = header.check_bars(self.label, self.specs, is_bridge=self.is_bridge)
        header.permit_common(self.config)
        for spec in self.specs:
            header.permit_bar(self.config, spec, is_bridge=self.is_bridge)
        self.bars = {spec.n: Bar.of(spec, self, is_bridge=self.is_bridge) for spec in self.specs}
        self._routing = {regs.COMMAND}
        for bar in self.bars.values():
            self._routing.update(bar.register + 4 * i for i in range(2 if bar.spec.kind.is_64bit else 1))
        self.intx = IntxPin(self)
        self.watch(regs.COMMAND, lambda _written, _changed: self.intx.update())
        capabilities.attach(self)

    @classmethod
    def of_model(
        cls, label: str, model: DeviceModel, *, config: bytes | None = None, firmware: Mapping[int, int] | None = None
    ) -> Function:
        """Build the function of `model`: from its declaration, or from a dump whose every byte is kept.

        Args:
            config: 64 to 4096 dumped bytes; `firmware` is then not looked at.
            firmware: BAR number to address that firmware left there at power-on.
        """
        firmware = firmware or {}
        specs = header.check_bars(label, model.bars, is_bridge=False)
        if config is not None:
            space = ConfigSpace.from_bytes(config)
            header.check_dumped_bars(label, space, specs, is_bridge=False)
        else:
            space = ConfigSpace(model.config_size)
            header.lay_identity(space, model.identity, regs.HEADER_TYPE_NORMAL)
            lay_bars(label, space, specs, firmware, is_bridge=False)
            space.put(regs.COMMAND, 2, header.firmware_command(specs, firmware))
            capabilities.lay(label, space, model.capabilities, specs)
            space.seal()
        function = cls(label, space, specs, model)
        model.attach(function)
        return function

    # --- what it is now ------------------------------------------------------------------------

    @property
    def fabric(self) -> Fabric:
        """The fabric it hangs on. Raises `BadInput` before it was added to a machine."""
        if self._fabric is None:
            raise BadInput(f"{self.label} hangs on no fabric; add it to a Machine first")
        return self._fabric

    @property
    def command(self) -> int:
        """The COMMAND register."""
        data = self.config.data
        return data[regs.COMMAND] | data[regs.COMMAND + 1] << 8

    @property
    def is_answering(self) -> bool:
        """True if it is here, in D0, and so are all bridges above it (windows and COMMAND not asked)."""
        return self.hindrance() is None

    def hindrance(self) -> tuple[FaultKind, str] | None:
        """Return why nothing reaches it whatever the address: ABSENT or ASLEEP and the label to blame, or None."""
        for hop in (self, *self.bridges()):
            if not hop.present:
                return FaultKind.ABSENT, hop.label
            if hop.power is not regs.PowerState.D0:
                return FaultKind.ASLEEP, hop.label
        return None

    def bridges(self) -> Iterator[Bridge]:
        """The bridges above it, nearest first."""
        bridge = self.parent
        while bridge is not None:
            yield bridge
            bridge = bridge.parent

    def with_below(self) -> list[Function]:
        """It, and everything that hangs on it, parents before children."""
        return [self]

    @property
    def bus_number(self) -> int:
        """The bus it is on now, by the secondary register of the bridge above."""
        return self.parent.secondary if self.parent is not None else self.fabric.root_bus

    def decoding(self) -> list[Bar]:
        """BARs that it would answer for by its own registers, whatever the bridges above do."""
        command = self.command
        if not command & _DECODE or not self.present or self.power is not regs.PowerState.D0:
            return []
        return [
            bar
            for bar in self.bars.values()
            if command & (regs.COMMAND_IO if bar.spec.kind.is_io else regs.COMMAND_MEMORY) and bar.is_enabled
        ]

    def claim(self, n: int, address: int) -> Claim:
        """Name the place in BAR `n` that `address` means."""
        return Claim(self.label, n, address - self.bars[n].address)

    # --- config cycles -------------------------------------------------------------------------

    def watch(self, offset: int, call: Callable[[int, int], None]) -> None:
        """Have `call(written, changed)` run after each write to the dword at `offset`; both are bits of that dword."""
        self._watch[offset] = call

    def affects_routing(self, offset: int) -> bool:
        """True if a write to `offset` may change who answers an address."""
        return offset & ~3 in self._routing

    def add_routing(self, *offsets: int) -> None:
        """Declare further dwords that change who answers."""
        self._routing.update(offsets)

    def config_write(self, offset: int, size: int, value: int) -> None:
        """Take a config write, aligned and inside one dword, and do what follows from it."""
        dword = offset & ~3
        if dword in self._routing:
            before = [(bar, bar.span) for bar in self.decoding()]
            changed = self.config.write(offset, size, value)
            if changed and self._fabric is not None and (dword != regs.COMMAND or changed & _DECODE):
                self._fabric.decode_changed(before)
        else:
            changed = self.config.write(offset, size, value)
        watcher = self._watch.get(dword)
        if watcher is not None:
            shift = 8 * (offset & 3)
            watcher((value & ((1 << 8 * size) - 1)) << shift, changed << shift)

    # --- power and presence --------------------------------------------------------------------

    def attach_fabric(self, fabric: Fabric | None) -> None:
        """Hang it on a fabric."""
        self._fabric = fabric

    def set_power(self, state: regs.PowerState) -> None:
        """Enter a D-state; see `power` for what it costs."""
        footprint.power_changes()
        before = [(bar, bar.span) for bar in self.decoding()]
        self.power = state
        if self._fabric is not None:
            self._fabric.decode_changed(before, buses=self.is_bridge)

    def power_on(self) -> None:
        """Become present in power-on state: initial bytes, firmware's values included."""
        self.config.power_on()
        self.present = True
        self._restart()

    def power_off(self) -> None:
        """D3cold, or pulled: answers nothing, and contents are gone."""
        footprint.power_changes()
        before = [(bar, bar.span) for bar in self.decoding()]
        self.present = False
        self.intx.clear()
        for bar in self.bars.values():
            bar.power_off()
        if self._fabric is not None:
            self._fabric.decode_changed(before, buses=True)

    def reset(self) -> None:
        """Function-level or D3hot-to-D0 reset: all that software may change reads zero again, memory contents stay."""
        before = [(bar, bar.span) for bar in self.decoding()]
        self.config.reset()
        self._restart(before)

    def _restart(self, before: Iterable[tuple[Bar, Span]] = ()) -> None:
        footprint.power_changes()
        self.power = self.power_control.state if self.power_control is not None else regs.PowerState.D0
        self.intx.clear()
        for part in (self.msix, self.express):
            if part is not None:
                part.reset()
        if self._fabric is not None:
            self._fabric.decode_changed(before, buses=True)
        if self.model is not None:
            self.model.reset()

    # --- for the model -------------------------------------------------------------------------

    def raise_irq(self, vector: int = 0) -> None:
        """Send interrupt `vector` by MSI-X, else MSI, else as one INTx pulse: by what is enabled now."""
        if self.msix is not None and self.msix.is_enabled:
            self.msix.send(vector)
        elif self.msi is not None and self.msi.is_enabled:
            self.msi.send(vector)
        else:
            self.intx.pulse()

    def memory(self, n: int) -> memoryview:
        """Return the memory of the RAM BAR `n`. Raises `BadInput` if it has none."""
        bar = self.bars.get(n)
        if bar is None or bar.memory is None:
            raise BadInput(f"{self.label}: BAR {n} holds no memory; declare it with content='ram'")
        return bar.memory.view

    def bad_access(self, n: int, offset: int, size: int, operation: str) -> int:
        """Record an access that BAR `n` does not implement; returns the all-ones that a read answers."""
        bar = self.bars[n]
        claim = Claim(self.label, n, offset)
        self.fabric.faults.record(FaultKind.BAD_ACCESS, bar.space, operation, bar.address + offset, size, claims=(claim,))
        return (1 << 8 * size) - 1


def lay_bars(label: str, config: ConfigSpace, specs: Iterable[BarSpec], firmware: Mapping[int, int], *, is_bridge: bool) -> None:
    """Write power-on BAR registers. Raises `BadInput` if firmware names a BAR that is not there."""
    known = {spec.n for spec in specs}
    if unknown := sorted(set(firmware) - known):
        raise BadInput(f"{label}: firmware gives an address to BAR {unknown[0]}, which the device does not have")
    for spec in specs:
        header.lay_bar(config, spec, firmware.get(spec.n, spec.start), is_bridge=is_bridge)
