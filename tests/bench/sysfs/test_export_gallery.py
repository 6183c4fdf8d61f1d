"""Every machine that comes with the project, exported as a folder and read by the real lspci."""

from __future__ import annotations

from pathlib import Path

import pytest

from movsdk.bench.sysfs.export_tree import export_tree
from movsdk.bench.sysfs.stage import staged
from movsdk.bench.world import World
from movsdk.layout.table import UNSET
from tests.bench.exporters.machines import NAMES, RULES, scenario_of
from tests.bench.sysfs.pciutils import Region, lspci, needs_pciutils, regions


def believed(world: World) -> set[Region]:
    """BARs and windows that the kernel remembers an address of, in lspci's words: also a fixed BAR that lost its window."""
    return {
        Region(str(device.bdf), resource.index, resource.start, resource.size)
        for device in world.system.devices()
        for resource in device.resources
        if resource.flags and not resource.flags & UNSET and resource.start
    }


@needs_pciutils
@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("name", NAMES)
def test_lspci_prints_what_the_model_believes(tmp_path: Path, name: str, rules: str) -> None:
    """Each region and window, none else; no complaint; ``<unassigned>`` and ``<ignored>`` only where the kernel gave up."""
    world = staged(scenario_of(name), rules).world
    export_tree(world, tmp_path / "tree")

    assert "[" in lspci(tmp_path / "tree", "-tv")
    lspci(tmp_path / "tree", "-xxxx")
    full = lspci(tmp_path / "tree", "-D", "-vvv", "-nn")

    assert "!!!" not in full
    found = list(regions(full))
    printed = {Region(each.device, each.index, each.start, each.size) for each in found if each.start}
    assert printed == believed(world)
    without = {(each.device, each.index) for each in found if each.start is None}
    assert not without & {(each.device, each.index) for each in believed(world)}
    for device in world.system.devices():
        if device.driver is not None:
            assert f"Kernel driver in use: {device.driver.name}" in full
