"""What the architecture adds to drivers/pci: numbers for layout, and a word at fixed points.

Twin: the ``pcibios_*`` functions and flags of arch/*/pci. The shape only: `platform` fills it for x86 and a plain host, `powernv`
for POWER8. The generic code asks no platform by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Final

from attrs import evolve, frozen

from movsdk.layout.table import IO, MEG, PAGE_4K, AddressMap, Resource

if TYPE_CHECKING:
    from movsdk.kernel.device import Device
    from movsdk.kernel.system import System

Granules = tuple[int, int, int]
_LEGACY_VGA: Final = 0xA_0000


@frozen
class PlatformCrash:
    """The architecture's code would have taken the kernel down, because of resource `index` of `device`. Recorded, not raised."""

    device: str
    index: int
    text: str

    def __str__(self) -> str:
        return f"{self.device}: {self.text}"


class ArchHooks:
    """Called at fixed points; this one has nothing to say. `crashes`: where a real kernel would have died."""

    def __init__(self) -> None:
        self.crashes: list[PlatformCrash] = []

    def added(self, device: Device) -> None:
        """`device` was added (``pcibios_bus_add_device()``)."""

    def boot_assigned(self) -> None:
        """Everything that the boot could place has its place, and no driver is bound yet."""

    def removed(self, device: Device) -> None:
        """`device` is about to be forgotten (``pcibios_release_device()``)."""

    def paused(self, device: Device) -> None:
        """`device` is quiet: its driver's `rescan_prepare`, if it has one, has returned (v5 18)."""

    def all_paused(self) -> None:
        """Everything below the host bridge is quiet, nothing was released yet (v6 23)."""

    def bridge_set_up(self, bridge: Device) -> None:
        """All windows of `bridge` were written (``pcibios_setup_bridge()``)."""

    def all_placed(self) -> None:
        """The last bridge was written; no driver has resumed yet (v6 23)."""

    def resuming(self, device: Device) -> None:
        """`device` is about to be used again: before its driver's `rescan_done` (v5 18)."""


def _usual_granules(_apertures: Sequence[Resource]) -> Granules:
    return (PAGE_4K, MEG, MEG)


def _no_hooks(_system: System, _patches: frozenset[str]) -> ArchHooks:
    return ArchHooks()


@frozen(kw_only=True)
class Platform:
    """A kind of host.

    `min_io`, `min_mem`: ``PCIBIOS_MIN_IO`` and ``PCIBIOS_MIN_MEM`` where the machine does not say. `avoids_isa_aliases`,
    `lowest_mem`: see `AddressMap`. `keeps_off_ram`: no memory BAR in the RAM map or in `bios`, [start, last].
    `claims_firmware`: addresses that firmware left are kept where they make sense; else all is assigned anew.
    `forgets_firmware`: they are not even remembered. `reads_windows`: window registers of bridges are believed when a bus is
    first scanned. `assigns_all_buses`: firmware's bus numbers are not kept either. `shadows_vga_rom`: ``pci_fixup_video()``.
    `granules`: least alignment of I/O, memory and 64-bit prefetchable windows behind these apertures.
    `words`: what ``pcibios_setup()`` knows of ``pci=``; a trailing ``=`` takes a value. `hooks` makes the architecture's
    `ArchHooks` for a system and the patches its kernel has.
    """

    name: str
    about: str
    min_io: int = PAGE_4K
    min_mem: int = 0
    avoids_isa_aliases: bool = False
    lowest_mem: int = 0
    keeps_off_ram: bool = False
    bios: tuple[int, int] | None = None
    claims_firmware: bool = True
    forgets_firmware: bool = False
    reads_windows: bool = True
    assigns_all_buses: bool = False
    shadows_vga_rom: bool = False
    granules: Callable[[Sequence[Resource]], Granules] = _usual_granules
    words: frozenset[str] = frozenset()
    hooks: Callable[[System, frozenset[str]], ArchHooks] = _no_hooks

    def address_map(
        self, ram: Iterable[tuple[int, int]] = (), *, min_io: int | None = None, min_mem: int | None = None
    ) -> AddressMap:
        """Where placing may not go, on a machine with this RAM map ([start, last] pairs); minima None: the platform's."""
        reserved = [*ram, *([self.bios] if self.bios is not None else [])] if self.keeps_off_ram else []
        return AddressMap(
            min_io=self.min_io if min_io is None else min_io,
            min_mem=self.min_mem if min_mem is None else min_mem,
            reserved=tuple(sorted(reserved)),
            avoids_isa_aliases=self.avoids_isa_aliases,
            lowest_mem=self.lowest_mem,
        )

    def __str__(self) -> str:
        return self.name


def fitted_to_apertures(address_map: AddressMap, apertures: Iterable[Resource]) -> AddressMap:
    """Lower the minimum for memory to the start of each aperture that lies below it as a whole, one after the other (v8, v9 15).

    >>> low = Resource(0, None, 0xEB80_0000, 0xEBEF_FFFF, 0x2)
    >>> hex(fitted_to_apertures(AddressMap(min_mem=0xEBFF_1000), [low]).min_mem)
    '0xeb800000'
    """
    lowest = address_map.min_mem
    for aperture in apertures:
        if not aperture.flags & IO and aperture.last <= lowest and aperture.start != _LEGACY_VGA:
            lowest = aperture.start
    return evolve(address_map, min_mem=lowest)
