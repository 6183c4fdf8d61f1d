"""Maps of BARs through the fixture: shared memory, moves, removals, registers."""

from __future__ import annotations

import errno
import mmap
import os
import struct
import sys

import pytest
from attrs import evolve

from movsdk.bench.bench import Bench
from movsdk.bench.sysfs.fixture import SysfsSession
from tests.bench.sysfs.cards import SIZE, Card, MemoryCard, UserDriver
from tests.bench.sysfs.programs import compiled, driving, needs_gcc


def test_a_user_space_driver_runs_as_it_is_across_a_move_and_a_removal(bench: Bench, sysfs: SysfsSession) -> None:
    """Its map is the card's memory; after a move it reads all-ones and reaches nobody, a new map is the memory again."""
    dev = bench.plug(Card, MemoryCard)
    memory = bench.model(dev).ram(2)
    user = UserDriver(str(sysfs.path(dev)))

    assert (user.vendor, user.device, user.size) == (0x1AF4, 0x1110, SIZE)
    user.put(0x40, 0xCAFE)
    memory[0x80:0x84] = b"card"
    assert memory[0x40:0x44] == b"\xfe\xca\x00\x00"
    assert user.get(0x80) == int.from_bytes(b"card", "little")
    assert user.words()[0x10] == 0xCAFE

    old = dev.resource_start(2)
    bench.force_move(dev, bar=2)
    user.put(0x40, 0xDEAD)
    assert user.get(0x80) == 0xFFFF_FFFF
    assert memory[0x40:0x44] == b"\xfe\xca\x00\x00"
    assert [str(write) for write in sysfs.stale_writes] == [f"card0 BAR 2 + 0x40, formerly at {old:#x}: ad de 00 00"]

    again = UserDriver(str(sysfs.path(dev)))
    assert again.get(0x40) == 0xCAFE

    bench.remove(dev)
    assert again.get(0x40) == 0xFFFF_FFFF
    with pytest.raises(FileNotFoundError, match="config"):
        UserDriver("/sys/bus/pci/devices/0000:01:00.0")


def test_a_descriptor_opened_before_a_move_maps_the_new_place(bench: Bench, sysfs: SysfsSession) -> None:
    """The kernel looks at the BAR when mmap() is called, not when the file was opened."""
    dev = bench.plug(Card, MemoryCard)
    bench.model(dev).ram(2)[:4] = b"abcd"
    fd = os.open(sysfs.path(dev, "resource2_wc"), os.O_RDWR)

    bench.force_move(dev, bar=2)

    with mmap.mmap(fd, SIZE) as mapped:
        assert mapped[:4] == b"abcd"
    os.close(fd)


def test_a_bar_that_comes_back_revives_the_old_map(bench: Bench, sysfs: SysfsSession) -> None:
    """A map is of an address: at the same address it is the same memory."""
    dev = bench.plug(Card, MemoryCard)
    user, old = UserDriver(str(sysfs.path(dev))), dev.resource_start(2)
    user.put(0, 0x1111)
    bench.force_move(dev, bar=2)
    user.put(0, 0x2222)

    bench.rescan()

    assert dev.resource_start(2) == old
    assert user.get(0) == 0x1111
    assert [write.data for write in sysfs.stale_writes] == [b"\x22\x22\x00\x00"]


def test_decode_off_is_all_ones_and_on_again_the_same_memory(bench: Bench, sysfs: SysfsSession) -> None:
    """COMMAND written through `config` (setpci) takes effect on a map at once."""
    dev = bench.plug(Card, MemoryCard)
    user = UserDriver(str(sysfs.path(dev)))
    user.put(0, 0x1234)
    with open(sysfs.path(dev, "config"), "r+b", buffering=0) as config:
        config.seek(4)
        config.write(b"\x00\x00")
        assert user.get(0) == 0xFFFF_FFFF
        config.seek(4)
        config.write(b"\x06\x00")
    assert user.get(0) == 0x1234


