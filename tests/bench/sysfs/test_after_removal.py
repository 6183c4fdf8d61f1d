"""Files that are open when their device goes: every one of them, through the fixture."""

from __future__ import annotations

import errno
import mmap
import os
from pathlib import Path

import pytest

from movsdk.bench.bench import Bench
from movsdk.bench.sysfs.fixture import SysfsSession
from tests.bench.sysfs.cards import SIZE, Card, MemoryCard

# What the issue lists, and what is only there for some devices: this card has all of it.
FILES = (
    *("config", "resource", "resource0", "resource2", "resource2_wc", "resource4", "rom"),
    *("vendor", "device", "class", "revision", "subsystem_vendor", "subsystem_device", "irq", "modalias", "uevent"),
    *("enable", "remove", "rescan", "reset", "reset_method", "driver_override"),
    *("power/control", "power/runtime_status", "power_state", "msi_bus", "numa_node", "local_cpulist", "local_cpus"),
)


def test_the_list_is_there(bench: Bench, sysfs: SysfsSession) -> None:
    """Each file of a device, and nothing in the folder that this list does not know by its first word."""
    folder = sysfs.path(bench.plug(Card, MemoryCard))
    assert [name for name in FILES if not (folder / name).exists()] == []
    known = {name.split("/")[0] for name in FILES} | {"driver", "subsystem"}
    others = set(os.listdir(folder)) - known
    assert others == {
        *("ari_enabled", "broken_parity_status", "consistent_dma_mask_bits", "d3cold_allowed", "dma_mask_bits"),
        *("current_link_speed", "current_link_width", "max_link_speed", "max_link_width"),
    }


@pytest.mark.parametrize("how", ["removed", "pulled"])
def test_every_open_file_answers_enodev(bench: Bench, sysfs: SysfsSession, how: str) -> None:
    """Reads, writes and mmap() through a number that was opened before; the names are gone."""
    dev = bench.plug(Card, MemoryCard)
    folder = sysfs.path(dev)
    opened = {}
    for name in FILES:
        mode = Path(folder / name).stat().st_mode
        flags = os.O_RDWR if mode & 0o600 == 0o600 else os.O_WRONLY if mode & 0o200 else os.O_RDONLY
        opened[name] = (os.open(folder / name, flags), mode)

    if how == "removed":
        (folder / "remove").write_text("1")
    else:
        bench.pull(dev)

    answers: dict[str, set[int | None]] = {}
    for name, (fd, mode) in opened.items():
        found = answers.setdefault(name, set())
        for act in ([lambda fd=fd: os.pread(fd, 4, 0)] if mode & 0o400 else []) + (
            [lambda fd=fd: os.pwrite(fd, b"1", 0)] if mode & 0o200 else []
        ):
            with pytest.raises(OSError) as caught:
                act()
            found.add(caught.value.errno)
        os.close(fd)
    assert answers == {name: {errno.ENODEV} for name in FILES}
    assert not folder.exists()


@pytest.mark.parametrize("name", ["resource2", "resource2_wc", "resource0"])
def test_a_bar_cannot_be_mapped_any_more(bench: Bench, sysfs: SysfsSession, name: str) -> None:
    """mmap() through a number that was opened before: ENODEV, as from any file of a device that is gone."""
    dev = bench.plug(Card, MemoryCard)
    fd = os.open(sysfs.path(dev, name), os.O_RDWR)
    bench.remove(dev)
    with pytest.raises(OSError, match="No such device") as caught:
        mmap.mmap(fd, SIZE if name != "resource0" else 4096)
    assert caught.value.errno == errno.ENODEV
    os.close(fd)
