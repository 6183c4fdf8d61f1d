"""The exported tree, read by the real lspci."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockbus import BarKind, BarSpec, Machine
from mockbus.model import PlainModel
from movsdk.bench.bench import WINDOWS, Bench
from movsdk.bench.exporters.lspci_dump import lspci_dump
from movsdk.bench.importers.story import import_story
from movsdk.bench.player import Player
from movsdk.bench.sysfs.config_file import read_config
from movsdk.bench.sysfs.export_tree import export_tree
from movsdk.bench.world import World, make_world
from movsdk.errors import BadInput
from movsdk.layout.table import UNSET
from movsdk.rescan.rules import by_name
from tests.bench.importers.dumps import STORY
from tests.bench.sysfs.cards import Card, MemoryCard
from tests.bench.sysfs.pciutils import Region, lspci, lspci_of_dump, needs_pciutils, regions, setpci


def believed(world: World) -> set[Region]:
    """What the kernel model believes, in lspci's words: BARs and windows with an address."""
    found = set()
    for device in world.system.devices():
        for resource in device.resources:
            if resource.flags and not resource.flags & UNSET and resource.parent is not None and resource.last > resource.start:
                found.add(Region(device.bdf.short, resource.index, resource.start, resource.size))
    return found


def dumps(text: str) -> dict[str, bytes]:
    """The hex dumps of ``lspci -xxxx``."""
    found: dict[str, bytes] = {}
    device = ""
    for line in text.splitlines():
        if re.match(r"[0-9a-f]{2}:[0-9a-f]{2}\.[0-7] ", line):
            device = line.split()[0]
            found[device] = b""
        elif ": " in line:
            found[device] += bytes.fromhex(line.split(": ", 1)[1])
    return found


def printed(text: str) -> set[Region]:
    """What lspci printed, without its remarks in brackets."""
    return {Region(each.device, each.index, each.start, each.size) for each in regions(text) if each.start is not None}


@pytest.fixture(scope="module")
def q35() -> World:
    """The recorded machine at its last moment."""
    scenario = import_story(STORY)
    player = Player(scenario, by_name("v9"))
    for event in scenario.events:
        player.step(event)
    return player.world


@needs_pciutils
def test_lspci_reads_the_recorded_machine(q35: World, tmp_path: Path) -> None:
    """All of -tv, -nn, -vvv and -xxxx, without a complaint, and addresses as believed."""
    tree = tmp_path / "tree"
    assert export_tree(q35, tree) == 18

    shape = lspci(tree, "-t")
    assert shape.startswith("-[0000:00]-+-00.0\n           +-04.0-[01-06]----00.0-[02-06]--+-00.0-[03]----00.0\n")
    full = lspci(tree, "-vvv", "-nn")
    assert "!!!" not in full
    assert "<unassigned>" not in full
    assert "Kernel driver in use: nvme" in full
    assert "Advanced Error Reporting" in full
    assert printed(full) == believed(q35)
    dumped = dumps(lspci(tree, "-xxxx"))
    assert dumped.keys() == {device.bdf.short for device in q35.system.devices()}
    for device in q35.system.devices():
        config = read_config(device, 0, 4096)
        assert config.startswith(dumped[device.bdf.short])
        assert set(config[len(dumped[device.bdf.short]) :]) <= {0xFF}


@needs_pciutils
def test_the_folder_stands_for_sys_bus_pci_and_for_the_root(q35: World, tmp_path: Path) -> None:
    """Both ways people point lspci at it."""
    export_tree(q35, tmp_path / "tree")
    assert lspci(tmp_path / "tree", "-t") == lspci(tmp_path / "tree" / "sys" / "bus" / "pci", "-t")


@needs_pciutils
def test_a_snapshot_has_no_side_effects(q35: World, tmp_path: Path) -> None:
    """setpci writes into the file, unmasked; the machine does not notice."""
    export_tree(q35, tmp_path / "tree")
    setpci(tmp_path / "tree", "03:00.0", "BASE_ADDRESS_0=12345678")
    assert setpci(tmp_path / "tree", "03:00.0", "BASE_ADDRESS_0") == "12345678"
    assert q35.system.ops.config_read(3, 0, 0x10, 4) != 0x12345678


