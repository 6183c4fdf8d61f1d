"""The view: paths, links, and what the files of a device say."""

from __future__ import annotations

import errno
import re

import pytest

from movsdk.bench.bench import Bench
from movsdk.bench.sysfs.node import Folder
from movsdk.bench.sysfs.view import SysfsView
from movsdk.kernel.pcidev import PciDev
from tests.bench.sysfs.cards import Card, MemoryCard

CARD = "/sys/bus/pci/devices/0000:01:00.0"
PORT = "/sys/bus/pci/devices/0000:00:01.0"


@pytest.fixture
def dev(bench: Bench) -> PciDev:
    """A card that a driver has."""
    return bench.plug(Card, MemoryCard)


@pytest.fixture
def view(bench: Bench, dev: PciDev) -> SysfsView:
    """The machine's view."""
    return SysfsView(bench.world, on_report=bench.reports.append)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (f"{CARD}/vendor", "0x1af4\n"),
        (f"{CARD}/device", "0x1110\n"),
        (f"{CARD}/subsystem_vendor", "0x1af4\n"),
        (f"{CARD}/subsystem_device", "0x1100\n"),
        (f"{CARD}/class", "0x050000\n"),
        (f"{CARD}/revision", "0x03\n"),
        (f"{CARD}/irq", "0\n"),
        (f"{CARD}/enable", "1\n"),
        (f"{CARD}/driver_override", "(null)\n"),
        (f"{CARD}/modalias", "pci:v00001AF4d00001110sv00001AF4sd00001100bc05sc00i00\n"),
        (f"{CARD}/numa_node", "-1\n"),
        (f"{CARD}/local_cpulist", "0\n"),
        (f"{CARD}/msi_bus", "1\n"),
        (f"{CARD}/power_state", "D0\n"),
        (f"{CARD}/power/control", "on\n"),
        (f"{CARD}/power/runtime_status", "active\n"),
        (f"{CARD}/reset_method", "flr pm bus\n"),
        (f"{CARD}/current_link_width", "1\n"),
        (f"{CARD}/max_link_speed", "2.5 GT/s PCIe\n"),
        (f"{PORT}/class", "0x060400\n"),
        (f"{PORT}/secondary_bus_number", "1\n"),
        (f"{PORT}/subordinate_bus_number", "1\n"),
        (f"{PORT}/pci_bus/0000:01/cpulistaffinity", "0\n"),
        ("/sys/bus/pci/drivers_autoprobe", "1\n"),
        ("/sys/bus/pci/slots/0/address", "0000:01:00\n"),
        ("/sys/bus/pci/slots/0-1/adapter", "0\n"),
        ("/sys/bus/pci/drivers/card/uevent", "DRIVER=card\n"),
    ],
)
def test_what_a_file_says(view: SysfsView, path: str, text: str) -> None:
    """As the kernel prints it, a line with its newline."""
    assert view.read(path).decode() == text


def test_uevent_names_the_driver_and_the_ids(view: SysfsView) -> None:
    """What udev would be told."""
    assert view.read(f"{CARD}/uevent").decode().splitlines()[:5] == [
        "DRIVER=card",
        "PCI_CLASS=50000",
        "PCI_ID=1AF4:1110",
        "PCI_SUBSYS_ID=1AF4:1100",
        "PCI_SLOT_NAME=0000:01:00.0",
    ]


@pytest.mark.parametrize(
    ("path", "real"),
    [
        (CARD, "/sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0"),
        (f"{CARD}/driver", "/sys/bus/pci/drivers/card"),
        (f"{CARD}/subsystem", "/sys/bus/pci"),
        ("/sys/bus/pci/drivers/card/0000:01:00.0", "/sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0"),
        (f"{CARD}/driver/../../devices/0000:00:02.0", "/sys/devices/pci0000:00/0000:00:02.0"),
        ("/", "/"),
    ],
)
def test_where_links_lead(view: SysfsView, path: str, real: str) -> None:
    """Relative links, as sysfs writes them."""
    assert view.resolve(path)[0] == real


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/sys/bus/usb", errno.ENOENT),
        (f"{CARD}/vendor/x", errno.ENOTDIR),
        (f"{CARD}/resource5", errno.ENOENT),
        (CARD, errno.EISDIR),
        ("/sys/bus/pci/rescan", errno.EACCES),
    ],
)
def test_what_cannot_be_read(view: SysfsView, path: str, code: int) -> None:
    """The errno that open(2) would give."""
    with pytest.raises(OSError) as caught:
        view.read(path)
    assert caught.value.errno == code


