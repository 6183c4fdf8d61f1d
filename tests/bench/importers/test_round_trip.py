"""import(export(machine)) == machine, over everything that a format can hold."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockbus import BarKind, BarSpec, Machine
from mockbus.model import PlainModel
from movsdk.address import Span
from movsdk.bench.bench import WINDOWS
from movsdk.bench.exporters.kernel_log import KernelLog
from movsdk.bench.exporters.lspci_dump import lspci_dump
from movsdk.bench.importers.folder import read_dump
from movsdk.bench.importers.story import import_dumps, import_machine
from movsdk.bench.player import Player
from movsdk.bench.scenario import BarDecl, BridgeSpec, FunctionSpec, Scenario
from movsdk.bench.scenario_text import dump_scenario
from movsdk.bench.sysfs.config_file import config_size, read_config
from movsdk.bench.sysfs.export_tree import export_tree
from movsdk.bench.sysfs.proc_files import address_lines
from movsdk.bench.sysfs.stage import staged
from movsdk.bench.world import World, make_world
from movsdk.errors import BadInput
from movsdk.kernel.device import Device
from movsdk.layout.table import IO, MEM_64, PREF, UNSET, Resource
from movsdk.pci_regs import ROM_RESOURCE, PcieType
from movsdk.rescan.rules import by_name
from tests.bench.importers.dumps import OFF, STORY
from tests.bench.sysfs.pciutils import lspci, needs_pciutils


def kind_of(resource: Resource) -> BarKind:
    """What register it would be."""
    if resource.index == ROM_RESOURCE:
        return BarKind.ROM
    if resource.flags & IO:
        return BarKind.IO
    wide, pref = bool(resource.flags & MEM_64), bool(resource.flags & PREF)
    return {(0, 0): BarKind.MEM32, (0, 1): BarKind.PREF32, (1, 0): BarKind.MEM64, (1, 1): BarKind.PREF64}[wide, pref]


def bars_of(device: Device, *, placed_only: bool = False) -> tuple[BarDecl, ...]:
    """The BARs that the kernel knows, as a scenario declares them."""
    return tuple(
        BarDecl(resource.index, kind_of(resource), resource.size)
        for resource in device.resources[: ROM_RESOURCE + 1]
        if resource.flags and (not placed_only or is_placed(resource))
    )


def is_placed(resource: Resource) -> bool:
    return not resource.flags & UNSET and resource.parent is not None


def specs_by_place(scenario: Scenario) -> dict[str, FunctionSpec]:
    """The devices that are there, by the address they had."""
    return {spec.id: spec for spec in scenario.devices if spec.present}


def config_of(device: Device) -> bytes:
    return read_config(device, 0, config_size(device))


def spans(world: World) -> set[tuple[bool, Span]]:
    """The root apertures."""
    return {
        (bool(window.flags & IO), Span(window.start, window.last)) for window in world.system.root.segment.windows if window.flags
    }


def driver_of(device: Device) -> str:
    return device.driver.name if device.driver is not None else "none"


def assert_whole(scenario: Scenario, world: World) -> None:
    """Every function, byte, BAR, driver and aperture."""
    specs = specs_by_place(scenario)
    devices = {device.bdf.short: device for device in world.system.devices()}
    assert specs.keys() == devices.keys()
    for name, device in devices.items():
        assert specs[name].config == config_of(device)
        assert specs[name].bars == bars_of(device)
        assert specs[name].driver == driver_of(device)
        assert isinstance(specs[name], BridgeSpec) == device.row.is_bridge
    assert {(window.is_io, window.span) for window in scenario.windows} == spans(world)


def imported(world: World, paths: list[Path]) -> Scenario | None:
    """The machine of the files; None if it is refused rightly: the kernel gave a BAR up, and its size is in no file."""
    problem = ""
    try:
        return import_dumps([read_dump(paths)]).scenario
    except BadInput as error:
        problem = str(error)
    given_up = [
        f"the size of {device.bdf} BAR {resource.index} is in none"
        for device in world.system.devices()
        for resource in device.resources[:ROM_RESOURCE]
        if not resource.flags or not is_placed(resource)
    ]
    assert any(words in problem for words in given_up), problem
    return None


# --- random machines -------------------------------------------------------------------------------
KINDS = [BarKind.IO, BarKind.MEM32, BarKind.PREF32, BarKind.MEM64, BarKind.PREF64]


@st.composite
def cards(draw: st.DrawFn) -> tuple[BarSpec, ...]:
    found = []
    for n in draw(st.sets(st.sampled_from([0, 2, 4]))):
        kind = draw(st.sampled_from(KINDS))
        found.append(BarSpec(n, kind, 1 << draw(st.integers(2, 8) if kind is BarKind.IO else st.integers(7, 27))))
    if draw(st.booleans()):
        found.append(BarSpec(ROM_RESOURCE, BarKind.ROM, 1 << draw(st.integers(11, 18))))
    return tuple(found)


@st.composite
def machines(draw: st.DrawFn) -> Machine:
    """Ports and conventional bridges, nested; cards on every bus."""
    machine = Machine(WINDOWS)
    places: list[tuple[str, bool]] = [("root", False)]
    for number in range(draw(st.integers(1, 4))):
        on, is_link = draw(st.sampled_from(places))
        pcie = draw(st.sampled_from([None, PcieType.ROOT_PORT])) if on == "root" else None
        label = f"bridge{number}"
        slot = "00.0" if is_link else f"{number + 1:02x}.0"
        if is_link:
            places.remove((on, True))
        machine.add_bridge(
            label,
            on,
            slot,
            hotplug=draw(st.booleans()) if pcie is not None else False,
            pcie=pcie,
            prefetchable=draw(st.sampled_from([None, 32, 64])),
            io=draw(st.booleans()),
        )
        places.append((label, pcie is not None))
    for number in range(draw(st.integers(1, 5))):
        on, is_link = draw(st.sampled_from(places))
        if is_link:
            places.remove((on, True))
        machine.add(f"card{number}", on, "00.0" if is_link else f"{0x10 + number:02x}.0", PlainModel(bars=draw(cards())))
    return machine


def booted(machine: Machine, rules: str = "v9") -> tuple[World, str]:
    """The machine after boot, and its kernel log."""
    world = make_world(machine, WINDOWS, by_name(rules))
    log = KernelLog()
    after = log.watch(world)
    world.engine.boot()
    after()
    return world, log.text()


@settings(max_examples=12)
@given(machine=machines(), rules=st.sampled_from(["v9", "off"]))
def test_a_random_machine_comes_back_from_its_sysfs_tree(
    machine: Machine, rules: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Bytes, BARs with and without a place, drivers, apertures."""
    world, _ = booted(machine, rules)
    tree = tmp_path_factory.mktemp("machine") / "tree"
    export_tree(world, tree)

    scenario = imported(world, [tree])
    if scenario is not None:
        assert_whole(scenario, world)


