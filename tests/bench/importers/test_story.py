"""Scenarios out of dumps."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from movsdk import pci_regs as regs
from movsdk.bench.assembly import assemble
from movsdk.bench.importers.folder import read_dump
from movsdk.bench.importers.story import import_dumps, import_machine, import_story
from movsdk.bench.scenario import BarDecl, BridgeSpec, EndpointSpec
from movsdk.bench.scenario_file import load
from movsdk.bench.scenario_text import dump_scenario
from movsdk.errors import BadInput
from movsdk.pci_regs import BarKind
from tests.bench.importers.dumps import BOOT, OFF, STORY, copy_of, replacing

NVME_ROW = "00: 36 1b 10 00 07 05 10 00 02 02 08 01 00 00 00 00"


def told(folders: list[Path]) -> list[str]:
    return [str(event) for event in import_story(folders).events]


def test_every_byte_of_a_dump_is_in_the_scenario_and_in_its_silicon() -> None:
    """Nothing is thrown away, nothing is made up; only what a slot shows of its card is silicon's own."""
    dump = read_dump(BOOT)

    scenario = import_machine(BOOT)
    machine = assemble(scenario)

    specs = {spec.id: spec for spec in scenario.devices}
    assert {spec.id: spec.config for spec in specs.values()} == {each.bdf.short: each.config for each in dump.functions.values()}
    for each in dump.functions.values():
        here = machine.function(each.bdf.short)
        assert here.config.initial == each.config
        assert here.present
        assert machine.label_at(each.bdf.bus, each.bdf.devfn) == each.bdf.short


def test_devices_are_declared_as_the_dump_has_them() -> None:
    """BARs and sizes from resource, drivers by our names, hot-plug and windows from the bytes."""
    scenario = import_machine(BOOT)

    nvme, port = scenario.find("03:00.0"), scenario.find("02:01.0")
    assert isinstance(nvme, EndpointSpec)
    assert (nvme.on, nvme.slot, nvme.driver, nvme.bars) == ("02:00.0", "00.0", "nvme", (BarDecl(0, BarKind.MEM64, 0x4000),))
    assert isinstance(port, BridgeSpec)
    assert (port.hotplug, port.prefetchable, port.io, port.driver) == (True, 64, True, "port")
    assert scenario.find("00:04.0").bars == (BarDecl(0, BarKind.MEM32, 0x1000),)
    upstream = scenario.find("01:00.0")
    assert isinstance(upstream, BridgeSpec)
    assert not upstream.hotplug
    assert scenario.find("05:00.0").driver == "none"
    assert scenario.name == "0boot"
    assert scenario.warnings == ()
    assert told([BOOT]) == ["boot"]


def test_newcomers_are_plugged_and_hot_added_below_their_port() -> None:
    """The story of the recorded machine, dump by dump."""
    assert told(STORY) == [
        "boot",
        "plug 04:00.0",
        "hotadd 02:01.0",
        "plug 06:00.0",
        "hotadd 02:03.0",
        "plug 08:00.0",
        "hotadd 00:06.0",
    ]


def test_a_newcomer_is_in_power_on_state() -> None:
    """Its bytes are the later dump's with decode off and no addresses; it is not there until plugged."""
    newcomer = import_story(STORY).find("08:00.0")

    assert (newcomer.present, newcomer.driver, newcomer.bars) == (False, "nvme", (BarDecl(0, BarKind.MEM64, 0x4000),))
    assert newcomer.config is not None
    assert newcomer.config[regs.COMMAND : regs.COMMAND + 2] == bytes(2)
    assert newcomer.config[0x10:0x14] == bytes([4, 0, 0, 0])


def test_what_is_gone_is_removed_and_may_come_back() -> None:
    """Told backwards and forwards again: three cards leave, two return."""
    assert told([STORY[3], STORY[0], STORY[2]]) == [
        "boot",
        "remove 04:00.0",
        "remove 06:00.0",
        "remove 08:00.0",
        "plug 04:00.0",
        "hotadd 02:01.0",
        "plug 06:00.0",
        "hotadd 02:03.0",
    ]


def without(*devices: str) -> dict[str, Callable[[str], str]]:
    """Edits that take devices out of lspci, resource and drivers."""

    def blocks(text: str) -> str:
        return "\n\n".join(block for block in text.split("\n\n") if not block.startswith(devices))

    def lines(text: str) -> str:
        return "".join(line for line in text.splitlines(keepends=True) if not line.startswith(devices))

    return {"lspci": blocks, "resource": blocks, "drivers": lines}


