"""The firmware's framebuffer: a console that draws into a BAR and never asked for it.

Twin: efifb and simpledrm, and ``aperture_remove_conflicting_pci_devices()`` (drivers/video/aperture.c). Firmware lit the
display and told the kernel an address; the console draws there with each line of the log, until a driver of the card takes the
display over. Nobody tells the console of a move: that is rule C27.
"""

from __future__ import annotations

from attrs import define, field

from movsdk.address import Span
from movsdk.kernel.device import Device
from movsdk.layout.table import IO
from movsdk.ops import Space
from movsdk.pci_regs import COMMAND, COMMAND_MEMORY

_PIXEL = 0x00FF_FFFF


@define(eq=False)
class Framebuffer:
    """`span` of BAR `bar` of `device`, as firmware left it. `name` is who draws there."""

    device: Device
    bar: int
    span: Span
    name: str = "efifb"
    _generation: int = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._generation = self.device.generation[self.bar]

    @property
    def is_stale(self) -> bool:
        """Whether the BAR has left the place that the console knows."""
        device = self.device
        return device.generation[self.bar] != self._generation and device.bar_span(self.bar) != self.span

    def draw(self) -> None:
        """Write a pixel, as the console does with each line, wherever the BAR is by now."""
        if not self.device.is_removed and self.device.config_read(COMMAND, 2) & COMMAND_MEMORY:
            self.device.system.ops.write(Space.MEM, self.span.start, 4, _PIXEL)

    def __str__(self) -> str:
        now = self.device.bar_span(self.bar)
        hit = ", ".join(map(str, self.device.system.ops.claims(Space.MEM, self.span.start))) or "nobody"
        return (
            f"{self.name}, the console on the display that firmware lit, draws at {self.span.start:#x}, where BAR {self.bar} "
            f"was; it is {'at ' + str(now) if now is not None else 'unassigned'} now, and who answers there is {hit}"
        )


def light(device: Device, bar: int, name: str = "efifb") -> Framebuffer | None:
    """Let firmware have lit a display in BAR `bar`, and a console draw there; None if that is no memory, or has no place."""
    span = device.bar_span(bar)
    if span is None or device.resources[bar].flags & IO:
        return None
    found = Framebuffer(device, bar, span, name)
    device.system.framebuffers = [*device.system.framebuffers, found]
    return found


def remove_conflicting_devices(device: Device, name: str) -> None:
    """Take the display over from whoever draws in a BAR of `device`; nobody is fine."""
    gone = [each for each in device.system.framebuffers if each.device is device]
    device.system.framebuffers = [each for each in device.system.framebuffers if each.device is not device]
    for each in gone:
        device.system.log(device, f"{name}: display taken over from {each.name}")
