"""resource, /proc/iomem and /proc/ioports against the recorded kernel."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from movsdk.address import Span
from movsdk.bench.bench import Bench
from movsdk.bench.importers.story import import_story
from movsdk.bench.player import Player
from movsdk.bench.scenario_schema import parse
from movsdk.bench.sysfs.proc_files import Known, address_lines
from movsdk.bench.sysfs.stage import around
from movsdk.bench.sysfs.view import SysfsView
from movsdk.rescan.rules import by_name
from tests.bench.importers.dumps import OFF, STORY
from tests.bench.sysfs.cards import Card, MemoryCard


def moments(folders: list[Path], rules: str) -> Iterator[tuple[Path, SysfsView]]:
    """Each dump folder with the view of our machine at that moment."""
    scenario = import_story(folders)
    player = Player(scenario, by_name(rules))
    dumps = iter(folders)
    for event in scenario.events:
        if player.step(event) is not None:
            yield next(dumps), SysfsView(player.world, around=around(scenario))


@pytest.mark.parametrize(("folders", "rules"), [(STORY, "v9"), (OFF[:1], "off")], ids=["v9", "off"])
def test_resource_and_proc_are_the_recorded_kernels(folders: list[Path], rules: str) -> None:
    """Every `resource` file to the last flag; of iomem and ioports every line that we know, at its depth and in its place."""
    for folder, view in moments(folders, rules):
        devices = sorted(view.world.system.devices(), key=lambda device: str(device.bdf))
        ours = [f"{each.bdf}\n" + view.read(f"/sys/bus/pci/devices/{each.bdf}/resource").decode() for each in devices]
        assert "\n".join(ours).strip() == (folder / "resource.txt").read_text().strip()
        for name in ("iomem", "ioports"):
            recorded = (folder / f"{name}.txt").read_text().splitlines()
            shown = view.read(f"/proc/{name}").decode().splitlines()
            assert [line for line in recorded if line in shown] == shown
            assert {line for line in recorded if "PCI Bus" in line or " 0000:" in line} <= set(shown)


def test_a_drivers_regions_lie_inside_its_bars(bench: Bench) -> None:
    """request_regions() shows, one level deeper, while it holds."""
    dev = bench.plug(Card, MemoryCard)
    start = dev.resource_start(0)
    line = f"      {start:08x}-{start + 0xFFF:08x} : card\n"
    assert line in address_lines(bench.world, io=False)
    assert "      1000-101f : card\n" in address_lines(bench.world, io=True)
    dev.release_regions()
    assert line not in address_lines(bench.world, io=False)


def test_what_is_not_pci_is_called_as_the_caller_says(bench: Bench) -> None:
    """Without names: System RAM where DMA memory lies, Reserved elsewhere."""
    assert address_lines(bench.world, io=False).startswith("00000000-3fffffff : System RAM\n")
    named = [Known(Span(0, 0x3FFF_FFFF), "Kernel's own")]
    assert address_lines(bench.world, io=False, around=named).startswith("00000000-3fffffff : Kernel's own\n")


def test_a_range_that_is_told_twice_is_listed_once() -> None:
    """The BIOS below 4 GiB is the platform's, and in the RAM map of an imported machine too."""
    scenario = parse(
        {
            "format": 1,
            "windows": [{"type": "mem", "start": 0xE0000000, "last": 0xEFFFFFFF}],
            "ram": [{"start": 0, "last": 0x3FFFFFFF}, {"start": 0xFFE00000, "last": 0xFFFFFFFF, "name": "Reserved"}],
            "devices": [],
            "events": [{"op": "boot"}],
        }
    )
    world = Player(scenario, by_name("v9")).world

    lines = address_lines(world, io=False, around=around(scenario)).splitlines()

    assert lines.count("ffe00000-ffffffff : Reserved") == 1
