"""import(export(machine)) == machine, over everything that a format can hold."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockbus import BarKind, BarSpec, Machine
from mockbus.model import PlainModel
from movsdk.address import Span
from movsdk.bench.bench import WINDOWS
from movsdk.bench.exporters.kernel_log import KernelLog
from movsdk.bench.exporters.lspci_dump import lspci_dump
from movsdk.bench.importers.story import import_machine
from movsdk.bench.player import Player
from movsdk.bench.sysfs.export_tree import export_tree
from movsdk.bench.sysfs.proc_files import address_lines
from movsdk.bench.world import World, make_world
from movsdk.pci_regs import ROM_RESOURCE, PcieType
from movsdk.rescan.rules import by_name
from tests.bench.importers.round_trips import assert_whole, bars_of, config_of, imported, spans, specs_by_place, texts

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


Windows = tuple[tuple[str, Span], ...]
PLAIN: Windows = tuple(("io" if kind == "io" else "mem", span) for kind, span in WINDOWS)  # as a PC's, and as iomem shows all


@st.composite
def machines(draw: st.DrawFn) -> tuple[Machine, Windows]:
    """Ports and conventional bridges, nested; cards on every bus; host bridges with I/O ports and without."""
    windows = draw(st.sampled_from([WINDOWS, PLAIN, PLAIN[1:]]))
    machine = Machine(windows)
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
    return machine, windows


def booted(machine: tuple[Machine, Windows], rules: str = "v9") -> tuple[World, str]:
    """The machine after boot, and its kernel log."""
    world = make_world(*machine, by_name(rules))
    log = KernelLog()
    after = log.watch(world)
    world.engine.boot()
    after()
    return world, log.text()


@settings(max_examples=12)
@given(machine=machines(), rules=st.sampled_from(["v9", "off"]))
def test_a_random_machine_comes_back_from_its_sysfs_tree(
    machine: tuple[Machine, Windows], rules: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Bytes, BARs with and without a place, drivers, apertures; played to its boot it is the same to lspci, iomem and ioports."""
    world, _ = booted(machine, rules)
    tree = tmp_path_factory.mktemp("machine") / "tree"
    export_tree(world, tree)

    scenario = imported(world, [tree])
    if scenario is None:
        return
    assert_whole(scenario, world)
    if machine[1] != WINDOWS:  # whether an aperture is a prefetchable one stands in no file but the log
        again = Player(scenario, by_name(rules))
        again.step(scenario.events[0])
        assert texts(again.world) == texts(world)


@settings(max_examples=30)
@given(machine=machines())
def test_a_random_machine_comes_back_from_lspci_and_iomem(
    machine: tuple[Machine, Windows], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Every byte, every BAR that has a place; a BAR without one has no size anywhere, and is refused by name."""
    world, _ = booted(machine)
    folder = tmp_path_factory.mktemp("machine")
    (folder / "a").write_text(lspci_dump(world))
    (folder / "b").write_text(address_lines(world, io=False))
    (folder / "ioports").write_text(address_lines(world, io=True))

    scenario = imported(world, [folder / name for name in ("a", "b", "ioports")])
    if scenario is None:
        return
    for name, spec in specs_by_place(scenario).items():
        device = next(device for device in world.system.devices() if device.bdf.short == name)
        assert spec.config == config_of(device)
        assert spec.bars == bars_of(device, placed_only=True)
    assert {(window.is_io, window.span) for window in scenario.windows} == spans(world)


@settings(max_examples=30)
@given(machine=machines())
def test_a_random_machine_comes_back_from_its_log(
    machine: tuple[Machine, Windows], tmp_path_factory: pytest.TempPathFactory
) -> None:
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
