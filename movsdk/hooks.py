"""The hook spec: what the kernel asks of a driver, and when.

A driver is a plain class with `name`, `id_table` and methods named as these hooks. Twin of ``struct pci_driver`` with the two
hooks of RFC patches 3 and 4 and the ``bar_fixed`` of v9. Each docstring is the contract, in five lines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pluggy
from attrs import field, frozen

if TYPE_CHECKING:
    from movsdk.kernel.pcidev import PciDev

PROJECT: Final = "movsdk"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)

ANY_ID: Final = 0xFFFF_FFFF


@frozen
class PciId:
    """One row of a driver's id table (``struct pci_device_id``): what the driver serves.

    `class_code` is compared under `class_mask`, 24 bits each. Unset fields match anything.
    """

    vendor: int = ANY_ID
    device: int = ANY_ID
    subvendor: int = ANY_ID
    subdevice: int = ANY_ID
    class_code: int = 0
    class_mask: int = 0
    driver_data: Any = field(default=None, eq=False)

    def matches(self, other: PciId) -> bool:
        """True if a device identified by `other` is served by this row (``pci_match_one_device()``)."""
        wanted = (self.vendor, self.device, self.subvendor, self.subdevice)
        found = (other.vendor, other.device, other.subvendor, other.subdevice)
        return all(want in (ANY_ID, have) for want, have in zip(wanted, found, strict=True)) and not (
            (self.class_code ^ other.class_code) & self.class_mask
        )


class DriverSpec:
    """The hooks. Only `probe` is required; both rescan hooks together make the BARs movable."""

    @hookspec(firstresult=True)
    def probe(self, dev: PciDev, id: PciId) -> None:
        """Take charge of `dev`: enable it, map its BARs, set up interrupts.

        Context: task context, rescan lock held when the device was hot-added, may sleep.
        Before: `dev` matched a row of `id_table` and is unbound.
        Allowed: everything in `PciDev`.
        Forbidden: keeping an address instead of the `IoMem`; a new rescan.
        After: None means bound; a `PciError` leaves the device unbound, and it is not tried again.
        """

    @hookspec(firstresult=True)
    def remove(self, dev: PciDev) -> None:
        """Let go of `dev`.

        Context: task context, rescan lock held, may sleep.
        Before: `dev` is bound; it may already be pulled, then reads answer all-ones.
        Allowed: everything in `PciDev`; a lost device must not hang it.
        Forbidden: waiting for the hardware without a timeout.
        After: `dev` is unbound; mappings still open are reported.
        """

    @hookspec(firstresult=True)
    def rescan_prepare(self, dev: PciDev) -> None:
        """Stop using the BARs of `dev`; they may be somewhere else when you wake.

        Context: task context, rescan lock held, may sleep.
        Before: `dev` is bound; unless you suspended it, it is enabled and your mappings work.
        Allowed: wait for requests in flight, close mappings, release regions, mask and free interrupts.
        Forbidden: device access or DMA after return; a new rescan; raising.
        After: `rescan_done` follows exactly once, even when the rescan fails or this hook raised.
        """

    @hookspec(firstresult=True)
    def rescan_done(self, dev: PciDev) -> None:
        """Look where the BARs of `dev` are now and go on.

        Context: task context, rescan lock held, may sleep.
        Before: `rescan_prepare` ran; BARs and the windows above are programmed; a BAR may be unassigned, the device pulled.
        Allowed: compare `resource_start()`, iomap() again, reset the device, set up interrupts, replay held requests.
        Forbidden: a mapping made before the move; a new rescan.
        After: the device works; if this hook raised, it stays bound but gone (every access faults) until `remove`.
        """

    @hookspec(firstresult=True)
    def bar_fixed(self, dev: PciDev, bar: int) -> bool:  # type: ignore[empty-body]  # a spec has no body
        """Must BAR `bar` of `dev` stay where it is?

        Context: task context, rescan lock held; asked once a BAR in each rescan, before anything is released.
        Before: `dev` is bound and paused (if it has `rescan_prepare`).
        Allowed: looking at the driver's own state.
        Forbidden: device access; side effects; an answer that depends on how often it is asked.
        After: True pins the BAR for this rescan, False lets it move.
        """

    @hookspec(firstresult=True)
    def suspend(self, dev: PciDev, state: int) -> None:
        """Prepare `dev` for power state `state` (1-4: D1, D2, D3hot, D3cold).

        Context: task context, may sleep.
        Before: `dev` is bound and in D0.
        Allowed: everything in `PciDev`.
        Forbidden: device access after return.
        After: the core saves config space and changes the state; a `PciError` keeps the device in D0.
        """

    @hookspec(firstresult=True)
    def resume(self, dev: PciDev) -> None:
        """Wake `dev`.

        Context: task context, may sleep.
        Before: `dev` is in D0 again, config space restored; BARs may have moved while it slept.
        Allowed: everything in `PciDev`.
        Forbidden: a mapping made before the move.
        After: the device works.
        """

    @hookspec(firstresult=True)
    def error_detected(self, dev: PciDev, state: int) -> None:
        """Stop all work on `dev`: its link reported an error (`state` 1 normal, 2 frozen, as ``pci_channel_state_t``).

        Context: task context, may sleep; a rescan may be under way, also between its two hooks.
        Before: `dev` is bound; reads may answer all-ones, writes may vanish.
        Allowed: everything that needs no answer of the device.
        Forbidden: device access or DMA after return; waiting for the hardware without a timeout.
        After: the bus is reset and `slot_reset` follows; a `PciError` gives the device up: it is gone until `remove`.
        """

    @hookspec(firstresult=True)
    def slot_reset(self, dev: PciDev) -> None:
        """Start `dev` anew: its bus was reset.

        Context: task context, may sleep; a rescan may be under way, then `rescan_done` is what starts it.
        Before: `error_detected` ran; config space is restored, BARs where the kernel has them now, registers as after power-on.
        Allowed: everything in `PciDev`.
        Forbidden: trusting anything the device knew before.
        After: the device works; if this hook raised, it stays bound but gone until `remove`.
        """

    @hookspec(firstresult=True)
    def shutdown(self, dev: PciDev) -> None:
        """Quiet `dev` before power-off or kexec.

        Context: task context, may sleep; nothing follows.
        Before: `dev` is bound.
        Allowed: stopping DMA and interrupts.
        Forbidden: waiting for the hardware without a timeout.
        After: no DMA and no interrupt comes from `dev`; the driver is not called again.
        """


HOOKS: Final = tuple(name for name in vars(DriverSpec) if not name.startswith("_"))
RESCAN_HOOKS: Final = ("rescan_prepare", "rescan_done")
