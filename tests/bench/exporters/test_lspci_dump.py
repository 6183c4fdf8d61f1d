"""The exported ``lspci -xxxx`` text, read by the real lspci -F and by our own importer."""

from __future__ import annotations

from pathlib import Path

import pytest

from movsdk.bench import gallery
from movsdk.bench.exporters.lspci_dump import lspci_dump
from movsdk.bench.sysfs.config_file import read_config
from movsdk.bench.sysfs.stage import Stage, staged
from movsdk.layout.table import UNSET
from movsdk.pci_regs import ROM_RESOURCE
from tests.bench.exporters.machines import NAMES, RULES, scenario_of
from tests.bench.sysfs.pciutils import lspci_of_dump as lspci
from tests.bench.sysfs.pciutils import needs_pciutils, regions


def programmed(stage: Stage) -> set[tuple[str, int, int]]:
    """BARs with an address and open windows as the kernel believes: device, index, start. ROM registers are not programmed."""
    return {
        (str(device.bdf), resource.index, resource.start)
        for device in stage.world.system.devices()
        for resource in device.resources
        if resource.flags and not resource.flags & UNSET and resource.parent is not None and resource.index != ROM_RESOURCE
    }


@needs_pciutils
@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("name", NAMES)
def test_lspci_reads_every_machine(tmp_path: Path, name: str, rules: str) -> None:
    """-tv, -nn, -vvv, -xxxx: no complaint, every device, and registers where the kernel believes the BARs."""
    stage = staged(scenario_of(name), rules)
    dump = tmp_path / "dump.txt"
    dump.write_text(lspci_dump(stage.world))

    assert f"[{stage.world.system.domain:04x}:00]" in lspci(dump, "-tv")
    full = lspci(dump, "-D", "-vvv", "-nn")
    assert "!!!" not in full
    # Sizes are not in this format, and lspci takes a BAR at zero for none.
    said = {(each.device, each.index, each.start) for each in regions(full) if each.index != ROM_RESOURCE}
    believed = {each for each in programmed(stage) if each[2]}
    assert believed <= said
    # What is said beyond that stands in the registers of something the kernel gave up.
    given_up = {
        (str(device.bdf), resource.index)
        for device in stage.world.system.devices()
        for resource in device.resources
        if resource.parent is None or resource.flags & UNSET
    }
    assert {each[:2] for each in said - believed} <= given_up | {each[:2] for each in programmed(stage) if not each[2]}


@needs_pciutils
def test_every_byte_is_there(tmp_path: Path) -> None:
    """``lspci -F FILE -xxxx`` prints the config space that the kernel would read."""
    stage = staged(scenario_of("q35"))
    dump = tmp_path / "dump.txt"
    dump.write_text(lspci_dump(stage.world))
    text = lspci(dump, "-D", "-xxxx")
    printed: dict[str, bytes] = {}
    for block in text.strip().split("\n\n"):
        head, *rows = block.splitlines()
        printed[head.split()[0]] = b"".join(bytes.fromhex(row.split(": ")[1]) for row in rows)
    for device in stage.world.system.devices():
        config = read_config(device, 0, 4096)
        shown = printed[str(device.bdf)]
        assert config.startswith(shown)
        assert set(config[len(shown) :]) <= {0xFF}


def test_a_function_without_an_id_database() -> None:
    """The head line has address, class, ids and a revision that is not zero."""
    text = lspci_dump(staged(gallery.find("f1-working-bar-moves") or "").world)
    heads = [line for line in text.splitlines() if "Class" in line]
    assert heads[0] == "0000:00:01.0 Class [0604]: Device [1b36:0001]"
    assert heads[2] == "0000:01:00.0 Class [0108]: Device [1b36:0010] (rev 02)"
    assert text.count("\n00: ") == len(heads) == 4