def test_files_come_and_go_with_what_they_stand_for(bench: Bench, dev: PciDev, view: SysfsView) -> None:
    """No vectors, no msi_irqs; no prefetchable BAR, no _wc; no driver, no link."""
    folder = view.resolve(CARD)[1]
    assert isinstance(folder, Folder)
    names = set(folder.entries())
    assert {"resource0", "resource2", "resource2_wc", "resource4", "rom", "driver", "config"} <= names
    assert not {"resource0_wc", "resource3", "msi_irqs", "boot_vga", "resource2_resize"} & names

    view.write("/sys/bus/pci/drivers/card/unbind", "0000:01:00.0\n")

    assert "driver" not in folder.entries()


def test_resource_shows_the_kernels_flags(view: SysfsView) -> None:
    """Seven lines: BARs and ROM."""
    lines = view.read(f"{CARD}/resource").decode().splitlines()
    assert [line.split()[2][-7:] for line in lines] == [
        "0040200",
        "0000000",
        "014220c",
        "0000000",
        "0040101",
        "0000000",
        "0046200",
    ]
    assert len(view.read(f"{PORT}/resource").decode().splitlines()) == 11


def test_remove_and_rescan_are_events_of_the_engine(bench: Bench, dev: PciDev, view: SysfsView) -> None:
    """The report reaches whoever asked for it; the device comes back bound."""
    bench.reports.clear()
    view.write(f"{CARD}/remove", "0\n")
    assert not bench.reports
    view.write(f"{CARD}/remove", "1\n")
    with pytest.raises(FileNotFoundError):
        view.read(f"{CARD}/vendor")
    view.write(f"{PORT}/rescan", "1\n")
    assert [report.op for report in bench.reports] == ["remove", "rescan"]
    assert view.resolve(f"{CARD}/driver")[0] == "/sys/bus/pci/drivers/card"


def test_a_rescan_from_inside_a_hook_does_not_hang(bench: Bench) -> None:
    """Linux would wait for its own lock forever; here it is EDEADLK."""
    seen: list[int | None] = []
    machine = SysfsView(bench.world)

    class Eager(Card):
        name = "eager"

        def rescan_prepare(self, dev: PciDev) -> None:
            try:
                machine.write("/sys/bus/pci/rescan", "1")
            except OSError as error:
                seen.append(error.errno)

        def rescan_done(self, dev: PciDev) -> None:
            """Nothing."""

    bench.plug(Eager, MemoryCard)
    bench.rescan()
    assert seen == [errno.EDEADLK]


@pytest.mark.parametrize(
    ("path", "data", "code", "text"),
    [
        ("/sys/bus/pci/rescan", "now", errno.EINVAL, "b'now' is not a number"),
        ("/sys/bus/pci/rescan", "0x1ffffffffffffffff", errno.ERANGE, "needs more than 64 bits"),
        (f"{CARD}/enable", "0", errno.EBUSY, "card0 (0000:01:00.0) is bound to card"),
        (f"{CARD}/reset", "2", errno.EINVAL, "write 1"),
        (f"{CARD}/numa_node", "0", errno.EINVAL, "no NUMA nodes"),
        (f"{CARD}/power/control", "off", errno.EINVAL, "write on or auto"),
        (f"{CARD}/power/autosuspend_delay_ms", "1", errno.EIO, "does not use autosuspend"),
        (f"{CARD}/driver_override", "x" * 4095, errno.EINVAL, "longer than a page"),
        (f"{CARD}/msi_bus", "perhaps", errno.EINVAL, "is not a number"),
        ("/sys/bus/pci/drivers_autoprobe", "0", errno.EPERM, "always offered"),
        ("/sys/bus/pci/drivers/card/bind", "0000:01:00.0", errno.EBUSY, "is bound to card"),
        ("/sys/bus/pci/drivers/card/bind", "0000:09:00.0", errno.ENODEV, "no such device"),
        ("/sys/bus/pci/drivers/port/unbind", "0000:01:00.0", errno.ENODEV, "not bound to port"),
        ("/sys/bus/pci/drivers_probe", "nobody", errno.ENODEV, "no such device"),
        ("/sys/bus/pci/drivers/card/new_id", "1af4", errno.EINVAL, "at least vendor and device"),
        ("/sys/bus/pci/drivers/card/new_id", "1af4 1110", errno.EEXIST, "serves these ids already"),
        ("/sys/bus/pci/drivers/card/remove_id", "1af4 1110", errno.ENODEV, "no such ids"),
        ("/sys/bus/pci/slots/0-1/power", "1", errno.ENODEV, "the slot is empty"),
        ("/sys/bus/pci/slots/0/power", "1", errno.EINVAL, "already so"),
    ],
)
def test_what_is_refused(view: SysfsView, path: str, data: str, code: int, text: str) -> None:
    """Each store has the kernel's errno; the text says why."""
    with pytest.raises(OSError, match=re.escape(text)) as caught:
        view.write(path, data)
    assert caught.value.errno == code


