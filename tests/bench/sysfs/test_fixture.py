"""The fixture `sysfs`: what code under test sees of a machine through open(), os, pathlib and mmap."""

from __future__ import annotations

import errno
import mmap
import os
import re
import struct
import subprocess
import sys
from os import pread, pwrite
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from movsdk.bench.bench import Bench
from movsdk.bench.sysfs.fixture import SysfsSession, sysfs_session
from movsdk.errors import BadInput
from tests.bench.sysfs.cards import SIZE, Card, MemoryCard, UserDriver


def test_a_file_is_read_as_on_a_real_machine(bench: Bench, sysfs: SysfsSession) -> None:
    """open(), pathlib and os.open() all lead to the same text."""
    dev = bench.plug(Card, MemoryCard)

    path = f"/sys/bus/pci/devices/{dev.name}/vendor"
    fd = os.open(path, os.O_RDONLY)

    with open(path) as file:
        assert file.read() == Path(path).read_text() == os.read(fd, 100).decode() == "0x1af4\n"
    assert Path(path).stat().st_size == os.fstat(fd).st_size == 4096
    os.close(fd)


def test_devices_come_and_go_with_what_the_kernel_knows(bench: Bench, sysfs: SysfsSession) -> None:
    """Folders are asked, not stored."""
    before = sorted(os.listdir("/sys/bus/pci/devices"))
    dev = bench.plug(Card, MemoryCard)
    assert sorted(os.listdir("/sys/bus/pci/devices")) == sorted([*before, dev.name])
    assert os.readlink(sysfs.path(dev, "driver")) == "../../../../bus/pci/drivers/card"
    assert sysfs.path(dev).resolve() == Path("/sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0")

    bench.remove(dev)

    assert sorted(os.listdir("/sys/bus/pci/devices")) == before


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


def test_echo_stores_once_and_rescan_finds_what_was_removed(bench: Bench, sysfs: SysfsSession) -> None:
    """``echo 1 > remove``, ``echo 1 > rescan``: text, binary and unbuffered."""
    dev = bench.plug(Card, MemoryCard)
    folder = sysfs.path(dev)
    with open(folder / "remove", "w") as file:
        file.write("1\n")
    assert not folder.exists()

    Path("/sys/bus/pci/rescan").write_bytes(b"1")

    assert (folder / "driver").resolve().name == "card"


@pytest.mark.parametrize(
    ("path", "mode", "code"),
    [
        pytest.param("/sys/bus/pci/rescan", "r", errno.EACCES, id="write-only"),
        pytest.param("{dev}/vendor", "w", errno.EACCES, id="read-only"),
        pytest.param("{dev}/new", "w", errno.EACCES, id="no new files"),
        pytest.param("{dev}/vendor", "x", errno.EEXIST, id="exclusive"),
        pytest.param("{dev}", "r", errno.EISDIR, id="a folder"),
        pytest.param("{dev}/nothing", "r", errno.ENOENT, id="nothing there"),
    ],
)
def test_what_cannot_be_opened(bench: Bench, sysfs: SysfsSession, path: str, mode: str, code: int) -> None:
    """Even root gets these."""
    dev = bench.plug(Card, MemoryCard)
    path = path.format(dev=sysfs.path(dev))
    with pytest.raises(OSError, match=re.escape(os.strerror(code))) as caught:
        open(path, mode).close()
    assert caught.value.errno == code


@pytest.mark.parametrize("act", [os.mkdir, os.unlink, os.rmdir, lambda path: os.symlink("x", path)])
def test_nobody_makes_or_removes_files_in_sysfs(bench: Bench, sysfs: SysfsSession, act: Any) -> None:
    """Only the kernel does."""
    with pytest.raises(OSError):
        act("/sys/bus/pci/devices/new")