@settings(max_examples=30)
@given(machine=machines())
def test_a_random_machine_comes_back_from_lspci_and_iomem(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Every byte, every BAR that has a place; a BAR without one has no size anywhere, and is refused by name."""
    world, _ = booted(machine)
    folder = tmp_path_factory.mktemp("machine")
    (folder / "a").write_text(lspci_dump(world))
    (folder / "b").write_text(address_lines(world, io=False))
    (folder / "c").write_text(address_lines(world, io=True))

    scenario = imported(world, [folder / name for name in "abc"])
    if scenario is None:
        return
    for name, spec in specs_by_place(scenario).items():
        device = next(device for device in world.system.devices() if device.bdf.short == name)
        assert spec.config == config_of(device)
        assert [bar for bar in spec.bars if bar.n < ROM_RESOURCE] == [
            bar for bar in bars_of(device, placed_only=True) if bar.n < ROM_RESOURCE
        ]
    assert {(window.is_io, window.span) for window in scenario.windows} == spans(world)


@settings(max_examples=30)
@given(machine=machines())
def test_a_random_machine_comes_back_from_its_log(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Ids, classes, BARs with kinds and sizes, bridges and their buses, apertures; registers beyond that are in no log."""
    world, log = booted(machine)
    path = tmp_path_factory.mktemp("machine") / "log"
    path.write_text(log)

    scenario = import_machine(path)

    specs = specs_by_place(scenario)
    devices = {device.bdf.short: device for device in world.system.devices()}
    assert specs.keys() == devices.keys()
    for name, device in devices.items():
        data, config = config_of(device), specs[name].config
        assert config is not None
        assert (config[0:4], config[9:12], config[0x0E] & 0x7F) == (data[0:4], data[9:12], data[0x0E] & 0x7F)
        assert specs[name].bars == bars_of(device)
    assert {(window.is_io, window.span) for window in scenario.windows} == spans(world)


# --- recorded machines -----------------------------------------------------------------------------
MOMENTS = [*STORY, OFF[0]]


def played(moment: Path) -> World:
    scenario = import_machine(moment)
    player = Player(scenario, by_name("v9"))
    for event in scenario.events:
        player.step(event)
    return player.world


@pytest.mark.parametrize("moment", MOMENTS, ids=[f"{each.parent.name}-{each.name}" for each in MOMENTS])
def test_a_recorded_machine_comes_back_from_its_sysfs_tree(moment: Path, tmp_path: Path) -> None:
    """Played to its boot, exported, imported: the machine of that moment; and once more it is the same scenario."""
    world = played(moment)
    export_tree(world, tmp_path / "tree")

    scenario = import_machine(tmp_path / "tree")

    assert_whole(scenario, world)
    assert specs_by_place(scenario).keys() == specs_by_place(import_machine(moment)).keys()


@needs_pciutils
@pytest.mark.parametrize("moment", MOMENTS, ids=[f"{each.parent.name}-{each.name}" for each in MOMENTS])
@pytest.mark.parametrize("options", [("-vv",), ("-vvvnnk", "-D"), ("-vvnnxxxx",)], ids=" ".join)
def test_a_recorded_machine_comes_back_from_the_words_of_lspci(moment: Path, options: tuple[str, ...], tmp_path: Path) -> None:
    """BARs, kinds, sizes, drivers, windows, slots, MSI-X: what the real lspci prints of our tree is enough."""
    world = played(moment)
    export_tree(world, tmp_path / "tree")
    (tmp_path / "words").write_text(lspci(tmp_path / "tree", *options))
    (tmp_path / "iomem").write_text(address_lines(world, io=False))
    (tmp_path / "ioports").write_text(address_lines(world, io=True))

    found = import_dumps([read_dump([tmp_path / name for name in ("words", "iomem", "ioports")])]).scenario
    whole = import_machine(tmp_path / "tree")

    words = specs_by_place(found)
    for name, spec in specs_by_place(whole).items():
        mine = words[name]
        assert (mine.bars, mine.driver, mine.on, mine.slot) == (spec.bars, spec.driver, spec.on, spec.slot)
        assert mine.config is not None
        assert spec.config is not None
        assert mine.config[9:12] == spec.config[9:12]
        if isinstance(spec, BridgeSpec) and isinstance(mine, BridgeSpec):
            assert (mine.hotplug, mine.prefetchable) == (spec.hotplug, spec.prefetchable)
            assert mine.config[0x18:0x1B] == spec.config[0x18:0x1B]
            assert [mine.config[at] & 0xF0 for at in (0x1C, 0x1D)] == [spec.config[at] & 0xF0 for at in (0x1C, 0x1D)]
            assert mine.config[0x20:0x24] == spec.config[0x20:0x24]
    assert found.windows == whole.windows


@pytest.mark.parametrize("moment", MOMENTS, ids=[f"{each.parent.name}-{each.name}" for each in MOMENTS])
def test_a_recorded_machine_comes_back_from_its_log(moment: Path, tmp_path: Path) -> None:
    """The log of our kernel over the recorded machine: the same functions, BARs, ports and apertures."""
    scenario = import_machine(moment)
    path = tmp_path / "machine.yaml"
    path.write_text(dump_scenario(scenario))
    log = KernelLog()
    staged(path, "v9", watch=log.watch)
    (tmp_path / "log").write_text(log.text())

    found = specs_by_place(import_machine(tmp_path / "log"))

    wanted = specs_by_place(scenario)
    assert {name: spec.bars for name, spec in found.items()} == {name: spec.bars for name, spec in wanted.items()}
    assert {name: (spec.on, spec.slot) for name, spec in found.items()} == {
        name: (spec.on, spec.slot) for name, spec in wanted.items()
    }