def test_what_is_left_out(bench: Bench, tmp_path: Path) -> None:
    """What cannot be read, or not without consequences."""
    dev = bench.plug(Card, MemoryCard)
    export_tree(bench.world, tmp_path / "tree")
    device = tmp_path / "tree" / "devices" / dev.name
    assert (device / "config").stat().st_size == 4096
    assert (device / "driver").resolve().name == "card"
    left_out = ["resource0", "resource2", "resource4", "rom", "remove", "reset", "rescan"]
    assert not [name for name in left_out if (device / name).exists()]
    assert (tmp_path / "tree" / "proc" / "iomem").read_text().count("0000:01:00.0") == 3
    assert bench.world.machine.fabric.watchers == []


def test_only_an_empty_folder_is_written(bench: Bench, tmp_path: Path) -> None:
    """Nothing of anybody's is overwritten; each problem is one line."""
    (tmp_path / "mine").write_text("x")
    with pytest.raises(BadInput, match="is not empty; name a new folder"):
        export_tree(bench.world, tmp_path)
    with pytest.raises(BadInput, match=r"mine.*: cannot be written: (File exists|Not a directory)"):
        export_tree(bench.world, tmp_path / "mine")


# --- random machines -------------------------------------------------------------------------------------------
_KINDS = [BarKind.IO, BarKind.MEM32, BarKind.PREF32, BarKind.MEM64, BarKind.PREF64]


@st.composite
def bars(draw: st.DrawFn) -> tuple[BarSpec, ...]:
    """Up to three BARs of any kind in BARs 0, 2 and 4, perhaps a ROM."""
    found = []
    for n in draw(st.sets(st.sampled_from([0, 2, 4]))):
        kind = draw(st.sampled_from(_KINDS))
        size = 1 << draw(st.integers(2, 8) if kind is BarKind.IO else st.integers(7, 27))
        found.append(BarSpec(n, kind, size))
    if draw(st.booleans()):
        found.append(BarSpec(6, BarKind.ROM, 1 << draw(st.integers(11, 18))))
    return tuple(found)


@st.composite
def machines(draw: st.DrawFn) -> World:
    """A few bridges, nested, with cards on every bus, booted under v9 or off."""
    machine = Machine(WINDOWS)
    places = ["root"]
    for number in range(draw(st.integers(1, 4))):
        on = draw(st.sampled_from(places))
        label = f"bridge{number}"
        machine.add_bridge(
            label,
            on,
            f"{number + 1:02x}.0",
            hotplug=draw(st.booleans()),
            prefetchable=draw(st.sampled_from([None, 32, 64])),
            io=draw(st.booleans()),
        )
        places.append(label)
    for number in range(draw(st.integers(1, 5))):
        model = PlainModel(bars=draw(bars()))
        machine.add(f"card{number}", draw(st.sampled_from(places)), f"{0x10 + number:02x}.0", model)
    world = make_world(machine, WINDOWS, by_name(draw(st.sampled_from(["v9", "off"]))))
    world.engine.boot()
    return world


@needs_pciutils
@settings(max_examples=15)
@given(world=machines())
def test_lspci_decodes_what_the_model_believes(world: World, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Addresses that lspci prints are the kernel's; hex dumps are silicon's; the two agree."""
    folder = tmp_path_factory.mktemp("machine")
    export_tree(world, folder / "tree")
    text = lspci(folder / "tree", "-vvv")
    assert "!!!" not in text
    assert printed(text) == believed(world)
    # -b prints what the registers hold; a ROM that is not enabled was never programmed.
    registers = {each for each in printed(lspci(folder / "tree", "-b", "-vvv")) if each.index < 6}
    placed = {Region(each.device, each.index, each.start, 0) for each in believed(world) if each.index < 6}
    assert placed <= {Region(each.device, each.index, each.start, 0) for each in registers}
    # The text of -xxxx has the same registers; lspci takes a BAR at zero for none, and one at zero is what was never programmed.
    (folder / "dump.txt").write_text(lspci_dump(world))
    again = lspci_of_dump(folder / "dump.txt", "-vvv")
    assert "!!!" not in again
    windows = {each for each in believed(world) if each.index > 6}
    assert {each for each in printed(again) if each.index > 6 and each.start} == windows
    found = {Region(each.device, each.index, each.start, 0) for each in printed(again) if each.index < 6}
    assert {each for each in placed if each.start} <= found
