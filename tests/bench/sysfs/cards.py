"""Cards and drivers for the tests of sysfs, and a user-space driver in the style people write."""

from __future__ import annotations

import mmap
import os
import struct
from typing import Any

from mockbus import BarKind, BarSpec, DeviceModel, Pm
from mockbus.capabilities import Pcie
from movsdk.hooks import PciId
from movsdk.kernel.pcidev import PciDev

VENDOR = 0x1AF4
SIZE = 1 << 20


class MemoryCard(DeviceModel):
    """A megabyte of memory in BAR 2, four registers in BAR 0, ports in BAR 4, and a ROM."""

    vendor_id, device_id, class_code, revision, subsystem = VENDOR, 0x1110, 0x050000, 3, (VENDOR, 0x1100)
    config_size = 4096
    bars: tuple[BarSpec, ...] = (
        BarSpec(0, BarKind.MEM32, 0x1000),
        BarSpec(2, BarKind.PREF64, SIZE, content="ram"),
        BarSpec(4, BarKind.IO, 0x20),
        BarSpec(6, BarKind.ROM, 0x1000),
    )
    capabilities = (Pm(no_soft_reset=False), Pcie(flr=True))

    def __init__(self) -> None:
        self.values: dict[tuple[int, int], int] = {}
        self.writes: list[tuple[int, int, int, int]] = []
        self.resets = 0

    def read(self, bar: int, offset: int, size: int) -> int:
        """BAR 0 + 0 is an identity, BAR 0 + 8 inverts what was written; else what was written last. The ROM holds one image."""
        if bar == 6:
            return int.from_bytes(_ROM[offset : offset + size].ljust(size, b"\0"), "little")
        if (bar, offset) == (0, 0):
            return 0x010000ED
        value = self.values.get((bar, offset), 0)
        return ~value & 0xFFFF_FFFF if (bar, offset) == (0, 8) else value

    def write(self, bar: int, offset: int, size: int, value: int) -> None:
        """Remembered, with how it came."""
        self.writes.append((bar, offset, size, value))
        self.values[bar, offset] = value

    def reset(self) -> None:
        """Counted."""
        self.resets += 1


_IMAGE = b"PCIR".ljust(0x10, b"\0") + (1).to_bytes(2, "little") + b"\0\0\0\x80"
_ROM = (b"\x55\xaa".ljust(0x18, b"\0") + (0x1C).to_bytes(2, "little") + b"\0\0" + _IMAGE).ljust(512, b"\0")


class Card:
    """A driver that lets its BARs move and holds nothing."""

    name, id_table = "card", (PciId(VENDOR, 0x1110),)

    def probe(self, dev: PciDev, id: PciId) -> None:
        dev.enable_device()
        dev.request_regions(self.name)

    def remove(self, dev: PciDev) -> None:
        dev.release_regions()
        dev.disable_device()

    def rescan_prepare(self, dev: PciDev) -> None:
        dev.release_regions()

    def rescan_done(self, dev: PciDev) -> None:
        dev.request_regions(self.name)


class Other(Card):
    """The same under another name, for cards of nobody's."""

    name, id_table = "other", (PciId(VENDOR, 0xFFFE),)


class UserDriver:
    """A user-space driver as people write them: knows sysfs and nothing of this SDK."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.vendor, self.device = self.enable()
        with open(f"{folder}/resource") as file:
            ranges = [[int(word, 16) for word in line.split()] for line in file]
        self.size = ranges[2][1] - ranges[2][0] + 1
        self.fd = os.open(f"{folder}/resource2", os.O_RDWR | os.O_SYNC)
        self.map = mmap.mmap(self.fd, self.size, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)

    def enable(self) -> tuple[int, int]:
        """Decode and bus mastering on; returns vendor and device."""
        config = os.open(f"{self.folder}/config", os.O_RDWR)
        vendor, device, command = struct.unpack("<HHH", os.pread(config, 6, 0))
        os.pwrite(config, struct.pack("<H", command | 0x6), 4)
        os.close(config)
        return vendor, device

    def put(self, offset: int, value: int) -> None:
        struct.pack_into("<I", self.map, offset, value)

    def get(self, offset: int) -> int:
        (value,) = struct.unpack_from("<I", self.map, offset)
        return int(value)

    def words(self) -> Any:
        """All of it as an array of 32-bit numbers."""
        return memoryview(self.map).cast("I")

    def close(self) -> None:
        self.map.close()
        os.close(self.fd)
