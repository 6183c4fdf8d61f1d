"""A card with plain memory, and a correct driver that lets users map it: what mutants with users derive from."""

from __future__ import annotations

import errno

from attrs import define, field

from mockbus import BarKind, BarSpec, DeviceModel
from movsdk import Gate, IoMem, PciDev, PciError, PciId
from movsdk.kernel.user_mapping import UserMapping


class MemoryModel(DeviceModel):
    """64 KiB."""

    vendor_id, device_id, class_code = 0x1AF4, 0x10FC, 0x050000
    bars = (BarSpec(0, BarKind.PREF64, 64 << 10, content="ram"),)


@define(eq=False)
class Memory:
    """The mapping of the kernel, and those of users."""

    gate: Gate
    mem: IoMem | None = None
    is_paused: bool = False
    users: list[UserMapping] = field(factory=list)


class MemoryCard:
    """Zaps user mappings before a move; the fault handler refuses while paused."""

    name = "memory-card"
    id_table = (PciId(MemoryModel.vendor_id, MemoryModel.device_id),)

    def probe(self, dev: PciDev, id: PciId) -> None:
        dev.enable_device()
        dev.drvdata = Memory(Gate(f"{dev}.io"), dev.iomap(0))

    def remove(self, dev: PciDev) -> None:
        memory: Memory = dev.drvdata
        memory.gate.kill()
        for user in list(memory.users):
            user.close()
        if memory.mem is not None:
            memory.mem.iounmap()
            memory.mem = None
        dev.disable_device()

    def rescan_prepare(self, dev: PciDev) -> None:
        memory: Memory = dev.drvdata
        if memory.mem is not None:
            memory.gate.freeze()
        memory.is_paused = True
        for user in memory.users:
            user.zap()
        if memory.mem is not None:
            memory.mem.iounmap()
            memory.mem = None

    def rescan_done(self, dev: PciDev) -> None:
        memory: Memory = dev.drvdata
        if memory.mem is None:
            memory.mem = dev.iomap(0)
            memory.gate.unfreeze()
        memory.is_paused = False

    def mmap(self, dev: PciDev, offset: int, length: int) -> UserMapping:
        """A user maps a piece of the memory."""
        mapping = UserMapping(dev, 0, offset, length, fault=self._fault)
        dev.drvdata.users.append(mapping)
        return mapping

    def exercise(self, dev: PciDev) -> None:
        """Write and read back, far from what users touch."""
        memory: Memory = dev.drvdata
        with memory.gate.entered():
            if memory.mem is None:
                raise PciError(errno.EBUSY, f"{dev.name}: paused")
            memory.mem.writel(0xC0FFEE, 0x8000)
            if memory.mem.readl(0x8000) != 0xC0FFEE:
                raise PciError(errno.EIO, f"{dev.name}: memory forgets")

    def _fault(self, mapping: UserMapping) -> None:
        if mapping.dev.drvdata.is_paused:
            raise PciError(errno.EBUSY, "on the move")
        mapping.insert()