def test_a_chassis_comes_as_one_and_later_cards_are_taken_out_of_it_first(tmp_path: Path) -> None:
    """`plug` brings all that is declared below; a card of a later dump must not come with the switch."""
    below = ("0000:01:", "0000:02:", "0000:03:", "0000:04:", "0000:05:")
    empty = copy_of(STORY[1], tmp_path / "a", **without(*below))
    switch = copy_of(STORY[1], tmp_path / "b", **without("0000:04:00.0"))

    scenario = import_story([empty, switch, STORY[1]])

    assert [str(event) for event in scenario.events] == [
        "boot",
        "plug 01:00.0",
        "unplug 04:00.0",
        "hotadd 00:04.0",
        "plug 04:00.0",
        "hotadd 02:01.0",
    ]
    machine = assemble(scenario)
    machine.plug("01:00.0")
    assert machine.function("03:00.0").present


def test_a_newcomer_on_the_root_bus_is_found_by_a_rescan(tmp_path: Path) -> None:
    """No port tells of it."""
    before = copy_of(BOOT, tmp_path, **without("0000:00:1f.3"))

    assert told([before, BOOT]) == ["boot", "plug 00:1f.3", "rescan"]


def test_a_name_that_meant_somebody_else_is_replaced_by_the_path(tmp_path: Path) -> None:
    """Buses may be renumbered between dumps; ids stay unique."""
    before = copy_of(BOOT, tmp_path / "a", **without("0000:05:00.0"))

    def renumber(text: str) -> str:
        text = text.replace("0000:03:00.0", "0000:13:00.0").replace("00 00 00 00 02 03 03 00", "00 00 00 00 02 13 13 00")
        return text.replace("0000:05:00.0", "0000:03:00.0").replace("00 00 00 00 02 05 05 00", "00 00 00 00 02 03 03 00")

    after = copy_of(BOOT, tmp_path / "b", lspci=renumber, resource=renumber, drivers=renumber, iomem=renumber)

    assert told([before, after]) == ["boot", "plug 0000:04.0/00.0/02.0/00.0", "hotadd 02:02.0"]


def test_another_card_in_the_same_slot_is_refused(tmp_path: Path) -> None:
    """Same path, other ids: two devices, and a scenario holds one a slot."""
    after = copy_of(BOOT, tmp_path, lspci=replacing(NVME_ROW, NVME_ROW.replace("10 00 07", "11 00 07")))

    with pytest.raises(BadInput) as caught:
        import_story([BOOT, after])

    assert str(caught.value) == (
        f"{after}/lspci-xxxx.txt:2137: 0000:03:00.0 is 1b36:0011 here and was 1b36:0010 before; "
        "a scenario holds one card a slot, import the two parts of the story apart"
    )


def test_a_size_that_no_dump_has_is_refused_by_name() -> None:
    """The failed BAR of q35-off is wiped: its register shows that it is there, nothing shows how big it is."""
    with pytest.raises(BadInput) as caught:
        import_story(OFF)

    assert str(caught.value) == (
        f"{OFF[1]}/resource.txt:153: the size of 0000:04:00.0 BAR 2 is in none of the dumps: its register holds 0xc, but Linux "
        "dropped it; add lspci -vv, sysfs resource, iomem or dmesg, or a dump from before it was dropped"
    )


def test_any_dump_of_the_story_may_give_the_size(tmp_path: Path) -> None:
    """The same card in another dump is a source, earlier or later."""
    scenario = import_story([*OFF, STORY[1]])

    assert scenario.find("04:00.0").bars[1] == BarDecl(2, BarKind.PREF64, 64 << 20)


def edited(folder: Path, old: str, new: str, file: str = "resource") -> Path:
    return copy_of(BOOT, folder, **{file: replacing(old, new)})


NVME_BAR = "0x00000000fe400000 0x00000000fe403fff 0x0000000000140204"
NVME_LAST = "0000:03:00.0\n" + NVME_BAR


