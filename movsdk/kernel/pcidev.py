"""What a driver sees of its device.

Twin: the ``struct pci_dev`` API of include/linux/pci.h; a method is the kernel's function without ``pci_``. A facade: each line
goes to the room that does the work. A `PciDev` lives as long as its device and is the same object for every driver and hook.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from attrs import define, field

from movsdk.address import Bdf, SlotPath, Span
from movsdk.errors import BadInput, PciError
from movsdk.hooks import PciId
from movsdk.kernel import devres, dma, enable, framebuffer, iommu, irq, mmio, power, saved_state, work
from movsdk.kernel.actor import call_site
from movsdk.kernel.config_space import ConfigSpace
from movsdk.kernel.device import Device, places_seen
from movsdk.kernel.runtime_pm import RuntimePm, pm_of
from movsdk.kernel.sanitizer import is_lost
from movsdk.layout.table import IO, MEM_64, PREF, UNSET, Flag, Resource
from movsdk.pci_regs import NUM_RESOURCES, PowerState

if TYPE_CHECKING:
    from movsdk.clock import Clock
    from movsdk.ops import DmaBuffer


@define(eq=False, repr=False)
class PciDev(ConfigSpace):
    """One PCI function in a driver's hands. `drvdata` is the driver's own; a `PciError` carries errno and says what to do."""

    held: devres.Holdings = field(factory=devres.Holdings, init=False)

    # --- who and where ----------------------------------------------------------------------------------
    @property
    def id(self) -> PciId:
        """Vendor, device, subsystem and class as the device reports them."""
        d = self._device
        return PciId(d.vendor, d.device_id, d.subvendor, d.subdevice, d.class_code, 0xFF_FFFF)

    @property
    def name(self) -> str:
        """Address as Linux prints it, ``0000:01:00.0``; changes when buses are renumbered."""
        return str(self._device.bdf)

    @property
    def bdf(self) -> Bdf:
        """Address; changes when buses are renumbered."""
        return self._device.bdf

    @property
    def slot_path(self) -> SlotPath:
        """Path through the slots; never changes."""
        return self._device.slot_path

    @property
    def drvdata(self) -> Any:
        """Anything the driver wants to keep with the device; None after unbinding."""
        return self._device.drvdata

    @drvdata.setter
    def drvdata(self, value: Any) -> None:
        self._device.drvdata = value

    # --- resources --------------------------------------------------------------------------------------
    def resource_start(self, n: int) -> int:
        """First address of resource `n` (0-5 BARs, 6 ROM, 7-9 windows), in bytes; 0 if it has none."""
        return self._resource(n).start

    def resource_end(self, n: int) -> int:
        """Last address of resource `n`, inclusive, as in C."""
        return self._resource(n).last

    def resource_len(self, n: int) -> int:
        """Bytes of resource `n`, assigned or not; 0 if the device has no such resource."""
        resource = self._resource(n)
        return resource.size if resource.flags else 0

    def resource_flags(self, n: int) -> Flag:
        """Flags of resource `n`; `Flag.UNSET` says that it has no address."""
        return Flag(self._resource(n).flags)

    @property
    def resources(self) -> tuple[tuple[int, Span | None, str], ...]:
        """Each resource that exists: number, where it is (None = unassigned), and as Linux prints it."""
        found = ((n, self._resource(n)) for n in range(NUM_RESOURCES))
        return tuple((n, _span(resource), resource_text(resource)) for n, resource in found if resource.flags)

    def _resource(self, n: int) -> Resource:
        if not 0 <= n < NUM_RESOURCES:
            raise PciError(errno.EINVAL, f"{self}: there is no resource {n}; BARs are 0 to 5, the ROM is 6")
        places_seen(self._device)
        return self._device.resources[n]

    # --- on and off -----------------------------------------------------------------------------------------
    @property
    def is_enabled(self) -> bool:
        """True while somebody has it enabled."""
        return self._device.is_enabled

    def enable_device(self) -> None:
        """Wake it, turn on decode of its BARs and the bridges above. Raises `PciError`: ENODEV, EINVAL (an unassigned BAR)."""
        self._refuse_lost("cannot be enabled")
        if self._device.current_state != PowerState.D0:
            power.set_power_state(self._device, PowerState.D0)
        enable.enable_device(self._device)
        self.held.enables += 1
        self.held.enabled_at = call_site()

    def disable_device(self) -> None:
        """Undo one enable_device(); the last one ends bus mastering. Decode stays on, as in Linux."""
        enable.disable_device(self._device)
        self.held.enables -= 1

    def set_master(self) -> None:
        """Let the device start DMA and send MSI."""
        enable.set_master(self._device)

    def clear_master(self) -> None:
        """Stop the device's DMA and MSI."""
        enable.clear_master(self._device)

    def set_power_state(self, state: int) -> None:
        """Change the power state (0-3 = D0 to D3hot). Raises `PciError`: EIO, EINVAL, ENODEV."""
        power.set_power_state(self._device, state)

    @property
    def pm(self) -> RuntimePm:
        """Who needs it awake, and whether it may sleep otherwise (``pm_runtime_*()``)."""
        return pm_of(self._device)

    def save_state(self) -> None:
        """Remember the config header."""
        saved_state.save_state(self._device)

    def restore_state(self) -> None:
        """Write the saved config header back; BARs and windows as they are now."""
        saved_state.restore_state(self._device)

    # --- BARs -------------------------------------------------------------------------------------------------
    def request_regions(self, name: str) -> None:
        """Claim all BARs for `name`. Raises `PciError`: EBUSY (held, or without an address), ENODEV."""
        devres.request_regions(self._device, name)

    def release_regions(self) -> None:
        """Give all BARs back."""
        devres.release_regions(self._device)

    def iomap(self, bar: int, offset: int = 0, length: int | None = None, wc: bool = False) -> mmio.IoMem:
        """Map `length` bytes (None = all) of BAR `bar`. Raises `PciError`: EINVAL (no such BAR, or no address), ENODEV."""
        mapping = mmio.iomap(self._device, bar, offset, length, wc=wc)
        self.held.mappings = [*self.held.mappings, mapping]
        return mapping

    def iounmap(self, mapping: mmio.IoMem) -> None:
        """Close a mapping of this device. Raises `PciError`: EINVAL (another device's)."""
        if mapping.device is not self._device:
            raise PciError(errno.EINVAL, f"{self}: {mapping} is not its own; call iounmap() of the mapping")
        mapping.iounmap()

    def remove_conflicting_devices(self, name: str) -> None:
        """Take the display over from the console that firmware left on it, if there is one; before the BARs are touched."""
        framebuffer.remove_conflicting_devices(self._device, name)

    # --- interrupts -----------------------------------------------------------------------------------------------
    def alloc_irq_vectors(self, min_vecs: int, max_vecs: int) -> int:
        """Allocate MSI-X, else MSI, else INTx; returns how many. Raises `PciError`: ENOSPC, EBUSY, ENODEV, EINVAL, ERANGE."""
        return irq.irq_domain(self._device).alloc_vectors(self._device, min_vecs, max_vecs)

    def free_irq_vectors(self) -> None:
        """Give all vectors back."""
        irq.irq_domain(self._device).free_vectors(self._device)

    def request_irq(self, n: int, handler: Callable[[], object], name: str = "") -> None:
        """Call `handler()` on vector `n`, from the clock. Raises `PciError`: EINVAL (no such vector), EBUSY."""
        irq.irq_domain(self._device).request(self._device, n, handler, name)

    def free_irq(self, n: int) -> None:
        """Take the handler off vector `n` and wait until it does not run. Raises `PciError`: EINVAL."""
        irq.irq_domain(self._device).free(self._device, n)

    def synchronize_irq(self, n: int) -> None:
        """Let what is on its way arrive, and wait until the handler of vector `n` does not run."""
        irq.irq_domain(self._device).synchronize(self._device, n)

    # --- memory and time --------------------------------------------------------------------------------------------
    def dma_alloc_coherent(self, size: int) -> DmaBuffer:
        """Reserve `size` bytes of host memory, zeroed. Raises `PciError`: ENOMEM, EINVAL."""
        return dma.alloc_coherent(self._device, self.held, size)

    def dma_free_coherent(self, buffer: DmaBuffer) -> None:
        """Give a buffer of this device back. Raises `PciError`: EINVAL."""
        dma.free_coherent(self._device, self.held, buffer)

    def dma_map_resource(self, address: int, size: int) -> iommu.ResourceMap:
        """Let this device's DMA reach `size` bytes of a peer's BAR at `address`. Raises `PciError`: EINVAL (no BAR holds it)."""
        return iommu.map_resource(self._device, self.held, address, size)

    def dma_unmap_resource(self, entry: iommu.ResourceMap) -> None:
        """Take that back. Raises `PciError`: EINVAL."""
        iommu.unmap_resource(self._device, self.held, entry)

    @property
    def clock(self) -> Clock:
        """Virtual time, in nanoseconds."""
        return work.clock_of(self._device)

    def msleep(self, milliseconds: float) -> None:
        """Let time pass; other work runs meanwhile."""
        work.msleep(self._device, milliseconds)

    def udelay(self, microseconds: float) -> None:
        """Let time pass."""
        work.udelay(self._device, microseconds)

    def wait_for(self, condition: Callable[[], bool], timeout_ms: float) -> bool:
        """Let time pass until `condition()` holds, at most `timeout_ms`; returns whether it holds."""
        return work.wait_for(self._device, condition, timeout_ms)

    def queue_work(self, fn: Callable[[], object], delay_ms: float = 0) -> work.Work:
        """Run `fn()` later; the `Work` can be cancelled or flushed."""
        return work.queue_work(self._device, fn, delay_ms)

    def _refuse_lost(self, what: str) -> None:
        if is_lost(self._device):
            raise PciError(errno.ENODEV, f"{self}: {what}, the device is gone", device=self._device.label)

    def __str__(self) -> str:
        return str(self._device)

    def __repr__(self) -> str:
        return f"<PciDev {self}>"


