"""The live mount, with clients of every kind: a shell, lspci, setpci, a driver in Python and one in C, two at once."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from movsdk.bench.bench import Bench
from movsdk.bench.sysfs import fuse_mount
from movsdk.errors import BadInput
from tests.bench.sysfs.cards import UserDriver
from tests.bench.sysfs.fuse import needs_fuse
from tests.bench.sysfs.mounted import Mounted, mounting, sh
from tests.bench.sysfs.pciutils import lspci, needs_pciutils, setpci
from tests.bench.sysfs.programs import driving, needs_gcc

pytestmark = needs_fuse


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Mounted]:
    """A card of 16 MiB and one of 1 MiB on a machine that is mounted."""
    with mounting(tmp_path / "mnt") as server:
        yield server


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mounted]:
    """The same for tests that leave it as it is."""
    with mounting(tmp_path_factory.mktemp("shared") / "mnt") as server:
        yield server


def test_a_shell_uses_it_as_sysfs(mounted: Mounted) -> None:
    """cat, ls, readlink, echo."""
    assert sh("cat devices/0000:01:00.0/vendor proc/iomem | head -2", mounted.folder).stdout.startswith("0x1af4\n")
    assert sh("basename $(readlink devices/0000:01:00.0/driver)", mounted.folder).stdout == "card\n"
    assert sh("ls devices", mounted.folder).stdout == sh("ls sys/bus/pci/devices", mounted.folder).stdout
    assert sh("echo 1 > devices/0000:01:00.0/remove", mounted.folder).returncode == 0
    assert "0000:01:00.0" not in os.listdir(mounted.folder / "devices")
    assert sh("echo 1 > rescan", mounted.folder).returncode == 0
    assert "0000:01:00.0" in os.listdir(mounted.folder / "devices")


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        ("echo now > rescan", "write error: Invalid argument"),
        ("echo 0 > devices/0000:00:03.0/enable", "Device or resource busy"),
        ("cat rescan", "Permission denied"),
        ("echo 1 > devices/0000:01:00.0/vendor", "Permission denied"),
        ("cat devices/0000:01:00.0/rom", "Invalid argument"),
        ("cat devices/0000:01:00.0/power/autosuspend_delay_ms", "Input/output error"),
        ("echo 1 > devices/0000:01:00.0/power/autosuspend_delay_ms", "write error: Input/output error"),
        ("echo 3 > devices/0000:01:00.0/numa_node", "write error: Invalid argument"),
        ("echo 7 > devices/0000:01:00.0/reset", "write error: Invalid argument"),
        ("echo 0000:09:00.0 > drivers/card/bind", "write error: No such device"),
        ("echo x > devices/new", "Permission denied"),
        ("mkdir devices/new", "Operation not permitted"),
        ("rm devices/0000:01:00.0/vendor", "Operation not permitted"),
        ("cat devices/0000:09:00.0/vendor", "No such file or directory"),
    ],
)
def test_errors_are_the_kernels(shared: Mounted, command: str, complaint: str) -> None:
    """As a shell shows them."""
    done = sh(command, shared.folder)
    assert done.returncode
    assert complaint in done.stderr


@needs_pciutils
def test_lspci_and_setpci_work_on_the_live_machine(mounted: Mounted) -> None:
    """Reads are live, and the model applies its masks to what is written."""
    text = lspci(mounted.folder, "-vv", "-s", "01:00.0")
    assert "Region 2: Memory at 4000000000 (64-bit, prefetchable) [size=16M]" in text
    assert "Kernel driver in use: card" in text
    assert "!!!" not in lspci(mounted.folder, "-vvv")
    assert lspci(mounted.folder, "-tv").count("-00.0") == 2
    setpci(mounted.folder, "01:00.0", "BASE_ADDRESS_0=fffff123")
    assert setpci(mounted.folder, "01:00.0", "BASE_ADDRESS_0") == "fffff000"


def test_a_user_space_driver_in_python_from_another_process(mounted: Mounted) -> None:
    """The same class as against the fixture: it shares memory with the card, and its map goes stale when the card goes."""
    user = UserDriver(str(mounted.card))
    other = UserDriver(str(mounted.card))
    user.put(0x40, 0xCAFE)
    assert (user.size, other.get(0x40), user.words()[0x10]) == (16 << 20, 0xCAFE, 0xCAFE)

    (mounted.card / "remove").write_text("1")

    assert user.get(0x40) == 0xFFFF_FFFF


def test_a_map_follows_decode_and_a_move(mounted: Mounted) -> None:
    """The first card is switched off, the second one's BAR moves: the old map is dead, a new one is the memory."""
    second = mounted.folder / "devices" / "0000:02:00.0"
    user = UserDriver(str(second))
    user.put(0, 0xBEEF)
    before = (second / "resource").read_text()

    (mounted.folder / "slots" / "0" / "power").write_text("0")
    (mounted.folder / "rescan").write_text("1")

    assert (second / "resource").read_text() != before
    assert user.get(0) == 0xFFFF_FFFF
    again = UserDriver(str(second))
    assert again.get(0) == 0xBEEF
    user.put(8, 0x1234)
    assert again.get(8) == 0
    assert mounted.told_to_end() == "card1 BAR 2 + 0x8, formerly at 0x4001000000: 34 12 00 00\n"


