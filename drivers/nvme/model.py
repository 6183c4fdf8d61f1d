"""An NVMe drive as silicon: its registers, and what enabling, resetting and power loss do.

Twin: NVM Express 1.4 §3; ids as QEMU's. Does not serve queues (`engine`), keep blocks (`store`) or route MSI-X: the function does
that by walking config space, so a drive made from a dump's bytes has its table where they say.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mockbus.bar import BarSpec
from mockbus.capabilities import CapabilitySpec, MsiX, Pcie, Pm
from mockbus.model import DeviceModel
from movsdk.clock import NS_PER_US
from movsdk.pci_regs import BarKind

from . import regs
from .engine import Engine
from .regs import CC, CSTS, DOORBELLS, INTMC, INTMS, PAGE, REGISTERS_END, Cns
from .store import BlockStore

if TYPE_CHECKING:
    from movsdk.clock import Timer

# what a register takes of a write; the others are read only, and CC, INTMS and INTMC have effects
_WRITABLE = {regs.AQA: 0x0FFF_0FFF, regs.ASQ: 0xFFFF_F000, regs.ASQ + 4: ~0, regs.ACQ: 0xFFFF_F000, regs.ACQ + 4: ~0}
_CC_BITS = 0x00FF_FFF1


class NvmeModel(DeviceModel):
    """A drive of `blocks` blocks of 512 bytes.

    Args:
        latency: nanoseconds a command takes; each queue serves one after another.
        ready: nanoseconds from CC.EN to CSTS.RDY, either way.
        stride: CAP.DSTRD, doorbells lie 4 << stride bytes apart.
        serial: as Identify tells it; empty = the function's label.
    Faults to switch on: `is_hung` takes commands and never answers (a controller reset heals it), `is_broken` never gets ready.
    """

    vendor_id = regs.VENDOR
    device_id = regs.DEVICE
    class_code = regs.CLASS_NVME
    revision = 2
    config_size = 4096
    bars = (BarSpec(0, BarKind.MEM64, regs.BAR_SIZE),)
    capabilities: tuple[CapabilitySpec, ...] = (
        MsiX(vectors=65, table=(0, regs.MSIX_TABLE), pba=(0, regs.MSIX_PBA)),
        Pm(no_soft_reset=True),
        Pcie(),
    )

    max_queues = 64
    max_entries = 2048
    mdts = 5  # transfers of up to 32 pages
    timeout = 15  # CAP.TO, in units of 500 ms

    def __init__(
        self,
        blocks: int = 1 << 21,
        *,
        latency: int = 40 * NS_PER_US,
        ready: int = 500 * NS_PER_US,
        stride: int = 0,
        serial: str = "",
    ) -> None:
        super().__init__()
        self.store = BlockStore(blocks)
        self.latency, self.ready, self.stride, self.serial = latency, ready, stride, serial
        self.is_hung = self.is_broken = False
        self._engine = Engine(self)
        self._registers = bytearray(REGISTERS_END)
        self._mask = 0
        self._pending = 0
        self._timers: list[Timer] = []
        self._power_on()

    # --- life --------------------------------------------------------------------------------------

    def reset(self) -> None:
        """Lose everything but the medium, the cache included: power-on, or D3hot to D0 without No_Soft_Reset."""
        self.store.lose_cache()
        self._power_on()

    def _power_on(self) -> None:
        self._engine.stop()
        self._cancel()
        self._mask = self._pending = 0
        self._registers[:] = bytes(REGISTERS_END)
        cap = (self.max_entries - 1) | regs.CAP_CQR | self.timeout << regs.CAP_TO_SHIFT | regs.CAP_CSS_NVM
        self._put(regs.CAP, cap | self.stride << regs.CAP_DSTRD_SHIFT, 8)
        self._put(regs.VS, regs.VERSION_1_4)

    def _cancel(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers = []

    @property
    def in_flight(self) -> int:
        """Commands taken and not answered."""
        return self._engine.in_flight

    @property
    def vectors(self) -> int:
        """Interrupt vectors a queue may name: what its MSI-X capability has, else the 32 of MSI."""
        return self.function.msix.vectors if self.function.msix is not None else 32

    @property
    def is_ready(self) -> bool:
        """What CSTS.RDY says."""
        return bool(self._get(CSTS) & regs.CSTS_RDY)

    # --- registers -----------------------------------------------------------------------------------

    def _get(self, offset: int, size: int = 4) -> int:
        return int.from_bytes(self._registers[offset : offset + size], "little")

    def _put(self, offset: int, value: int, size: int = 4) -> None:
        self._registers[offset : offset + size] = value.to_bytes(size, "little")

    def read(self, bar: int, offset: int, size: int) -> int:
        """Registers read back, INTMS and INTMC as the mask; doorbells and everything unimplemented read zero."""
        if offset in (INTMS, INTMC):
            return self._mask
        return self._get(offset, min(size, max(0, REGISTERS_END - offset)))

    def write(self, bar: int, offset: int, size: int, value: int) -> None:
        """Dwords and pairs of dwords; the datasheet defines no smaller ones."""
        if size < 4:
            self.bad_access(bar, offset, size, "write")
            return
        for n in range(0, size, 4):
            self._write(offset + n, value >> 8 * n & 0xFFFF_FFFF)

    def _write(self, offset: int, value: int) -> None:
        if offset >= DOORBELLS:
            number, rest = divmod(offset - DOORBELLS, 4 << self.stride)
            if self.is_ready and not rest:
                self._engine.ring(number, value & 0xFFFF)
        elif offset == CC:
            self._configure(value & _CC_BITS)
        elif offset == INTMS:
            self._mask |= value
        elif offset == INTMC:
            self._mask &= ~value
            due, self._pending = self._pending & ~self._mask, self._pending & self._mask
            for vector in range(due.bit_length()):
                if due >> vector & 1:
                    self.raise_irq(vector)
        elif offset in _WRITABLE:
            self._put(offset, value & _WRITABLE[offset])

    def interrupt(self, vector: int) -> None:
        """A completion was posted: interrupt, unless INTMS says not now."""
        if vector < 32 and self._mask >> vector & 1:
            self._pending |= 1 << vector
        else:
            self.raise_irq(vector)

    # --- enable, disable, shut down --------------------------------------------------------------------

    def _configure(self, value: int) -> None:
        before = self._get(CC)
        self._put(CC, value)
        if (value ^ before) & regs.CC_EN:
            self._cancel()
            if value & regs.CC_EN:
                self.is_hung = False
                self._later(self.ready, self._become_ready)
            else:
                self._engine.stop()
                self._mask = self._pending = 0
                self._later(self.ready, self._become_idle)
        if value & regs.CC_SHN_MASK and not before & regs.CC_SHN_MASK:
            self._engine.halt()
            self._status(regs.CSTS_SHST_MASK, regs.CSTS_SHST_OCCURRING)
            self._later(self.ready, self._become_shut)

    def _later(self, delay: int, call: Callable[[], None]) -> None:
        self._timers.append(self.clock.call_later(delay, call, "nvme controller"))

    def _status(self, clear: int, set_: int) -> None:
        self._put(CSTS, self._get(CSTS) & ~clear | set_)

    def _become_ready(self) -> None:
        if self.is_broken:
            return
        asq, acq, aqa = self._get(regs.ASQ, 8), self._get(regs.ACQ, 8), self._get(regs.AQA)
        if not (asq and acq and aqa & 0xFFF and aqa >> 16):
            self._status(0, regs.CSTS_CFS)
            return
        self._engine.start(asq, acq, aqa)
        self._status(0, regs.CSTS_RDY)

    def _become_idle(self) -> None:
        self._put(CSTS, 0)

    def _become_shut(self) -> None:
        self.store.flush()
        self._status(regs.CSTS_SHST_MASK, regs.CSTS_SHST_COMPLETE)

    # --- Identify ------------------------------------------------------------------------------------

    def identify(self, what: Cns) -> bytes:
        """Return the page Identify answers with."""
        page = bytearray(regs.IDENTIFY_SIZE)
        if what is Cns.CONTROLLER:
            serial = (self.serial or self.function.label).encode()[:20].ljust(20)
            regs.ID_CTRL_HEAD.pack_into(page, 0, self.vendor_id, 0x1AF4, serial, b"movsdk NVMe drive".ljust(40), b"1".ljust(8))
            page[regs.ID_CTRL_MDTS] = self.mdts
            page[regs.ID_CTRL_NN] = page[regs.ID_CTRL_VWC] = 1
        elif what is Cns.NAMESPACE:
            page[regs.ID_NS_NSZE : regs.ID_NS_NSZE + 24] = self.store.blocks.to_bytes(8, "little") * 3
            page[regs.ID_NS_LBAF0 + 2] = regs.BLOCK.bit_length() - 1
        else:
            page[0] = regs.NSID
        assert len(page) == PAGE
        return bytes(page)
