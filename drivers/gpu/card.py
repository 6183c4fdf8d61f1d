"""One card in the driver's memory: what is mapped where, who may use it, what it shows.

Twin: the driver's private structure behind ``pci_get_drvdata()``. Touches no hardware; see `driver`.
"""

from __future__ import annotations

import errno
from collections.abc import Callable

from attrs import define, field

from movsdk import Gate, IoMem, Mutex, PciDev, PciError, UserMapping

from . import regs as r


@define(eq=False)
class Card:
    """What the driver remembers of one card; `moves` are (BAR, old address, new address), in bytes.

    `lock` is held by whoever starts or stops the card; users go through `gate`, which is shut while it is to be quiet.
    """

    gate: Gate
    lock: Mutex
    width: int = 640
    height: int = 480
    vblanks: int = 0
    regs: IoMem | None = None
    vram: IoMem | None = None
    is_paused: bool = False
    is_asleep: bool = False
    is_broken: bool = False  # its link failed, a reset will follow
    is_shut: bool = False
    has_irq: bool = False
    seen_at: dict[int, int] = field(factory=dict)
    moves: list[tuple[int, int, int]] = field(factory=list)
    users: list[UserMapping] = field(factory=list)
    lent: list[Callable[[], None]] = field(factory=list)  # how to tell those to whom an address of VRAM was given

    @property
    def is_quiet(self) -> bool:
        """Whether anybody wants the card left alone."""
        return self.is_paused or self.is_asleep or self.is_broken

    @property
    def picture_size(self) -> int:
        """Bytes of the picture on the screen; it begins at offset 0 of VRAM."""
        return self.width * self.height * r.BYTES_PER_PIXEL

    def shut(self) -> None:
        """Let no user in, and wait until none is inside. Safe to repeat."""
        if not self.is_shut:
            self.gate.freeze()
            self.is_shut = True

    def take_back(self) -> None:
        """Tell whoever was given an address of VRAM to use it no more."""
        lent, self.lent = self.lent, []
        for revoke in lent:
            revoke()

    def open(self) -> None:
        """Let users in. Safe to repeat."""
        if self.is_shut:
            self.is_shut = False
            self.gate.unfreeze()


def card_of(dev: PciDev) -> Card:
    """The card behind `dev`. Raises `PciError`: ENODEV (removed)."""
    card: Card | None = dev.drvdata
    if card is None:
        raise PciError(errno.ENODEV, f"{dev.name}: the card was removed")
    return card


def mapped(dev: PciDev, mapping: IoMem | None, bar: int) -> IoMem:
    """A mapping that must be there. Raises `PciError`: EBUSY (it is not, now)."""
    if mapping is None:
        raise PciError(errno.EBUSY, f"{dev.name}: BAR {bar} is not mapped now; the card is paused, asleep or gone")
    return mapping


def lend(dev: PciDev, revoke: Callable[[], None]) -> int:
    """The bus address of VRAM, for somebody else's DMA; `revoke()` ends the loan. Raises `PciError`: EBUSY (not mapped now)."""
    card = card_of(dev)
    with card.gate.entered():
        address = mapped(dev, card.vram, r.VRAM_BAR).start
        card.lent.append(revoke)
        return address