@needs_gcc
@pytest.mark.parametrize(
    "event", ["echo 1 > devices/0000:02:00.0/remove", "echo 0 > slots/0/power && echo 1 > rescan"], ids=["removed", "moved"]
)
def test_a_driver_in_c(mounted: Mounted, event: str) -> None:
    """open(O_RDWR | O_SYNC), mmap(MAP_SHARED): as on a real machine; all-ones once the card is gone or elsewhere."""
    second = mounted.folder / "devices" / "0000:02:00.0"
    user = UserDriver(str(second))
    user.put(16, 0x12345678)
    with driving(str(second / "config"), str(second / "resource2")) as program:
        assert program.first == "1af4:1110 12345678"
        assert user.get(20) == 0xC0FFEE
        assert program.again() == "12345678"
        assert sh(event, mounted.folder).returncode == 0
        assert program.again() == "ffffffff"


def test_registers_are_a_picture_that_follows(mounted: Mounted) -> None:
    """A register BAR in another process: values appear and writes arrive within a few ticks."""
    with open(mounted.card / "resource0", "r+b", buffering=0) as file:
        import mmap

        registers = mmap.mmap(file.fileno(), 4096)
    assert registers[0:4] == b"\xed\x00\x00\x01"
    registers[8:12] = b"\x0f\x00\x00\x00"
    pause = threading.Event()
    for _ in range(500):
        if registers[8:12] == b"\xf0\xff\xff\xff":
            break
        pause.wait(fuse_mount.TICK)
    assert registers[8:12] == b"\xf0\xff\xff\xff"


def test_an_open_file_of_a_removed_device_answers_enodev(mounted: Mounted) -> None:
    """The handle outlives the name."""
    with open(mounted.card / "config", "rb", buffering=0) as config:
        assert config.read(2) == b"\xf4\x1a"
        (mounted.card / "remove").write_text("1")
        with pytest.raises(OSError) as caught:
            config.read(2)
    assert caught.value.errno == errno.ENODEV


def test_two_clients_at_once(mounted: Mounted) -> None:
    """Reads from threads and from shells while another removes and rescans: each answer is whole or a clean error."""

    def reader(_: int) -> set[str]:
        seen = set()
        for _ in range(50):
            try:
                seen.add((mounted.card / "vendor").read_text())
            except OSError as error:
                seen.add(errno.errorcode[error.errno or 0])
        return seen

    def writer() -> None:
        for _ in range(5):
            (mounted.card / "remove").write_text("1")
            (mounted.folder / "rescan").write_text("1")

    def shell() -> set[str]:
        done = sh("for i in $(seq 50); do cat devices/0000:01:00.0/vendor 2>&1; done", mounted.folder)
        return {line.rsplit(": ", 1)[-1] for line in done.stdout.splitlines()}

    with ThreadPoolExecutor(5) as pool:
        done = [pool.submit(reader, number) for number in range(2)]
        shells = [pool.submit(shell) for _ in range(2)]
        pool.submit(writer).result()
    assert set().union(*(each.result() for each in done)) <= {"0x1af4\n", "ENOENT", "ENODEV"}
    assert set().union(*(each.result() for each in shells)) <= {"0x1af4", "No such file or directory", "No such device"}


def test_a_killed_server_leaves_a_mount_that_can_be_unmounted(mounted: Mounted) -> None:
    """kill -9: the folder answers ENOTCONN until fusermount3 -u."""
    mounted.process.send_signal(signal.SIGKILL)
    mounted.gone()
    with pytest.raises(OSError) as caught:
        os.listdir(mounted.folder)
    assert caught.value.errno == errno.ENOTCONN
    subprocess.run(["fusermount3", "-u", str(mounted.folder)], check=True)
    assert os.listdir(mounted.folder) == []


@pytest.mark.parametrize("how", ["unmounted", "told to end"])
def test_the_server_ends_in_order(mounted: Mounted, how: str) -> None:
    """fusermount3 -u, or SIGTERM."""
    if how == "unmounted":
        subprocess.run(["fusermount3", "-u", str(mounted.folder)], check=True)
    else:
        mounted.process.terminate()
    assert mounted.gone() == 0
    assert os.listdir(mounted.folder) == []


@pytest.mark.parametrize(("name", "text"), [("nothing", "cannot be mounted on: No such file"), ("full", "is not empty")])
def test_what_cannot_be_mounted_on(bench: Bench, tmp_path: Path, name: str, text: str) -> None:
    """One line, before anything happens."""
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("x")
    with pytest.raises(BadInput, match=text):
        fuse_mount.mount(bench.world, tmp_path / name)
