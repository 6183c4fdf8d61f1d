"""Interrupt vectors: who gets which message, and the handlers behind it.

Twin: ``pci_alloc_irq_vectors()`` in drivers/pci/msi.c and kernel/irq/manage.c. One `IrqDomain` a system owns all message numbers.
Programs the capabilities and tables through `msi`; the message itself is delivered by silicon from the *current* table.
"""

from __future__ import annotations

import errno
from collections.abc import Callable

from attrs import define, field

from movsdk.errors import ContractError, PciError
from movsdk.kernel import msi
from movsdk.kernel.actor import driver_name, might_sleep, record_breach, run_guarded
from movsdk.kernel.device import Device
from movsdk.kernel.devres import Holdings, held_by
from movsdk.kernel.sanitizer import is_absent, is_lost
from movsdk.kernel.vector import VECTORS, Handler, Vector, cells_of, vectors_seen
from movsdk.kernel.work import SYNC_TIMEOUT, clock_of
from movsdk.ops import Interrupt
from movsdk.pci_regs import INTERRUPT_PIN, MSI_ADDRESS_BASE, PowerState
from movsdk.points import checkpoint, mention
from movsdk.trace import What

FIRST_NUMBER = 0x20  # below are the CPU's own exceptions
LAST_NUMBER = 0xFFFF  # the message data register has 16 bits


