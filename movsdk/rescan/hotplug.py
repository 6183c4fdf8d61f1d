"""The hot-plug driver: what it does when a slot reports a card, a button, a link or a power fault.

Twin: drivers/pci/hotplug/pciehp_ctrl.c and pciehp_pci.c with RFC patch 17; without PCI Express registers (a conventional hot-plug
bridge) only presence is known. Events that come while the rescan lock is held wait for it. A presence bit that a button's slot
has set meanwhile does not shorten the five seconds; the Data Link time-out is not waited for.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Final

from attrs import define, field

from movsdk.clock import NS_PER_MS, Timer
from movsdk.kernel.device import Device
from movsdk.kernel.slot_registers import SlotRegisters
from movsdk.ops import SlotEvent
from movsdk.pci_regs import EXP_SLTSTA_ABP, EXP_SLTSTA_DLLSC, EXP_SLTSTA_PDC, EXP_SLTSTA_PFD, Led
from movsdk.rescan.engine import Engine
from movsdk.rescan.report import RescanReport
from movsdk.trace import What

BUTTON_DELAY: Final = 5_000 * NS_PER_MS  # time to press again
LINK_DELAY: Final = 100 * NS_PER_MS  # from link up to the first config cycle (PCIe Base 3.1 §6.6.1)
POWER_OFF_DELAY: Final = 1_000 * NS_PER_MS  # capacitors
_CHANGES: Final = EXP_SLTSTA_PDC | EXP_SLTSTA_DLLSC
_BY_WORD: Final = {"presence": EXP_SLTSTA_PDC, "link": EXP_SLTSTA_DLLSC, "button": EXP_SLTSTA_ABP, "power-fault": EXP_SLTSTA_PFD}


class SlotState(Enum):
    """What pciehp believes about a slot."""

    OFF = "off"
    BLINKING_ON = "blinking on"
    BLINKING_OFF = "blinking off"
    ON = "on"


@define(eq=False)
class _Slot:
    """One slot: its port, its registers (None: conventional, then `is_occupied` is all that is known), the five seconds."""

    port: Device
    registers: SlotRegisters | None
    state: SlotState
    is_occupied: bool = False
    timer: Timer | None = field(default=None, init=False)
    has_tripped: bool = field(default=False, init=False)
    is_changing: bool = field(default=False, init=False)  # power goes on or off: what the slot says meanwhile is no news

    @property
    def is_known(self) -> bool:
        """The kernel has devices below the port, whoever found them."""
        return self.port.subordinate is not None and bool(self.port.subordinate.devices)

    @property
    def is_blinking(self) -> bool:
        return self.state in (SlotState.BLINKING_ON, SlotState.BLINKING_OFF)

    def log(self, text: str) -> None:
        number = self.registers.number if self.registers is not None else 0
        line = f"pcieport {self.port.bdf}: pciehp: Slot({number}): {text}"
        self.port.system.trace.add(What.LOG, self.port.label, line)

    def show(self, *, power: Led | None = None, attention: Led | None = None) -> None:
        if self.registers is not None:
            self.registers.show(power=power, attention=attention)

    def stop_blinking(self, state: SlotState) -> None:
        if self.timer is not None:
            self.timer.cancel()
        self.timer, self.state = None, state


@define(eq=False)
class SlotHandler:
    """Installed on the seam by `listen()`; slot events become events of the engine. `on_report` hears each outcome."""

    engine: Engine
    on_report: Callable[[RescanReport], None]
    _slots: dict[Device, _Slot] = field(factory=dict, init=False)

    def listen(self) -> None:
        """Hear every later slot event of the domain."""
        self.engine.system.ops.set_slot_handler(self.handle)

    @property
    def is_busy(self) -> bool:
        """True while a slot blinks: somebody pressed its button less than five seconds ago."""
        return any(slot.is_blinking and not slot.port.is_removed for slot in self._slots.values())

    def state_of(self, port: Device) -> SlotState:
        """What the driver believes about the slot of `port`."""
        return self._slot(port).state

    def take_over(self) -> None:
        """Drive every hot-plug slot: ask for events, turn the power of empty ones off, know which are on (``pciehp_probe()``)."""
        for port in [device for device in self.engine.system.devices() if device.row.is_hotplug]:
            slot = self._slot(port)
            if not slot.is_blinking:
                slot.state = SlotState.ON if slot.is_known else SlotState.OFF
            if slot.registers is not None and not slot.registers.is_occupied and slot.registers.is_powered:
                slot.registers.set_power(on=False)

    def handle(self, event: SlotEvent) -> None:
        """Hear of one slot event. What happened is read from the registers, where there are some."""
        system = self.engine.system
        if system.rescan_locked:
            self.engine.when_unlocked(lambda: self.handle(event))
            return
        port = next((d for d in system.devices() if (d.bus.number, d.devfn) == (event.bus, event.devfn)), None)
        if port is None:
            return
        slot = self._slot(port)
        if slot.is_changing:
            return
        events = _BY_WORD.get(event.what, 0)
        slot.is_occupied = event.present
        if slot.registers is not None:
            events = slot.registers.take_events()
            if slot.registers.has_button:
                events &= ~EXP_SLTSTA_PDC
        if events & EXP_SLTSTA_ABP:
            self._pressed(slot)
        if events & EXP_SLTSTA_PFD:
            self._tripped(slot)
        if events & _CHANGES:
            self._changed(slot, events)

    def _slot(self, port: Device) -> _Slot:
        slot = self._slots.get(port)
        if slot is None:
            slot = self._slots[port] = _Slot(port, SlotRegisters.of(port), SlotState.OFF)
            slot.state = SlotState.ON if slot.is_known else SlotState.OFF
            if slot.registers is not None:
                slot.registers.enable_events()
            slot.show(power=Led.ON if slot.is_known else Led.OFF, attention=Led.OFF)
        return slot

    # --- the button ----------------------------------------------------------------------------------------
    def _pressed(self, slot: _Slot) -> None:
        """First press: five seconds to think. Second press: never mind."""
        slot.log("Attention button pressed")
        if slot.is_blinking:
            was_on = slot.state is SlotState.BLINKING_OFF
            slot.stop_blinking(SlotState.ON if was_on else SlotState.OFF)
            slot.show(power=Led.ON if was_on else Led.OFF, attention=Led.OFF)
            slot.log("Action canceled due to button press")
            return
        turns_off = slot.state is SlotState.ON or slot.is_known
        slot.log(f"Powering {'off' if turns_off else 'on'} due to button press")
        slot.state = SlotState.BLINKING_OFF if turns_off else SlotState.BLINKING_ON
        slot.show(power=Led.BLINK, attention=Led.OFF)
        slot.timer = self.engine.system.ops.clock.call_later(BUTTON_DELAY, lambda: self._time_is_up(slot), f"{slot.port} button")

    def _time_is_up(self, slot: _Slot) -> None:
        if slot.port.is_removed or not slot.is_blinking:
            return
        if self.engine.system.rescan_locked:
            self.engine.when_unlocked(lambda: self._time_is_up(slot))
            return
        turns_off = slot.state is SlotState.BLINKING_OFF
        slot.stop_blinking(SlotState.ON if turns_off else SlotState.OFF)
        if turns_off:
            self._turn_off(slot, by_surprise=False)
        elif slot.is_occupied if slot.registers is None else slot.registers.is_occupied:
            slot.log("Card present")
            self._turn_on(slot)
        else:
            slot.show(power=Led.OFF)

    # --- cards, links, power -----------------------------------------------------------------------------------
    def _changed(self, slot: _Slot, events: int) -> None:
        """A card came or went, or the link did. What was on goes off first: it may be another card."""
        if slot.registers is None:
            self._changed_unseen(slot)
            return
        is_gone = not slot.registers.is_occupied and slot.is_known  # somebody found it by hand
        if slot.state in (SlotState.ON, SlotState.BLINKING_OFF) or is_gone:
            slot.stop_blinking(SlotState.ON)
            if events & EXP_SLTSTA_DLLSC:
                slot.log("Link Down")
            if events & EXP_SLTSTA_PDC:
                slot.log("Card not present")
            self._turn_off(slot, by_surprise=True)
        is_occupied, is_linked = slot.registers.is_occupied, slot.registers.is_link_up
        if not is_occupied and not is_linked:
            return
        slot.stop_blinking(SlotState.OFF)
        if is_occupied:
            slot.log("Card present")
        if is_linked:
            slot.log("Link Up")
        self._turn_on(slot)

    def _changed_unseen(self, slot: _Slot) -> None:
        """Without registers only presence is known, of all cards on the bus together: nothing is removed while one is left."""
        slot.log("Card present" if slot.is_occupied else "Card not present")
        if slot.is_occupied:
            self._turn_on(slot)
        else:
            self._turn_off(slot, by_surprise=True)

    def _tripped(self, slot: _Slot) -> None:
        slot.log("Power fault")
        slot.has_tripped = True
        slot.show(power=Led.OFF, attention=Led.ON)

    def _turn_on(self, slot: _Slot) -> None:
        """Power, link, scan (``pciehp_enable_slot()``). What somebody found by hand meanwhile is there already."""
        if self.power_on(slot.port):
            if not slot.is_known or slot.registers is None:
                self.on_report(self.engine.hotadd(slot.port))
            self.take_over()

    def power_on(self, port: Device) -> bool:
        """Give the card power and wait for its link (``board_added()``). Returns False if there is none."""
        slot = self._slot(port)
        registers = slot.registers
        if registers is None:
            return True
        slot.is_changing = True
        try:
            return self._power_on(slot, registers)
        finally:
            slot.is_changing = False

    def _power_on(self, slot: _Slot, registers: SlotRegisters) -> bool:
        was_dark = not registers.is_powered or not registers.is_link_up
        slot.has_tripped = False
        registers.set_power(on=True)
        if was_dark and registers.has_power_controller:
            slot.show(power=Led.BLINK)
            slot.port.system.ops.clock.advance(LINK_DELAY)
        if registers.has_power_fault:
            registers.take_events()
            self._tripped(slot)
            registers.set_power(on=False)
            registers.take_events()
            return False
        registers.take_events()  # what turning it on brought about is no news
        slot.show(power=Led.ON, attention=Led.OFF)
        return True

    def _turn_off(self, slot: _Slot, *, by_surprise: bool) -> None:
        """Everything below goes, the last device first, then the power (``pciehp_disable_slot()``).

        After a surprise nobody talks to it any more (``pci_dev_set_disconnected()``): what answers there may be another card.
        """
        below = slot.port.subordinate
        if by_surprise and below is not None:
            for gone in [each for device in below.devices for each in device.with_below()]:
                gone.is_disconnected = True
        for device in reversed(list(below.devices)) if below is not None else ():
            self.on_report(self.engine.remove(device))
        slot.state = SlotState.OFF
        registers = slot.registers
        if registers is not None and registers.has_power_controller:
            slot.is_changing = True
            registers.set_power(on=False)
            slot.port.system.ops.clock.advance(POWER_OFF_DELAY)
            registers.take_events()
            slot.is_changing = False
        slot.show(power=Led.ON if slot.has_tripped else Led.OFF)