@pytest.mark.parametrize(
    ("new", "message"),
    [
        (
            "0000:03:00.0\n0x00000000fe400000 0x00000000fe403fff 0x0000000000040200",
            "resource.txt:142: 0000:03:00.0 BAR 0 is mem32 here, but its register in lspci-xxxx.txt:2137 is mem64; "
            "take all files at one moment",
        ),
        (
            "0000:03:00.0\n0x00000000fe400000 0x00000000fe402fff 0x0000000000140204",
            "resource.txt:142: 0000:03:00.0 BAR 0 has 12288 bytes, no power of two",
        ),
    ],
)
def test_a_bar_that_contradicts_its_register_is_refused(new: str, message: str, tmp_path: Path) -> None:
    """Files of two moments, or of two machines."""
    folder = edited(tmp_path, NVME_LAST, new)

    with pytest.raises(BadInput) as caught:
        import_machine(folder)

    assert str(caught.value) == f"{folder}/{message}"


def test_what_the_scenario_would_refuse_the_import_refuses(tmp_path: Path) -> None:
    """Whatever a dump holds, a file that is written can be read."""
    folder = edited(tmp_path, NVME_LAST, "0000:03:00.0\n0x00000000fe400000 0x00000000fe400007 0x0000000000140204")

    with pytest.raises(BadInput) as caught:
        import_machine(folder)

    assert str(caught.value).endswith("resource.txt:142: 0000:03:00.0 BAR 0 has 8 bytes, which no mem64 BAR can have")


def test_a_shadow_rom_is_no_rom_bar(tmp_path: Path) -> None:
    """The kernel put the copy of the video BIOS in its place, and will do so again."""
    none = "0x0000000000000000 0x0000000000000000 0x0000000000000000"
    block = f"0000:00:00.0\n{(none + chr(10)) * 6}"
    shadow = "0x00000000000c0000 0x00000000000dffff 0x0000000000000212\n"
    folder = edited(tmp_path, f"{block}{none}\n", block + shadow)

    assert import_machine(folder).find("00:00.0").bars == ()


def test_a_pinned_bar_stays_pinned(tmp_path: Path) -> None:
    """IORESOURCE_PCI_FIXED is the platform's word."""
    folder = edited(tmp_path, NVME_LAST, NVME_LAST[:-3] + "214")

    assert import_machine(folder).find("03:00.0").pci_fixed == (0,)


@pytest.mark.parametrize("style", ["yaml", "json"])
def test_an_imported_story_is_written_and_read_back_equal(style: str, tmp_path: Path) -> None:
    """`movsdk import -o FILE` and `movsdk run FILE` mean the same machine."""
    scenario = import_story(STORY)
    path = tmp_path / f"q35.{style}"
    path.write_text(dump_scenario(scenario, style))

    (named,) = load(path)

    assert named.scenario == scenario
    assert named.name == "0boot then 1ivshmem64_dn1 then 2edu_dn3 then 3nvme_rp2"


def test_domains_are_kept_and_not_mixed(tmp_path: Path) -> None:
    """A machine of domain 1 is one; a story of two domains is none."""

    def one(text: str) -> str:
        return text.replace("0000:", "0001:")

    edits = dict.fromkeys(("lspci", "resource", "iomem", "ioports", "drivers"), one)
    folder = copy_of(BOOT, tmp_path, **edits)

    assert import_machine(folder).domain == 1
    with pytest.raises(BadInput) as caught:
        import_story([folder, STORY[1]])
    assert str(caught.value) == f"{STORY[1]}: domain 0000, but {folder} is domain 0001; a scenario is one domain"


def test_demo_dumps_are_the_recorded_ones(tmp_path: Path) -> None:
    """Package data is what the tests read; a folder elsewhere is read the same."""
    elsewhere = Path(shutil.copytree(BOOT, tmp_path / "0boot"))

    assert import_machine(elsewhere) == import_machine(BOOT)


def test_a_bar_of_another_size_in_a_later_dump_is_told(tmp_path: Path) -> None:
    """A card of the same kind with more memory, or a resized BAR: the story goes on with the first, and says so by name."""
    later = copy_of(
        BOOT,
        tmp_path,
        resource=replacing("fcc00000 0x00000000fcffffff 0x000000000014220c", "fc800000 0x00000000fcffffff 0x000000000014220c"),
        iomem=replacing("fcc00000-fcffffff : 0000:05:00.0", "fc800000-fcffffff : 0000:05:00.0"),
        lspci=replacing("0c 00 c0 fc", "0c 00 80 fc"),
    )

    imported = import_dumps([read_dump(BOOT), read_dump(later)])

    assert [note.split(": ", 1)[1] for note in imported.notes if "another card" in note] == [
        "0000:05:00.0 BAR 2 has 8M here and had 4M before: another card, or a resized BAR; played with 4M all along"
    ]
    assert import_dumps([read_dump(BOOT), read_dump(BOOT)]).notes == ()
