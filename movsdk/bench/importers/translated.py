"""Host bridges that translate addresses: what the processor calls 0x600000000 is 0xf8000000 on the bus, as on a Raspberry Pi 4.

The log says so (``root bus resource [mem ...] (bus address [...])``). A scenario has one address space, that of the bus: what
sysfs, iomem, lspci's regions and the log give as the processor sees it is told as the bus does. Registers hold that anyway.
"""

from __future__ import annotations

from collections.abc import Sequence

from attrs import evolve, frozen

from movsdk.address import Span
from movsdk.bench.importers.said import Said, SaidBar, SaidWindow
from movsdk.bench.importers.sysfs_resource import DeviceResources, SysfsResource


@frozen
class Translation:
    """One aperture: `seen` by the processor; on the bus everything lies `offset` bytes lower."""

    seen: Span
    offset: int

    @property
    def on_bus(self) -> Span:
        """The aperture as the bus sees it."""
        return Span(self.seen.start - self.offset, self.seen.last - self.offset)


Translations = Sequence[Translation]


def on_bus(address: int, translations: Translations) -> int:
    """The bus address of what the processor sees at `address`; the same if no host bridge translates it.

    >>> pi = Translation(Span(0x600000000, 0x603FFFFFF), 0x600000000 - 0xF8000000)
    >>> hex(on_bus(0x600001000, [pi])), hex(on_bus(0x1000, [pi]))
    ('0xf8001000', '0x1000')
    """
    return next((address - each.offset for each in translations if address in each.seen), address)


def span_on_bus(span: Span, translations: Translations) -> Span:
    """The same for a range."""
    start = on_bus(span.start, translations)
    return Span(start, start + span.last - span.start)


def said_on_bus(said: Said, translations: Translations) -> None:
    """The same for all that a source says of a function, in place."""
    said.bars = {n: bar_on_bus(bar, translations) for n, bar in said.bars.items()}
    said.vf_bars = {n: bar_on_bus(bar, translations) for n, bar in said.vf_bars.items()}
    said.windows = {kind: _window_on_bus(window, translations) for kind, window in said.windows.items()}


def bar_on_bus(bar: SaidBar, translations: Translations) -> SaidBar:
    """The same for one BAR."""
    return bar if bar.start is None else evolve(bar, start=on_bus(bar.start, translations))


def resources_on_bus(resources: DeviceResources, translations: Translations) -> DeviceResources:
    """The same for a ``resource`` file."""
    return evolve(
        resources,
        bars=tuple(_resource_on_bus(each, translations) for each in resources.bars),
        windows=tuple(_resource_on_bus(each, translations) for each in resources.windows),
        virtual=tuple(_resource_on_bus(each, translations) for each in resources.virtual),
    )


def _window_on_bus(window: SaidWindow, translations: Translations) -> SaidWindow:
    if window.start is None or window.last is None or not window.is_open:
        return window
    start = on_bus(window.start, translations)
    return evolve(window, start=start, last=start + window.last - window.start)


def _resource_on_bus(resource: SysfsResource, translations: Translations) -> SysfsResource:
    start = on_bus(resource.start, translations)
    return evolve(resource, start=start, last=start + resource.last - resource.start)
