"""The movgpu card in silicon: VRAM, a blit engine on the virtual clock, a scanout with vblank, and the firmware's VRAM base.

Twin: README.md next door. Every access of an engine to VRAM goes through FW_VRAM_BASE: if that is not where BAR 2 is, the
engine misses VRAM, FW_STATUS shows it and `misses` tells it. Draws nothing itself; `screen()` is what one would see.
"""

from __future__ import annotations

from mockbus.bar import BarSpec
from mockbus.capabilities import Msi, Pm
from mockbus.model import DeviceModel
from movsdk.clock import NS_PER_US, Timer
from movsdk.errors import BadInput
from movsdk.pci_regs import BarKind

from . import regs as r

FRAME_TIME = 16_666_667  # ns: 60 Hz
MOST_VRAM = 64 << 30
_WRITABLE = {r.IRQ_ENABLE, r.FW_VRAM_BASE, r.SCANOUT_OFFSET, r.SCANOUT_WIDTH, r.SCANOUT_HEIGHT}
_WRITABLE |= {r.BLIT_SOURCE, r.BLIT_DESTINATION, r.BLIT_LENGTH}
_CLEARED_BY_ONES = {r.IRQ_STATUS: ~0, r.FW_STATUS: ~0, r.BLIT_STATUS: r.BLIT_ERROR}
_WIDE = {r.VRAM_SIZE, r.FW_VRAM_BASE, r.BLIT_SOURCE, r.BLIT_DESTINATION}