def test_enable_by_file_counts_and_decodes(bench: Bench, dev: PciDev, view: SysfsView) -> None:
    """Without a driver a file may enable: COMMAND follows, decode stays on, disabling twice is EIO."""
    view.write("/sys/bus/pci/drivers/card/unbind", "0000:01:00.0")
    assert view.read(f"{CARD}/enable") == b"0\n"
    view.write(f"{CARD}/enable", "1")
    assert (view.read(f"{CARD}/enable"), dev.read_config_word(4) & 3) == (b"1\n", 3)
    view.write(f"{CARD}/enable", "0")
    with pytest.raises(OSError, match="is not enabled") as caught:
        view.write(f"{CARD}/enable", "0")
    assert caught.value.errno == errno.EIO


def test_small_knobs_keep_what_is_written(view: SysfsView) -> None:
    """They have no effect, and say so in the reference."""
    view.write(f"{CARD}/power/control", "auto\n")
    view.write(f"{CARD}/msi_bus", "0\n")
    assert (view.read(f"{CARD}/power/control"), view.read(f"{CARD}/power/runtime_enabled")) == (b"auto\n", b"enabled\n")
    assert view.read(f"{CARD}/msi_bus") == b"0\n"


def test_ports_are_read_and_written_one_access_at_a_time(bench: Bench, dev: PciDev, view: SysfsView) -> None:
    """resourceN of an I/O BAR: 1, 2 or 4 bytes; anything else is EINVAL."""
    file = view.open(f"{CARD}/resource4", 2)
    assert file.pwrite(b"\x34\x12", 4) == 2
    assert file.pread(2, 4) == b"\x34\x12"
    assert bench.model(dev).writes[-1] == (4, 4, 2, 0x1234)
    with pytest.raises(OSError, match="1, 2 or 4 bytes"):
        file.pread(3, 0)
    assert file.pread(4, 0x20) == b""


def test_a_memory_bar_cannot_be_read_as_a_file(view: SysfsView) -> None:
    """EIO, as resourceN has no read()."""
    with pytest.raises(OSError) as caught:
        view.open(f"{CARD}/resource2").read(4)
    assert caught.value.errno == errno.EIO


def test_the_rom_is_read_after_a_one(view: SysfsView, dev: PciDev) -> None:
    """EINVAL before; then its images; the ROM decodes only while it is read."""
    file = view.open(f"{CARD}/rom", 2)
    with pytest.raises(OSError, match="write 1"):
        file.pread(2, 0)
    file.pwrite(b"1", 0)
    assert (file.pread(2, 0), len(file.pread(8192, 0))) == (b"\x55\xaa", 512)
    assert dev.read_config_dword(0x30) == dev.resource_start(6)
    file.pwrite(b"0", 0)
    with pytest.raises(OSError, match="write 1"):
        file.pread(2, 0)


def test_closing_a_view_gives_the_machine_back(bench: Bench) -> None:
    """No watcher and no matching of ours stays behind."""
    before = bench.world.system.match_of
    view = SysfsView(bench.world)
    view.close()
    assert bench.world.system.match_of == before
    assert bench.world.machine.fabric.watchers == []