def view_of(device: Device) -> PciDev:
    """The one `PciDev` of a device."""
    if device.view is None:
        device.view = PciDev(device)
    view: PciDev = device.view
    return view


def device_of(view: PciDev) -> Device:
    """The device behind a `PciDev`; for the kernel and the bench, not for drivers. Raises `BadInput`: it is none."""
    if not isinstance(view, PciDev):
        raise BadInput(f"{view!r:.60} is no device; give the PciDev that plug() returned, or that a hook was called with")
    return view._device


def _span(resource: Resource) -> Span | None:
    return Span(resource.start, resource.last) if resource.parent is not None and not resource.flags & UNSET else None


def resource_text(resource: Resource) -> str:
    """A resource as Linux prints it: ``[mem 0xe0000000-0xe0000fff 64bit pref]``, or ``[mem size 0x1000]`` without an address."""
    kind, digits = ("io ", 4) if resource.flags & IO else ("mem", 8)
    if _span(resource) is None:
        place = f"size {resource.size:#0{digits + 2}x}"
    else:
        place = f"{resource.start:#0{digits + 2}x}-{resource.last:#0{digits + 2}x}"
    words = [kind, place]
    words += ["64bit"] * bool(resource.flags & MEM_64) + ["pref"] * bool(resource.flags & PREF) + ["window"] * resource.is_window
    return f"[{' '.join(words)}]"
