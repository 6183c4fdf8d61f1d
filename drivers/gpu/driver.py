"""Driver of the movgpu card: a picture in VRAM that survives a move of either BAR.

Twin: the shape of a DRM driver's device part (map, mode set, blit, vblank). No memory manager, one screen.
The card's firmware holds the bus address of its own VRAM, so `_start` tells it anew after each rescan.
"""

from __future__ import annotations

import errno
import zlib
from collections.abc import Callable

from movsdk import Gate, IoMem, Mutex, PciDev, PciError, PciId, UserMapping

from . import regs as r
from .card import Card, card_of, lend, mapped

BLIT_TIMEOUT_MS = 100


class Gpu:
    """One instance serves all cards; what belongs to one card is in `dev.drvdata`, a `Card`.

    Hooks may come while a service runs: it waits at the card's gate then. The services of one card have one caller at a time.
    """

    name = "gpu"
    id_table = (PciId(r.VENDOR, r.DEVICE),)

    # --- hooks ----------------------------------------------------------------------------------

    def probe(self, dev: PciDev, id: PciId) -> None:
        """Take the screen from the console that firmware left on it, enable the card and light the screen."""
        self._take_over(dev)
        dev.enable_device()
        dev.set_master()
        dev.drvdata = Card(Gate(f"{dev}.io"), Mutex(f"{dev}.lock", kind="gpu lock"))
        try:
            self._start(dev)
        except PciError:
            dev.disable_device()
            raise

    def remove(self, dev: PciDev) -> None:
        """Darken the screen, if there still is one."""
        card: Card = dev.drvdata
        with card.lock.held():
            card.gate.kill()
            for user in list(card.users):
                user.close()
            self._stop(dev)
            dev.disable_device()

    def rescan_prepare(self, dev: PciDev) -> None:
        """Let the blit in flight finish, then leave the card alone. Raises PciError(EBUSY), which pins the BARs, if it hangs."""
        card: Card = dev.drvdata
        with card.lock.held():
            was_quiet, card.is_paused = card.is_quiet, True
            if was_quiet:
                return
            card.shut()
            try:
                self._wait_idle(dev)
            finally:
                self._stop(dev)

    def rescan_done(self, dev: PciDev) -> None:
        """Map both BARs where they are now and tell the firmware. Raises PciError if one is lost or the card is gone."""
        card: Card = dev.drvdata
        with card.lock.held():
            card.is_paused = False
            self._wake(dev)

    def suspend(self, dev: PciDev, state: int) -> None:
        """Leave the card alone until `resume`; rescans pass us by. Raises PciError(EBUSY), and goes on, if a blit hangs."""
        card: Card = dev.drvdata
        with card.lock.held():
            if not card.is_quiet:
                card.shut()
                try:
                    self._wait_idle(dev)
                except PciError:
                    card.open()
                    raise
                self._stop(dev)
            card.is_asleep = True

    def resume(self, dev: PciDev) -> None:
        """Same as after a rescan: the BARs may have moved while we slept."""
        card: Card = dev.drvdata
        with card.lock.held():
            card.is_asleep = False
            self._wake(dev)

    def error_detected(self, dev: PciDev, state: int) -> None:
        """Leave the card alone; a blit in flight is lost, what is in VRAM stays."""
        card: Card = dev.drvdata
        with card.lock.held():
            was_quiet, card.is_broken = card.is_quiet, True
            if not was_quiet:
                card.shut()
                self._stop(dev)

    def slot_reset(self, dev: PciDev) -> None:
        """Same as after a rescan."""
        card: Card = dev.drvdata
        with card.lock.held():
            card.is_broken = False
            self._wake(dev)

    def shutdown(self, dev: PciDev) -> None:
        """No interrupt and no scanout after this."""
        card: Card = dev.drvdata
        with card.lock.held():
            card.gate.kill()
            self._stop(dev)

    # --- services -------------------------------------------------------------------------------

    def export_memory(self, dev: PciDev, revoke: Callable[[], None]) -> int:
        """Give a bus address of VRAM to somebody's DMA, good until `revoke()` is called. Raises PciError(EBUSY) while paused."""
        return lend(dev, revoke)

    def set_mode(self, dev: PciDev, width: int, height: int) -> None:
        """Show `width` x `height` pixels, 4 bytes each, from the start of VRAM."""
        card = card_of(dev)
        with card.gate.entered():
            card.width, card.height = width, height
            self._program_scanout(dev)

    def draw(self, dev: PciDev, pixels: bytes, offset: int = 0) -> None:
        """Copy `pixels` into VRAM by CPU."""
        with card_of(dev).gate.entered():
            self._vram(dev).memcpy_toio(offset, pixels)

    def mmap(self, dev: PciDev, offset: int, length: int) -> UserMapping:
        """Let a user map `length` bytes of VRAM from `offset` on. A fault while the card is paused waits, or gets SIGBUS."""
        mapping = UserMapping(dev, r.VRAM_BAR, offset, length, fault=self._fault)
        card_of(dev).users.append(mapping)
        return mapping

    def read_picture(self, dev: PciDev) -> bytes:
        """Return what is on the screen, read back by CPU."""
        card = card_of(dev)
        with card.gate.entered():
            return self._vram(dev).memcpy_fromio(0, card.picture_size)

    def checksum(self, dev: PciDev) -> int:
        """Return the CRC-32 of the picture."""
        return zlib.crc32(self.read_picture(dev))

    def fill(self, dev: PciDev, offset: int, length: int, pixel: int) -> None:
        """Start filling `length` bytes of VRAM with a 4-byte pixel; returns at once, see `wait_blit`."""
        self._blit(dev, r.BLIT_FILL, pixel, offset, length)

    def copy(self, dev: PciDev, source: int, destination: int, length: int) -> None:
        """Start copying `length` bytes inside VRAM; returns at once, see `wait_blit`."""
        self._blit(dev, r.BLIT_COPY, source, destination, length)

    def wait_blit(self, dev: PciDev) -> None:
        """Wait until the blit engine is idle. Raises PciError: EBUSY after 100 ms, EIO if it refused a command."""
        gate = card_of(dev).gate

        def is_idle() -> bool:
            with gate.entered():  # for each look anew: whoever waits outside lets a rescan in
                return self._is_idle(dev)

        self._wait_idle(dev, is_idle)
        with gate.entered():
            if self._regs(dev).readl(r.BLIT_STATUS) & r.BLIT_ERROR:
                self._regs(dev).writel(r.BLIT_ERROR, r.BLIT_STATUS)
                raise PciError(errno.EIO, f"{dev.name}: the blit engine refused a command; look at its ranges")

    def exercise(self, dev: PciDev) -> None:
        """One round of I/O for `bench.run_io()`. Raises PciError(EIO) if a blit comes out wrong."""
        card = card_of(dev)
        size = card.picture_size
        self.fill(dev, size, 4096, 0x00C0FFEE)  # behind the picture: that one stays as it is
        self.copy(dev, size, size + 4096, 4096)
        self.wait_blit(dev)
        with card.gate.entered():
            found = self._vram(dev).memcpy_fromio(size + 4096, 4096)
        if found != (0x00C0FFEE).to_bytes(4, "little") * 1024:
            raise PciError(errno.EIO, f"{dev.name}: a blit came out wrong")

    # --- inside ---------------------------------------------------------------------------------

    def _regs(self, dev: PciDev) -> IoMem:
        return mapped(dev, dev.drvdata.regs, r.REGISTERS_BAR)

    def _vram(self, dev: PciDev) -> IoMem:
        return mapped(dev, dev.drvdata.vram, r.VRAM_BAR)

    def _is_idle(self, dev: PciDev) -> bool:
        return not self._regs(dev).readl(r.BLIT_STATUS) & r.BLIT_BUSY

    def _wait_idle(self, dev: PciDev, is_idle: Callable[[], bool] | None = None) -> None:
        if not dev.wait_for(is_idle or (lambda: self._is_idle(dev)), timeout_ms=BLIT_TIMEOUT_MS):
            raise PciError(errno.EBUSY, f"{dev.name}: a blit is still running after {BLIT_TIMEOUT_MS} ms; reset the card")

    def _blit(self, dev: PciDev, command: int, source: int, destination: int, length: int) -> None:
        self.wait_blit(dev)
        with card_of(dev).gate.entered():
            regs = self._regs(dev)
            regs.writeq(source, r.BLIT_SOURCE)
            regs.writeq(destination, r.BLIT_DESTINATION)
            regs.writel(length, r.BLIT_LENGTH)
            regs.writel(command, r.BLIT_COMMAND)

    def _interrupt(self, dev: PciDev) -> None:
        card: Card = dev.drvdata
        regs = self._regs(dev)
        reasons = regs.readl(r.IRQ_STATUS)
        regs.writel(reasons, r.IRQ_STATUS)
        if reasons & r.IRQ_VBLANK and reasons != r.ALL_ONES:
            card.vblanks += 1

    def _fault(self, mapping: UserMapping) -> None:
        with card_of(mapping.dev).gate.entered():
            mapping.insert()

    def _wake(self, dev: PciDev) -> None:
        """Start the card and let users in, unless another pause is still on."""
        card: Card = dev.drvdata
        if card.is_quiet:
            return
        try:
            self._start(dev)
        finally:
            card.open()

    def _take_over(self, dev: PciDev) -> None:
        """Nobody else draws here from now on: a console would go on at the old place when a BAR moves."""
        dev.remove_conflicting_devices(self.name)

    def _start(self, dev: PciDev) -> None:
        """Map, tell the firmware, take the interrupt, light the screen; undone if any of it fails."""
        card: Card = dev.drvdata
        try:
            self._let_go(dev)  # nothing to do, unless rescan_prepare was cut short
            dev.request_regions(self.name)
            card.regs = self._map(dev, r.REGISTERS_BAR)
            card.vram = self._map(dev, r.VRAM_BAR)
            if card.regs.readl(r.ID) != r.IDENTITY:
                raise PciError(errno.ENODEV, f"{dev.name}: no movgpu answers at {card.regs.start:#x}; was it pulled?")
            card.regs.writeq(card.vram.start, r.FW_VRAM_BASE)
            dev.alloc_irq_vectors(1, 1)
            dev.request_irq(0, lambda: self._interrupt(dev), self.name)
            card.has_irq = True
            self._program_scanout(dev)
            card.regs.writel(r.IRQ_VBLANK | r.IRQ_BLIT, r.IRQ_ENABLE)
        except PciError:
            self._let_go(dev)
            raise

    def _map(self, dev: PciDev, bar: int) -> IoMem:
        """Map `bar` and note whether it is elsewhere than last time. VRAM is write-combined, registers are not."""
        card: Card = dev.drvdata
        mapping = dev.iomap(bar, wc=bar == r.VRAM_BAR)
        old = card.seen_at.get(bar, mapping.start)
        if old != mapping.start:
            card.moves.append((bar, old, mapping.start))
        card.seen_at[bar] = mapping.start
        return mapping

    def _program_scanout(self, dev: PciDev) -> None:
        card: Card = dev.drvdata
        regs = self._regs(dev)
        regs.writel(0, r.SCANOUT_CONTROL)
        regs.writel(0, r.SCANOUT_OFFSET)
        regs.writel(card.width, r.SCANOUT_WIDTH)
        regs.writel(card.height, r.SCANOUT_HEIGHT)
        regs.writel(r.SCANOUT_ON, r.SCANOUT_CONTROL)

    def _stop(self, dev: PciDev) -> None:
        """Darken the screen and let go. Works halfway started, too."""
        dev.drvdata.take_back()
        regs = dev.drvdata.regs
        if regs is not None:
            regs.writel(0, r.IRQ_ENABLE)
            regs.writel(0, r.SCANOUT_CONTROL)
        self._let_go(dev)

    def _let_go(self, dev: PciDev) -> None:
        """Give back interrupt, mappings and regions without touching the card. Safe to repeat."""
        card: Card = dev.drvdata
        for user in card.users:
            user.zap()
        if card.has_irq:
            dev.synchronize_irq(0)  # a vblank may be on its way
            dev.free_irq(0)
            card.has_irq = False
        dev.free_irq_vectors()
        for mapping in (card.regs, card.vram):
            if mapping is not None:
                mapping.iounmap()
        card.regs = card.vram = None
        dev.release_regions()