def test_errors_of_a_store_come_out_of_the_write(bench: Bench, sysfs: SysfsSession) -> None:
    """Unbuffered at the write, buffered when the buffer is flushed, as with real files."""
    dev = bench.plug(Card, MemoryCard)
    fd = os.open(sysfs.path(dev, "enable"), os.O_WRONLY)
    with pytest.raises(OSError, match="bound to card") as caught:
        os.write(fd, b"0")
    assert caught.value.errno == errno.EBUSY
    os.close(fd)
    with pytest.raises(OSError, match="is not a number"):
        sysfs.path(dev, "enable").write_text("maybe\n")


def test_pread_and_pwrite_also_by_name(bench: Bench, sysfs: SysfsSession) -> None:
    """`from os import pread` at the top of a module is replaced as well."""
    dev = bench.plug(Card, MemoryCard)
    fd = os.open(sysfs.path(dev, "config"), os.O_RDWR)
    assert pread(fd, 2, 0) == b"\xf4\x1a"
    assert pwrite(fd, b"\x77", 0x3C) == 1
    assert os.lseek(fd, 0x3C, os.SEEK_SET) == 0x3C
    assert os.read(fd, 1) == b"\x77"
    assert (os.lseek(fd, -2, os.SEEK_END), os.read(fd, 10)) == (4094, b"\0\0")
    os.close(fd)


def test_dup_shares_the_position(bench: Bench, sysfs: SysfsSession) -> None:
    """Two numbers, one open file; both are real."""
    dev = bench.plug(Card, MemoryCard)
    first = os.open(sysfs.path(dev, "resource2"), os.O_RDWR)
    second = os.dup(first)
    os.close(first)
    with mmap.mmap(second, SIZE) as mapped:
        mapped[0] = 7
    assert bench.model(dev).ram(2)[0] == 7
    os.close(second)


def test_fdopen_and_custom_openers(bench: Bench, sysfs: SysfsSession) -> None:
    """All roads to a file object."""
    dev = bench.plug(Card, MemoryCard)
    path = sysfs.path(dev, "device")
    with os.fdopen(os.open(path, os.O_RDONLY), "rb") as binary:
        assert binary.read() == b"0x1110\n"
    with open(path, opener=lambda name, flags: os.open(name, flags)) as text:
        assert text.readline() == "0x1110\n"
    fd = os.open(path, os.O_RDONLY)
    with open(fd, closefd=False) as text:
        assert text.read(2) == "0x"
    os.close(fd)


def test_other_fake_files_and_sub_processes_still_work(bench: Bench, sysfs: SysfsSession) -> None:
    """The fake file system is the usual one beside /sys and /proc; pipes are real."""
    Path("/tmp/notes").write_text("hello")
    fd = os.open("/tmp/notes", os.O_RDWR)
    assert os.pread(fd, 3, 1) == b"ell"
    assert os.pwrite(fd, b"J", 0) == 1
    os.close(fd)
    assert Path("/tmp/notes").read_text() == "Jello"
    done = subprocess.run([sys.executable, "-c", "print('hi')"], capture_output=True, text=True, check=True)
    assert done.stdout == "hi\n"


def test_a_session_leaves_nothing_behind(bench: Bench) -> None:
    """No descriptor, no patch, and the card's memory keeps what was written."""
    dev = bench.plug(Card, MemoryCard)
    before = len(os.listdir("/proc/self/fd"))
    for turn in range(20):
        with sysfs_session(bench.world) as session:
            user = UserDriver(str(session.path(dev)))
            user.put(0, turn)
            if turn % 2:
                user.close()
        assert mmap.mmap.__module__ == "mmap"
    del user
    assert bench.model(dev).ram(2)[0] == 19
    # One for the card's memory file, one inside its mapping.
    assert len(os.listdir("/proc/self/fd")) <= before + 2
    assert not Path("/sys/bus/pci/devices", dev.name).exists()


def test_two_fake_file_systems_at_once_are_refused(bench: Bench, sysfs: SysfsSession) -> None:
    """There is one `os` to replace."""
    second = sysfs_session(bench.world)
    with pytest.raises(BadInput, match=r"pyfakefs is active already; drop the fixture `fs` and use `sysfs\.fs`"):
        second.__enter__()