@define(eq=False)
class IrqDomain:
    """All vectors of a system. `spurious` counts interrupts that nobody handled or that came while their device was paused.

    `limits`: how many vectors are left for a device, by its label. `message_address`: where messages go from now on.
    """

    spurious: int = field(default=0, init=False)
    limits: dict[str, int] = field(factory=dict, init=False)
    message_address: int = field(default=MSI_ADDRESS_BASE, init=False)
    _messages: dict[int, Vector] = field(factory=dict, init=False, repr=False)
    _lines: dict[int, list[Vector]] = field(factory=dict, init=False, repr=False)
    _report: Callable[[What, str, str, object], None] = field(repr=False)
    _find: Callable[[str], Device | None] = field(repr=False)

    # --- vectors -------------------------------------------------------------------------------------
    def alloc_vectors(self, device: Device, min_vecs: int, max_vecs: int) -> int:
        """Allocate MSI-X, else MSI, else INTx. Returns how many vectors, between `min_vecs` and `max_vecs`.

        Raises:
            PciError: ERANGE (bad numbers), EBUSY (has vectors), ENODEV (gone), EINVAL (asleep or not decoding), ENOSPC (fewer).
        """
        might_sleep("alloc_irq_vectors")
        checkpoint(f"{device.label} alloc_irq_vectors", writes=VECTORS)
        held = self._may_alloc(device, min_vecs, max_vecs)
        for kind, offered in (("msix", msi.msix_size(device)), ("msi", msi.msi_size(device)), ("intx", self._line_count(device))):
            count = min(max_vecs, offered, self.limits.get(device.label, offered))
            if kind == "msi" and count:
                count = 1 << count.bit_length() - 1
            if count < min_vecs or not count:
                continue
            if kind == "intx":
                held.vectors = [Vector(device, 0, kind, msi.root_line(device))]
                return 1
            first = self._free_block(count)
            if first is None:
                continue
            held.vectors = [Vector(device, index, kind, first + index) for index in range(count)]
            self._messages |= {vector.number: vector for vector in held.vectors}
            try:
                self.program(device)
            except PciError:
                self._forget(held)
                raise
            return count
        raise PciError(
            errno.ENOSPC,
            f"{device}: cannot have {min_vecs} to {max_vecs} interrupt vectors (MSI-X offers {msi.msix_size(device)}, "
            f"MSI {msi.msi_size(device)}, INTx {self._line_count(device)}); ask for fewer",
            device=device.label,
            min_vecs=min_vecs,
            max_vecs=max_vecs,
        )

    def program(self, device: Device) -> None:
        """Write the messages of all vectors into the device, with those masked that have no handler; also after a reset."""
        held = vectors_seen(device)
        if held is None or not held.vectors or held.vectors[0].kind == "intx":
            return
        mention(f"{device.label} R its handlers", tuple(cell for vector in held.vectors for cell in vector.cells))
        numbers = [vector.number for vector in held.vectors]
        for vector in held.vectors:
            vector.address = self.message_address
        if held.vectors[0].kind == "msix":
            msi.enable_msix(device, numbers, [vector.handler is None for vector in held.vectors], self.message_address)
        else:
            msi.enable_msi(device, numbers, self.message_address)

    def free_vectors(self, device: Device) -> None:
        """Give all vectors back, handlers included; none allocated is fine."""
        might_sleep("free_irq_vectors")
        held = vectors_seen(device)
        if held is None or not held.vectors:
            return
        checkpoint(f"{device.label} free_irq_vectors", writes=VECTORS)
        kind = held.vectors[0].kind
        self._forget(held)
        if kind != "intx" and not is_lost(device) and not is_absent(device):
            msi.disable(device, kind)

    # --- handlers ------------------------------------------------------------------------------------
    def request(self, device: Device, index: int, handler: Handler, name: str = "") -> None:
        """Call `handler` on vector `index`. Raises `PciError`: EINVAL (no such vector), EBUSY (has a handler)."""
        might_sleep("request_irq")
        checkpoint(f"{device.label} request_irq {index}", VECTORS, cells_of(device, index))
        vector = self._vector(device, index)
        if vector.handler is not None:
            raise PciError(
                errno.EBUSY,
                f"{device}: irq {index} already has handler {vector.name!r}; free_irq({index}) first",
                device=device.label,
                index=index,
            )
        vector.handler, vector.name = handler, name or driver_name(device)
        if vector.kind == "intx":
            self._lines.setdefault(vector.number, []).append(vector)
        elif vector.kind == "msix":
            msi.mask_entry(device, index, is_masked=False)

    def free(self, device: Device, index: int) -> None:
        """Take the handler off vector `index` and wait until it does not run. Raises `PciError`: EINVAL (no handler)."""
        might_sleep("free_irq")
        checkpoint(f"{device.label} free_irq {index}", VECTORS, cells_of(device, index))
        vector = self._vector(device, index)
        if vector.handler is None:
            raise PciError(
                errno.EINVAL, f"{device}: irq {index} has no handler to free; free each once", device=device.label, index=index
            )
        if vector.kind == "msix" and not is_lost(device) and not is_absent(device):
            msi.mask_entry(device, index, is_masked=True)
        self._detach(vector)
        self._wait(vector)

    def synchronize(self, device: Device, index: int) -> None:
        """Let what is on its way to vector `index` arrive, and wait until its handler does not run."""
        might_sleep("synchronize_irq")
        checkpoint(f"{device.label} synchronize_irq {index}", (*VECTORS, *cells_of(device, index)))
        vector = self._vector(device, index)
        if not vector.is_running:
            clock_of(device).run_pending()
        self._wait(vector)

    # --- delivery ------------------------------------------------------------------------------------
    def deliver(self, interrupt: Interrupt) -> None:
        """What the CPU does when an interrupt arrives (called by silicon, from the clock)."""
        if interrupt.kind == "intx":
            vectors = list(self._lines.get(interrupt.vector, ()))
        else:
            found = self._messages.get(interrupt.vector)
            vectors = [found] if found is not None and interrupt.address in (0, found.address) else []
        if not any(vector.handler is not None for vector in vectors):
            self.spurious += 1
            what = f"{interrupt.kind} interrupt {interrupt.vector:#x}: nobody cared, no handler is registered"
            self._report(What.NOTE, interrupt.source, what, interrupt)
            self._blame(interrupt)
        for vector in vectors:
            self._run(vector, interrupt)

    def _blame(self, interrupt: Interrupt) -> None:
        """An interrupt that nobody takes, of a device that is paused: its driver freed the vector and left the device talking."""
        device = self._find(interrupt.source)
        if device is None or not device.is_paused or device.driver is None or self._was_on_its_way(device):
            return
        text = (
            f"{device}: an {interrupt.kind} interrupt was raised between rescan_prepare and rescan_done, and nobody takes it; "
            "switch the device's interrupts off in rescan_prepare, freeing the vector is not enough"
        )
        self._report(What.FAULT, device.label, text, ContractError(text, device=device.label, interrupt=interrupt))
        record_breach(device, text, getattr(device.driver.target, "rescan_prepare", None), "irq")

    def _was_on_its_way(self, device: Device) -> bool:
        """Whether an interrupt that arrives now may have been raised before `device` was paused."""
        hooks = (event for event in reversed(device.system.trace.events) if event.what is What.HOOK and event.who == device.label)
        paused = next((event.time for event in hooks if event.text == "rescan_prepare"), None)
        return paused == clock_of(device).now

    def _run(self, vector: Vector, interrupt: Interrupt) -> None:
        device = vector.device
        vector.pending += 1
        checkpoint(f"{device.label} irq {vector.index}", (*vector.cells, ("paused", device.label)), vector.cells)
        if vector.is_running:
            return  # whoever runs the handler runs it once more: a handler never runs beside itself
        vector.is_running = True
        try:
            while vector.pending:
                vector.pending -= 1
                self._handle(vector, interrupt)
                checkpoint(f"{device.label} irq {vector.index} done", writes=vector.cells)
        finally:
            vector.is_running = False

    def _handle(self, vector: Vector, interrupt: Interrupt) -> None:
        if vector.handler is None:
            return
        device = vector.device
        if device.is_paused and (vector.kind != "intx" or interrupt.source == device.label):
            self.spurious += 1
            text = (
                f"{device}: irq {vector.index} ({vector.name}) arrived between rescan_prepare and rescan_done; "
                "mask the device's interrupts, or free_irq(), in rescan_prepare"
            )
            self._report(What.FAULT, device.label, text, ContractError(text, device=device.label, interrupt=interrupt))
            record_breach(device, text, vector.handler, "irq")
        vector.count += 1
        run_guarded(device, f"irq {vector.index} {vector.name}", vector.handler, is_interrupt=True)

    # --- details -------------------------------------------------------------------------------------
    def _may_alloc(self, device: Device, min_vecs: int, max_vecs: int) -> Holdings:
        held = held_by(device)
        if held is None or is_lost(device) or is_absent(device):
            raise PciError(errno.ENODEV, f"{device}: no interrupt vectors, the device is gone", device=device.label)
        if min_vecs < 1 or max_vecs < min_vecs:
            raise PciError(errno.ERANGE, f"{device}: cannot allocate {min_vecs} to {max_vecs} interrupt vectors")
        if held.vectors:
            text = f"{device}: already has {len(held.vectors)} interrupt vectors; free_irq_vectors() first"
            raise PciError(errno.EBUSY, text, device=device.label)
        if device.current_state != PowerState.D0:
            raise PciError(errno.EINVAL, f"{device}: no interrupt vectors in {device.current_state.name}; wake it first")
        return held

    def _line_count(self, device: Device) -> int:
        return 1 if 1 <= device.config_read(INTERRUPT_PIN, 1) <= 4 else 0

    def _free_block(self, count: int) -> int | None:
        align = 1 << (count - 1).bit_length()
        for first in range(-(-FIRST_NUMBER // align) * align, LAST_NUMBER + 1 - count, align):
            if not any(first + step in self._messages for step in range(count)):
                return first
        return None

    def _vector(self, device: Device, index: int) -> Vector:
        held = held_by(device)
        have = held.vectors if held is not None else []
        if not 0 <= index < len(have):
            raise PciError(
                errno.EINVAL,
                f"{device}: there is no irq {index}, it has {len(have)} vectors; alloc_irq_vectors() first",
                device=device.label,
                index=index,
                vectors=len(have),
            )
        return have[index]

    def _forget(self, held: Holdings) -> None:
        for vector in held.vectors:
            self._detach(vector)
            if vector.kind != "intx":
                del self._messages[vector.number]
        held.vectors = []

    def _detach(self, vector: Vector) -> None:
        vector.handler = None
        line = self._lines.get(vector.number, []) if vector.kind == "intx" else []
        if vector in line:
            line.remove(vector)

    def _wait(self, vector: Vector) -> None:
        if vector.is_running or vector.pending:
            clock_of(vector.device).run_until(lambda: not vector.is_running and not vector.pending, SYNC_TIMEOUT)


def irq_domain(device: Device) -> IrqDomain:
    """The system's domain; made, and made the receiver of every interrupt, when first asked for."""
    system = device.system
    if system.irq is None:
        domain = system.irq = IrqDomain(system.trace.add, system.find_device)
        system.ops.set_interrupt_handler(domain.deliver)
    return system.irq
