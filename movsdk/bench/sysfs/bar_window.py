"""What resourceN can be mapped to: all windows of a machine, kept in step with who answers which address.

Twin: ``pci_mmap_resource()`` in drivers/pci/pci-sysfs.c: it maps where the kernel believes the BAR to be at that time.
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import define, field

from mockbus.bar import Bar
from mockbus.topology import Machine
from movsdk.bench.sysfs import memory_file
from movsdk.bench.sysfs.ram_window import RamWindow, is_memory
from movsdk.bench.sysfs.register_window import RegisterWindow
from movsdk.bench.sysfs.window import StaleWrite, Window
from movsdk.kernel.device import Device
from movsdk.layout.table import IO, UNSET


@define(eq=False)
class Windows:
    """All windows of one machine. `settle()` runs by itself when decoding changes; `close()` gives everything back."""

    machine: Machine
    _windows: dict[tuple[int, int, int], Window] = field(factory=dict, init=False, repr=False)
    _harvest: list[StaleWrite] = field(factory=list, init=False, repr=False)
    _is_settling: bool = field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self.machine.fabric.watchers.append(self.settle)

    def at(self, device: Device, bar: Bar, address: int) -> Window:
        """The window of `bar` of `device` at `address`: the one that is there, or a new one."""
        key = (id(device), bar.spec.n, address)
        if key not in self._windows:
            size = bar.spec.size
            file = memory_file.new_file(size, f"{bar.function.label}-bar{bar.spec.n}-{address:#x}")
            kind = RamWindow if is_memory(bar) else RegisterWindow
            window = kind(device, bar, address, file)
            window.filled = memory_file.fill_with_ones(file)
            self._windows[key] = window
            self.settle()
        return self._windows[key]

    def settle(self) -> None:
        """Retire the windows whose BAR no longer answers, then adopt those whose BAR does."""
        if self._is_settling or not self._windows:
            return
        self._is_settling = True
        try:
            decoded = {id(window): window.is_decoded for window in self._windows.values()}
            for window in self._windows.values():
                if window.is_live and not decoded[id(window)]:
                    window.retire()
            for window in self._windows.values():
                if not window.is_live and decoded[id(window)]:
                    self._harvest.extend(window.stale_writes())
                    window.adopt()
        finally:
            self._is_settling = False

    def refresh(self) -> None:
        """Carry register writes and values between mapped files and devices, and bury the maps of removed devices."""
        if any(window.is_live and window.device.is_removed for window in self._windows.values()):
            self.settle()
        for window in list(self._windows.values()):
            window.refresh()

    @property
    def stale_writes(self) -> list[StaleWrite]:
        """Everything that user space wrote through dead mappings so far."""
        found: list[StaleWrite] = list(self._harvest)
        for window in self._windows.values():
            found.extend(window.stale_writes())
        return found

    def __iter__(self) -> Iterator[Window]:
        return iter(self._windows.values())

    def close(self) -> None:
        """Stop following the machine; mappings that exist stay as they are."""
        self.machine.fabric.watchers.remove(self.settle)
        for window in self._windows.values():
            window.close()
        self._windows.clear()


@define(eq=False)
class BarWindow:
    """BAR `index` of `device`, to be mapped at the time somebody maps it."""

    windows: Windows
    device: Device
    index: int

    @property
    def is_mappable(self) -> bool:
        """False for I/O, for a BAR without an address, where no such BAR is, and on a system without memfd."""
        if not memory_file.IS_AVAILABLE:
            return False
        is_memory = not self.device.resources[self.index].flags & (IO | UNSET)
        return (
            is_memory and not self.device.is_removed and self.device.bar_span(self.index) is not None and self._bar() is not None
        )

    def now(self) -> Window | None:
        """The window where the kernel believes the BAR to be; None if it cannot be mapped."""
        span, bar = self.device.bar_span(self.index), self._bar()
        return (
            self.windows.at(self.device, bar, span.start) if self.is_mappable and span is not None and bar is not None else None
        )

    def _bar(self) -> Bar | None:
        # By label first: a card that was pulled answers no config cycle, but its BAR had a mapping.
        functions = self.windows.machine.fabric.functions
        function = functions.get(self.device.label) or self.windows.machine.fabric.at(self.device.bus.number, self.device.devfn)
        return function.bars.get(self.index) if function is not None else None