def test_a_pulled_card_reads_all_ones_and_its_files_answer_enodev(bench: Bench, sysfs: SysfsSession) -> None:
    """Surprise removal: the map stays, the card does not."""
    dev = bench.plug(Card, MemoryCard)
    user = UserDriver(str(sysfs.path(dev)))
    config = os.open(sysfs.path(dev, "config"), os.O_RDONLY)

    bench.pull(dev)

    assert user.get(0) == 0xFFFF_FFFF
    with pytest.raises(OSError, match="No such device") as caught:
        os.read(config, 4)
    assert caught.value.errno == errno.ENODEV


@pytest.mark.parametrize("size", [1 << 34, 1 << 36], ids=["16 GiB", "64 GiB"])
def test_a_huge_bar_costs_nothing(bench: Bench, sysfs: SysfsSession, size: int) -> None:
    """Sparse, mapped whole; after a move what held data reads all-ones, and holes read zero."""
    model = MemoryCard()
    model.bars = (evolve(MemoryCard.bars[1], size=size),)
    dev = bench.plug(Card, model)
    user = UserDriver(str(sysfs.path(dev)))
    user.put(size - 4, 0xCAFE)

    bench.force_move(dev, bar=2)

    assert bench.model(dev).ram(2)[size - 4 : size - 2] == b"\xfe\xca"
    assert (user.get(size - 4), user.get(size // 2)) == (0xFFFF_FFFF, 0)


@pytest.mark.parametrize(
    ("name", "size", "error", "text"),
    [
        pytest.param("config", 256, OSError, "No such device", id="config: ENODEV"),
        pytest.param("vendor", 4096, OSError, "No such device", id="text: ENODEV"),
        pytest.param("resource4", 32, OSError, "No such device", id="ports: ENODEV"),
        pytest.param("resource2", SIZE + 4096, ValueError, "mmap length is greater than file size", id="past the BAR"),
    ],
)
def test_what_cannot_be_mapped(
    bench: Bench, sysfs: SysfsSession, name: str, size: int, error: type[Exception], text: str
) -> None:
    """As Linux (and Python) refuse it."""
    dev = bench.plug(Card, MemoryCard)
    fd = os.open(sysfs.path(dev, name), os.O_RDONLY)
    with pytest.raises(error, match=text):
        mmap.mmap(fd, size, access=mmap.ACCESS_READ)
    os.close(fd)


def test_a_bar_without_an_address_is_einval(bench: Bench, sysfs: SysfsSession) -> None:
    """It has a file, and nothing to map."""
    dev = bench.plug(Card, MemoryCard)
    bench.strict = False
    bench.lose_bar(dev, 2)
    fd = os.open(sysfs.path(dev, "resource2"), os.O_RDWR)
    with pytest.raises(OSError, match="Invalid argument"):
        mmap.mmap(fd, SIZE)
    os.close(fd)


def test_a_read_only_descriptor_gives_a_read_only_map(bench: Bench, sysfs: SysfsSession) -> None:
    """The real descriptor has the access mode of the open."""
    dev = bench.plug(Card, MemoryCard)
    fd = os.open(sysfs.path(dev, "resource2"), os.O_RDONLY)
    with pytest.raises(PermissionError):
        mmap.mmap(fd, SIZE)
    with mmap.mmap(fd, SIZE, prot=mmap.PROT_READ) as mapped:
        assert mapped[:1] == b"\0"
    os.close(fd)


def test_registers_are_exact_where_python_lets_us_see_the_access(bench: Bench, sysfs: SysfsSession) -> None:
    """Indexing and slicing reach the model one access each; struct sees the registers as they were when mapped."""
    dev = bench.plug(Card, MemoryCard)
    model = bench.model(dev)
    with open(sysfs.path(dev, "resource0"), "r+b", buffering=0) as file:
        registers = mmap.mmap(file.fileno(), 4096)

    assert struct.unpack_from("<I", registers, 0) == (0x010000ED,)
    registers[8:12] = struct.pack("<I", 0x0F)
    assert registers[8:12] == b"\xf0\xff\xff\xff"
    assert model.writes == [(0, 8, 4, 0x0F)]


def test_register_writes_through_plain_memory_arrive(bench: Bench, sysfs: SysfsSession) -> None:
    """At once from Python 3.12 on (PEP 688), before at the next call into sysfs."""
    dev = bench.plug(Card, MemoryCard)
    model = bench.model(dev)
    fd = os.open(sysfs.path(dev, "resource0"), os.O_RDWR)
    registers = mmap.mmap(fd, 4096)

    struct.pack_into("<I", registers, 0x10, 7)
    if sys.version_info < (3, 12):
        assert model.writes == []
        sysfs.sync()

    assert model.writes == [(0, 0x10, 4, 7)]
    os.close(fd)


def test_stale_register_maps_are_listed_too(bench: Bench, sysfs: SysfsSession) -> None:
    """All-ones from a register BAR that moved, and no write reaches anybody."""
    dev = bench.plug(Card, MemoryCard)
    model = bench.model(dev)
    fd = os.open(sysfs.path(dev, "resource0"), os.O_RDWR)
    registers = mmap.mmap(fd, 4096)

    bench.force_move(dev, bar=0)
    registers[8:12] = b"\x01\x00\x00\x00"

    assert (registers[0:4], struct.unpack_from("<I", registers, 0)) == (b"\xff" * 4, (0xFFFF_FFFF,))
    assert model.writes == []
    assert [(write.bar, write.offset, write.data) for write in sysfs.stale_writes] == [(0, 8, b"\x01\x00\x00\x00")]
    os.close(fd)


@pytest.mark.parametrize("how", ["asleep", "a closed bridge"])
def test_whatever_keeps_accesses_away_kills_a_map(bench: Bench, sysfs: SysfsSession, how: str) -> None:
    """D3hot, a closed window: all-ones; and back to life with the same memory."""
    dev = bench.plug(Card, MemoryCard)
    port = bench.world.find("port1")
    assert port is not None
    user = UserDriver(str(sysfs.path(dev)))
    user.put(0, 0x1234)
    limit = port.config_read(0x24, 4)

    if how == "asleep":
        dev.set_power_state(3)
    else:
        port.config_write(0x24, 4, 0x0000FFF0)
    assert user.get(0) == 0xFFFF_FFFF

    if how == "asleep":
        dev.set_power_state(0)
        user.enable()
    else:
        port.config_write(0x24, 4, limit)
    assert user.get(0) == 0x1234


@pytest.fixture(scope="module")
def _compiled() -> None:
    """Compile before the file system is a fake one."""
    compiled()


@needs_gcc
@pytest.mark.usefixtures("_compiled")
@pytest.mark.parametrize("event", ["moved", "removed"])
def test_a_driver_in_c_from_another_process(bench: Bench, sysfs: SysfsSession, event: str) -> None:
    """The program that the mount's tests run, as it is: it is handed this process's descriptor of the BAR, which is real memory.

    Its config file is a copy, because only this process sees the fake one.
    """
    dev = bench.plug(Card, MemoryCard)
    model = bench.model(dev)
    model.ram(2)[16:20] = bytes.fromhex("78563412")
    with open(sysfs.path(dev, "config"), "rb") as file:
        config = os.memfd_create("config")
        os.write(config, file.read())
    fd = os.open(sysfs.path(dev, "resource2"), os.O_RDWR | os.O_SYNC)
    place = f"/proc/{os.getpid()}/fd"
    with driving(f"{place}/{config}", f"{place}/{fd}") as program:
        assert program.first == "1af4:1110 12345678"
        assert model.ram(2)[20:24] == b"\xee\xff\xc0\x00"
        assert program.again() == "12345678"

        if event == "moved":
            bench.force_move(dev, bar=2)
        else:
            bench.remove(dev)
        model.ram(2)[24:28] = bytes(4)

        assert program.again() == "ffffffff"
        assert model.ram(2)[24:28] == bytes(4), "its write reached nobody"
    assert [write.data for write in sysfs.stale_writes] == [b"\xad\xde\x00\x00"]
    os.close(fd)
    os.close(config)