class GpuModel(DeviceModel):
    """A card with `vram_size` bytes of VRAM, whose engine moves `blit_speed` bytes in a microsecond."""

    vendor_id, device_id, class_code = r.VENDOR, r.DEVICE, r.CLASS_DISPLAY
    capabilities = (Pm(), Msi())
    max_access = 4

    def __init__(self, vram_size: int = 256 << 20, blit_speed: int = 16384) -> None:
        if vram_size > MOST_VRAM:
            raise BadInput(f"a movgpu with {vram_size:#x} bytes of VRAM; there are none above {MOST_VRAM:#x} (64 GiB)")
        self.vram_size = vram_size
        self.blit_speed = blit_speed
        self.bars = (
            BarSpec(r.REGISTERS_BAR, BarKind.MEM32, r.REGISTERS_SIZE),
            BarSpec(r.VRAM_BAR, BarKind.PREF64, vram_size, content="ram"),
        )
        self.misses: list[str] = []
        self._values: dict[int, int] = {}
        self._blit: Timer | None = None
        self._vblank: Timer | None = None

    def reset(self) -> None:
        """Stop engine and scanout, and forget all registers. What is in VRAM stays, as long as there is power."""
        for timer in (self._blit, self._vblank):
            if timer is not None:
                timer.cancel()
        self._values.clear()

    def screen(self) -> bytes | None:
        """Return the pixels a viewer sees; None for a dark screen: scanout off, or it looks for VRAM in the wrong place."""
        if not self._get(r.SCANOUT_CONTROL) & r.SCANOUT_ON or not self.finds_vram:
            return None
        offset = self._get(r.SCANOUT_OFFSET)
        size = self._get(r.SCANOUT_WIDTH) * self._get(r.SCANOUT_HEIGHT) * r.BYTES_PER_PIXEL
        return bytes(self.ram(r.VRAM_BAR)[offset : offset + size])

    @property
    def finds_vram(self) -> bool:
        """True if the firmware's VRAM base is where BAR 2 is."""
        return self._get(r.FW_VRAM_BASE) == self.function.bars[r.VRAM_BAR].address

    def programmed_addresses(self) -> list[tuple[str, int, int]]:
        """Where the firmware believes VRAM to be, once it was told."""
        base = self._get(r.FW_VRAM_BASE)
        return [("FW_VRAM_BASE", r.VRAM_BAR, base)] if base else []

    # --- registers ------------------------------------------------------------------------------

    def read(self, bar: int, offset: int, size: int) -> int:
        """4-byte accesses only; the unused reads as zero."""
        if size != 4:
            return self.bad_access(bar, offset, size)
        if offset == r.ID:
            return r.IDENTITY
        if offset in (r.VRAM_SIZE, r.VRAM_SIZE + 4):
            return self.vram_size >> 8 * (offset - r.VRAM_SIZE)
        return self._values.get(offset, 0)

    def write(self, bar: int, offset: int, size: int, value: int) -> None:
        """4-byte accesses only; writes to the unused and the read-only vanish."""
        if size != 4:
            self.bad_access(bar, offset, size, "write")
        elif offset in _CLEARED_BY_ONES:
            self._values[offset] = self._get(offset) & ~(value & _CLEARED_BY_ONES[offset])
        elif offset == r.SCANOUT_CONTROL:
            self._set_scanout(bool(value & r.SCANOUT_ON))
        elif offset == r.BLIT_COMMAND:
            self._start_blit(value)
        elif offset in _WRITABLE or offset - 4 in _WRITABLE & _WIDE:
            self._values[offset] = value

    def _get(self, offset: int) -> int:
        value = self._values.get(offset, 0)
        return value | self._values.get(offset + 4, 0) << 32 if offset in _WIDE else value

    def _interrupt(self, reason: int) -> None:
        self._values[r.IRQ_STATUS] = self._get(r.IRQ_STATUS) | reason
        if self._get(r.IRQ_ENABLE) & reason:
            self.raise_irq()

    # --- engines --------------------------------------------------------------------------------

    def _miss(self, who: str) -> None:
        self._values[r.FW_STATUS] = r.FW_FAULT
        base, bar = self._get(r.FW_VRAM_BASE), self.function.bars[r.VRAM_BAR].address
        miss = f"{who} looked for VRAM at {base:#x}, but BAR {r.VRAM_BAR} is at {bar:#x}; write FW_VRAM_BASE after a move"
        if miss not in self.misses:
            self.misses.append(miss)

    def _set_scanout(self, is_on: bool) -> None:
        was_on = self._get(r.SCANOUT_CONTROL) & r.SCANOUT_ON
        self._values[r.SCANOUT_CONTROL] = r.SCANOUT_ON if is_on else 0
        if is_on and not was_on:
            self._vblank = self.clock.call_later(FRAME_TIME, self._frame, "vblank")
        elif not is_on and self._vblank is not None:
            self._vblank.cancel()

    def _frame(self) -> None:
        if not self.function.present:
            return
        self._values[r.SCANOUT_FRAMES] = self._get(r.SCANOUT_FRAMES) + 1
        if not self.finds_vram:
            self._miss("scanout")
        self._vblank = self.clock.call_later(FRAME_TIME, self._frame, "vblank")
        self._interrupt(r.IRQ_VBLANK)

    def _start_blit(self, command: int) -> None:
        length, ranges = self._get(r.BLIT_LENGTH), [self._get(r.BLIT_DESTINATION)]
        if command == r.BLIT_COPY:
            ranges.append(self._get(r.BLIT_SOURCE))
        fits = all(start + length <= self.vram_size for start in ranges) and length % r.BYTES_PER_PIXEL == 0
        if command not in (r.BLIT_COPY, r.BLIT_FILL) or not fits or self._get(r.BLIT_STATUS) & r.BLIT_BUSY:
            self._values[r.BLIT_STATUS] = self._get(r.BLIT_STATUS) | r.BLIT_ERROR
            return
        self._values[r.BLIT_STATUS] = self._get(r.BLIT_STATUS) | r.BLIT_BUSY
        duration = length * NS_PER_US // self.blit_speed
        self._blit = self.clock.call_later(duration, lambda: self._finish_blit(command, length), "blit")

    def _finish_blit(self, command: int, length: int) -> None:
        if not self.function.present:
            return
        if self.finds_vram:
            vram, destination, source = self.ram(r.VRAM_BAR), self._get(r.BLIT_DESTINATION), self._get(r.BLIT_SOURCE)
            if command == r.BLIT_COPY:
                pixels = bytes(vram[source : source + length])
            else:
                pixels = (source & 0xFFFF_FFFF).to_bytes(4, "little") * (length // r.BYTES_PER_PIXEL)
            vram[destination : destination + length] = pixels
        else:
            self._miss("blit engine")
            self._values[r.BLIT_STATUS] = self._get(r.BLIT_STATUS) | r.BLIT_ERROR
        self._values[r.BLIT_STATUS] = self._get(r.BLIT_STATUS) & ~r.BLIT_BUSY
        self._interrupt(r.IRQ_BLIT)
