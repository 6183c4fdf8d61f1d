"""A window on a BAR that is memory: user space, the model and other processes share its pages.

Twin: a mapped framebuffer. When the BAR goes elsewhere its contents go to another file, under the model's feet and without its
noticing; the old file is filled with ones. Overlays (an MSI-X table inside the BAR) are not seen through a real mapping.
"""

from __future__ import annotations

from attrs import define, evolve, field

from mockbus.bar import Bar
from mockbus.model import PlainModel
from mockbus.ram import Ram
from movsdk.bench.sysfs import memory_file
from movsdk.bench.sysfs.window import Window


@define(eq=False)
class RamWindow(Window):
    """`memory`: whose contents the file holds while live; a BAR that lost power has another."""

    memory: Ram | None = field(default=None, init=False)

    def adopt(self) -> None:
        """Move the contents of the BAR into the file and put it under the BAR's memory."""
        ram = self.bar.memory
        if ram is None or ram.fd is None:
            return
        memory_file.copy(ram.fd, self.file)
        memory_file.rebase(ram, self.file)
        self.memory, self.is_live = ram, True

    def refresh(self) -> None:
        """Nothing to do: it is the same memory."""

    def retire(self) -> None:
        """Move the contents elsewhere, unless they went with the power, and fill the file with ones."""
        ram, self.memory = self.memory, None
        if ram is not None and ram is self.bar.memory:
            fresh = memory_file.new_file(ram.size, ram.name)
            memory_file.copy(self.file, fresh)
            memory_file.rebase(ram, fresh)
            memory_file.close_quietly(fresh)
        super().retire()


def is_memory(bar: Bar) -> bool:
    """True if the BAR is memory; one of a model without behaviour is made so: nobody can tell the difference."""
    model = bar.function.model
    if bar.memory is None and type(model) is PlainModel and not bar.spec.kind.is_io:
        written = {offset: byte for (n, offset), byte in model._bytes.items() if n == bar.spec.n}
        bar.spec = evolve(bar.spec, content="ram")
        bar.power_off()
        for offset, byte in written.items():
            bar.write(offset, 1, byte)
    return bar.memory is not None
