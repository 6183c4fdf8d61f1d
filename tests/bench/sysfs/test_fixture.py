"""The fixture `sysfs`: what code under test sees of a machine through open(), os, pathlib and mmap."""

from __future__ import annotations

import errno
import mmap
import os
import re
import subprocess
import sys
from os import pread, pwrite
from pathlib import Path
from typing import Any

import pytest

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
