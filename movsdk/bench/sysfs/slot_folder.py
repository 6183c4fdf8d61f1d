"""/sys/bus/pci/slots: hot-plug slots by number, with address, adapter and power.

Twin: drivers/pci/slot.c and pciehp's sysfs side. Power off leaves the card in its slot: `power` on brings it back.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from attrs import define, field

from mockbus.function import Function
from movsdk import pci_regs as regs
from movsdk.bench.sysfs.node import Folder, Node, knob, text, to_number
from movsdk.kernel.device import Device
from movsdk.kernel.header import find_capability

if TYPE_CHECKING:
    from movsdk.bench.sysfs.view import SysfsView

_SLOT_NUMBER = 19  # first bit of Physical Slot Number in the slot capabilities


@define(eq=False)
class Slots:
    """The slots of a machine; remembers which cards were powered off through it."""

    view: SysfsView
    _off: dict[str, list[str]] = field(factory=dict, init=False, repr=False)

    def entries(self) -> dict[str, Node]:
        """Slot name to folder; slots of one number are told apart as the kernel does: 0, 0-1, 0-2."""
        found: dict[str, Node] = {}
        for port in self.view.world.system.devices():
            if port.row.is_hotplug and port.subordinate is not None:
                found[_free_name(str(_number(port)), found)] = self._folder(port)
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

    def _is_powered(self, port: Device) -> bool:
        return any(child.present for child in self._cards(port))

    def _is_filled(self, port: Device) -> bool:
        return self._is_powered(port) or bool(self._off.get(port.label))

    def _cards(self, port: Device) -> list[Function]:
        machine = self.view.world.machine
        return [each for each in machine if each.parent is not None and each.parent.label == port.label]

    def _set_power(self, port: Device, wanted: bool) -> None:
        if wanted == self._is_powered(port):
            raise OSError(errno.EINVAL, "already so")
        if wanted and not self._off.get(port.label):
            raise OSError(errno.ENODEV, "the slot is empty")
        if wanted:
            self._switch_on(port)
        else:
            self._switch_off(port)

    def _switch_off(self, port: Device) -> None:
        world = self.view.world
        for device in reversed(list(port.subordinate.devices) if port.subordinate is not None else []):
            self.view.act(lambda device=device: world.engine.remove(device))  # type: ignore[misc]
        cards = [card.label for card in self._cards(port) if card.present]
        for label in cards:
            world.machine.unplug(label)
        self._off[port.label] = cards
        world.system.ops.clock.run_pending()

    def _switch_on(self, port: Device) -> None:
        world = self.view.world
        for label in self._off.pop(port.label):
            world.machine.plug(label)
        # With a hot-plug driver listening, the slot's event does the rest.
        world.system.ops.clock.run_pending()
        if port.subordinate is not None and not port.subordinate.devices:
            self.view.act(lambda: world.engine.hotadd(port))


def _number(port: Device) -> int:
    at = find_capability(port, regs.CAP_ID_EXP)
    return port.config_read(at + regs.EXP_SLTCAP, 4) >> _SLOT_NUMBER if at else port.devfn >> 3


def _free_name(name: str, taken: dict[str, Node]) -> str:
    if name not in taken:
        return name
    return next(candidate for candidate in (f"{name}-{n}" for n in range(1, len(taken) + 2)) if candidate not in taken)


def _address(port: Device) -> str:
    bus = port.subordinate.number if port.subordinate is not None else 0
    return f"{port.system.domain:04x}:{bus:02x}:00"
