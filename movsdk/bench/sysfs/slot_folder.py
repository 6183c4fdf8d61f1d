"""/sys/bus/pci/slots: hot-plug slots by number, with address, adapter and power.

Twin: drivers/pci/slot.c and pciehp's sysfs side. Power off leaves the card in its slot: `power` on brings it back. A slot without
a power controller is switched by hand: the card loses power all the same.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from attrs import define, field

from mockbus.function import Function
from movsdk.bench.sysfs.node import Folder, Node, knob, text, to_number
from movsdk.clock import NS_PER_MS
from movsdk.kernel.device import Device
from movsdk.kernel.slot_registers import SlotRegisters

if TYPE_CHECKING:
    from movsdk.bench.sysfs.view import SysfsView

_SETTLE = 1000 * NS_PER_MS  # what pciehp waits after power went off, and more than it waits for a link


@define(eq=False)
class Slots:
    """The slots of a machine; remembers which cards were switched off by hand."""

    view: SysfsView
    _off: dict[str, list[str]] = field(factory=dict, init=False, repr=False)

    def entries(self) -> dict[str, Node]:
        """Slot name to folder; slots of one number are told apart as the kernel does: 0, 0-1, 0-2."""
        found: dict[str, Node] = {}
        for port in self.view.world.system.devices():
            if port.row.is_hotplug and port.subordinate is not None:
                registers = SlotRegisters.of(port)
                number = registers.number if registers is not None else port.devfn >> 3
                found[_free_name(str(number), found)] = self._folder(port)
        return found

    def _folder(self, port: Device) -> Folder:
        def files() -> dict[str, Node]:
            return {
                "address": text(lambda: _address(port)),
                "adapter": text(lambda: int(self._is_filled(port))),
                "power": knob(lambda: int(self._is_powered(port)), lambda data: self._set_power(port, bool(to_number(data)))),
                "latch": text(lambda: 0),
            }

        return Folder(files, lambda: not port.is_removed)

    # --- what a slot is now ----------------------------------------------------------------------------
    def _is_powered(self, port: Device) -> bool:
        return any(card.present for card in self._cards(port))

    def _is_filled(self, port: Device) -> bool:
        registers = SlotRegisters.of(port)
        in_slot = registers.is_occupied if registers is not None else self._is_powered(port)
        return in_slot or bool(self._off.get(port.label))

    def _cards(self, port: Device) -> list[Function]:
        return [each for each in self.view.world.machine if each.parent is not None and each.parent.label == port.label]

    # --- switching ---------------------------------------------------------------------------------------
    def _set_power(self, port: Device, wanted: bool) -> None:
        """Raises EINVAL (already so), ENODEV (empty), EIO (no power came)."""
        if wanted == self._is_powered(port):
            raise OSError(errno.EINVAL, "already so")
        if wanted and not self._is_filled(port):
            raise OSError(errno.ENODEV, "the slot is empty")
        if wanted:
            self._switch_on(port)
        else:
            self._switch_off(port)

    def _switch_off(self, port: Device) -> None:
        world, registers = self.view.world, SlotRegisters.of(port)
        for device in reversed(list(port.subordinate.devices) if port.subordinate is not None else []):
            self.view.act(lambda device=device: world.engine.remove(device))  # type: ignore[misc]
        if registers is not None and registers.has_power_controller:
            registers.set_power(on=False)
            registers.take_events()
        else:
            self._off[port.label] = [card.label for card in self._cards(port) if card.present]
            for label in self._off[port.label]:
                world.machine.unplug(label)
        world.system.ops.clock.advance(_SETTLE)

    def _switch_on(self, port: Device) -> None:
        world, registers = self.view.world, SlotRegisters.of(port)
        if registers is not None and registers.has_power_controller:
            registers.set_power(on=True)
            registers.take_events()
        for label in self._off.pop(port.label, ()):
            world.machine.plug(label)
        # With a hot-plug driver listening, the slot's event does the rest.
        world.system.ops.clock.advance(_SETTLE)
        if not self._is_powered(port):
            raise OSError(errno.EIO, "the slot has no power")
        if port.subordinate is not None and not port.subordinate.devices:
            self.view.act(lambda: world.engine.hotadd(port))


def _free_name(name: str, taken: dict[str, Node]) -> str:
    if name not in taken:
        return name
    return next(candidate for candidate in (f"{name}-{n}" for n in range(1, len(taken) + 2)) if candidate not in taken)


def _address(port: Device) -> str:
    bus = port.subordinate.number if port.subordinate is not None else 0
    return f"{port.system.domain:04x}:{bus:02x}:00"
