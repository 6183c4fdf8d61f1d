"""import(export(machine)) == machine for each recorded machine, over everything that a format can hold."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from attrs import evolve

from movsdk.bench.exporters.kernel_log import KernelLog
from movsdk.bench.exporters.lspci_dump import lspci_dump
from movsdk.bench.importers.folder import read_dump
from movsdk.bench.importers.story import import_dumps, import_machine
from movsdk.bench.player import Player
from movsdk.bench.scenario import BridgeSpec, Scenario
from movsdk.bench.scenario_text import dump_scenario
from movsdk.bench.sysfs.export_tree import export_tree
from movsdk.bench.sysfs.proc_files import address_lines
from movsdk.bench.sysfs.stage import Watch, nobody, staged
from movsdk.bench.world import World
from movsdk.errors import BadInput
from movsdk.rescan.rules import by_name
from tests.bench.importers.dumps import OFF, STORY
from tests.bench.importers.round_trips import assert_whole, config_of, specs_by_place
from tests.bench.sysfs.pciutils import lspci, needs_pciutils

MOMENTS = [*STORY, *OFF]
FILES: dict[str, Callable[[World], str]] = {
    "lspci": lspci_dump,
    "iomem": partial(address_lines, io=False),
    "ioports": partial(address_lines, io=True),
}


def recorded(moment: Path) -> Scenario:
    """The machine of that moment. Where the kernel gave a BAR up, another moment tells its size; its events are not wanted."""
    dumps = [read_dump(moment), *([read_dump(STORY[1])] if moment == OFF[1] else [])]
    scenario = import_dumps(dumps).scenario
    return evolve(scenario, events=scenario.events[:1])


def played(moment: Path, rules: str = "v9", watch: Watch = nobody) -> World:
    player = Player(recorded(moment), by_name(rules))
    after_event = watch(player.world)
    player.step(player.scenario.events[0])
    after_event()
    return player.world


@pytest.mark.parametrize("moment", MOMENTS, ids=[f"{each.parent.name}-{each.name}" for each in MOMENTS])
def test_a_recorded_machine_comes_back_from_its_sysfs_tree(moment: Path, tmp_path: Path) -> None:
    """Played to its boot, exported, imported: the machine of that moment; and once more it is the same scenario."""
    world = played(moment)
    export_tree(world, tmp_path / "tree")

    scenario = import_machine(tmp_path / "tree")

    assert_whole(scenario, world)
    assert specs_by_place(scenario).keys() == specs_by_place(recorded(moment)).keys()


@pytest.mark.parametrize("moment", MOMENTS, ids=[f"{each.parent.name}-{each.name}" for each in MOMENTS])
def test_a_recorded_machine_comes_back_from_lspci_and_iomem(moment: Path, tmp_path: Path) -> None:
    """Every byte, BAR, ROM and aperture; drivers are in none of these files."""
    world = played(moment)
    for name, text in FILES.items():
        (tmp_path / name).write_text(text(world))

    scenario = import_machine(tmp_path)

    assert_whole(scenario, world, with_drivers=False)


@pytest.mark.parametrize("moment", MOMENTS[:-1], ids=[f"{each.parent.name}-{each.name}" for each in MOMENTS[:-1]])
def test_what_resource_files_tell_is_in_the_bytes_and_iomem_too(moment: Path) -> None:
    """The dump as recorded, with and without its resource file: the same machine, ROMs and busy ranges too."""
    rest = [path for path in sorted(moment.iterdir()) if path.name != "resource.txt"]

    less, whole = import_dumps([read_dump(rest)]).scenario, recorded(moment)

    assert len(rest) == 4
    assert evolve(less, name="") == evolve(whole, name="")


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
    scenario = recorded(moment)
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


def test_a_bar_that_was_given_up_comes_back_with_the_log(tmp_path: Path) -> None:
    """Linux wiped it, so that no file of the machine tells its size, and that is said by name; its log does."""
    log = KernelLog()
    world = played(OFF[1], "off", log.watch)
    export_tree(world, tmp_path / "tree")
    (tmp_path / "log").write_text(log.text())

    with pytest.raises(BadInput, match=r"the size of 0000:04:00\.0 BAR 2 is in none of the dumps"):
        import_machine(tmp_path / "tree")
    found = import_dumps([read_dump([tmp_path / "tree", tmp_path / "log"])]).scenario

    assert specs_by_place(found)["04:00.0"].bars == specs_by_place(recorded(OFF[1]))["04:00.0"].bars
    assert {name: spec.config for name, spec in specs_by_place(found).items()} == {
        device.bdf.short: config_of(device) for device in world.system.devices()
    }
