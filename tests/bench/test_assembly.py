"""Silicon out of a scenario."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mockbus.bridge import Bridge
from mockbus.capabilities import walk
from mockbus.model import PlainModel
from mockbus.topology import Machine
from movsdk import pci_regs as regs
from movsdk.address import Span
from movsdk.bench import reference
from movsdk.bench.assembly import MADE_UP_VENDOR, apertures, assemble, host_ram
from movsdk.bench.config_facts import is_hotplug_port, pcie_type
from movsdk.bench.scenario import Scenario
from movsdk.bench.scenario_schema import parse
from movsdk.clock import Clock
from movsdk.errors import BadInput
from movsdk.pci_regs import PcieType

MEM = {"type": "mem", "start": 0xE0000000, "last": 0xEFFFFFFF}
IO = {"type": "io", "start": 0x1000, "last": 0xFFFF}
PORT = {"id": "p", "slot": "01.0", "kind": "bridge"}


def scenario(*devices: dict[str, Any], **words: Any) -> Scenario:
    return parse({"windows": [IO, MEM], "devices": list(devices), **words})


def config(machine: Machine, label: str, offset: int, size: int) -> int:
    return machine.function(label).config.read(offset, size)


def test_the_tree_is_built_whatever_the_order_of_the_file() -> None:
    """Labels are ids; apertures, domain and clock are the scenario's."""
    clock = Clock()
    card = {"id": "a", "on": "p", "slot": "00.0"}

    machine = assemble(scenario(card, PORT, domain=2), clock)

    assert machine.labels == ("p", "a")
    assert machine.fabric.clock is clock
    assert machine.fabric.domain == 2
    assert apertures(scenario(PORT)) == [("io", Span(0x1000, 0xFFFF)), ("mem", Span(0xE0000000, 0xEFFFFFFF))]


def test_absent_devices_wait_to_be_plugged() -> None:
    """`present: false` is there after `plug`, with all below it."""
    machine = assemble(scenario(PORT | {"present": False}, {"id": "a", "on": "p", "slot": "00.0"}))
    assert machine.fabric.config_read(0, 0x08, 0, 4) == 0xFFFFFFFF

    machine.plug("p")

    assert machine.fabric.config_read(0, 0x08, 0, 4) != 0xFFFFFFFF
    assert machine.function("a").present


def test_a_plain_device_gets_ids_of_its_own() -> None:
    """No two are alike, and none is anybody's product."""
    machine = assemble(scenario({"id": "a", "slot": "01.0"}, {"id": "b", "slot": "02.0", "driver": "movable"}))

    ids = [config(machine, label, regs.VENDOR_ID, 4) for label in ("a", "b")]

    assert [number & 0xFFFF for number in ids] == [MADE_UP_VENDOR] * 2
    assert ids[0] != ids[1]
    assert isinstance(machine.function("b").model, PlainModel)
    assert config(machine, "a", regs.CLASS_PROG, 2) == 0x0000  # with the byte above: 0x020000
    assert config(machine, "a", regs.REVISION_ID, 4) >> 8 == 0x020000


def test_what_a_device_says_of_itself_is_in_its_header() -> None:
    """Class, ids, revision, subsystem, PCI Express."""
    device = {
        "id": "a",
        "slot": "01.0",
        "class": 0x030000,
        "vendor": 0x1AF4,
        "device": 0x1110,
        "revision": 7,
        "subsystem": [1, 2],
        "pcie": "endpoint",
    }

    machine = assemble(scenario(device))

    assert config(machine, "a", regs.VENDOR_ID, 4) == 0x11101AF4
    assert config(machine, "a", regs.REVISION_ID, 4) == 0x03000007
    assert config(machine, "a", regs.SUBSYSTEM_VENDOR_ID, 4) == 0x00020001
    assert pcie_type(bytes(machine.function("a").config.data)) is PcieType.ENDPOINT


def test_a_bridge_has_what_it_declares() -> None:
    """Ids survive a power cycle; windows exist as declared; a hot-plug PCIe port says so."""
    port = PORT | {"vendor": 0x104C, "device": 0x8233, "revision": 1, "pcie": "root-port", "hotplug": True, "io": False}

    machine = assemble(scenario(port))
    machine.unplug("p")
    machine.plug("p")

    bridge = machine.function("p")
    assert isinstance(bridge, Bridge)
    assert config(machine, "p", regs.VENDOR_ID, 4) == 0x8233104C
    assert config(machine, "p", regs.REVISION_ID, 4) == 0x06040001
    assert (bridge.has_io, bridge.has_pref) == (False, True)
    assert is_hotplug_port(bytes(bridge.config.data))


def test_firmware_values_stand_in_the_registers_and_switch_decode_on() -> None:
    """Even an address of 0; even bus numbers that make no sense."""
    bars = [{"n": 0, "type": "mem32", "size": "4K", "firmware": 0xE0000800}, {"n": 1, "type": "io", "size": 32}]
    port = PORT | {"firmware": {"bus": [7, 3, 1], "io": [0x1000, 0x1FFF], "pref": [0, 0xFFFFF]}}

    machine = assemble(scenario({"id": "a", "slot": "02.0", "bars": bars}, port))

    assert config(machine, "a", regs.BASE_ADDRESS_0, 4) == 0xE0000000
    assert config(machine, "a", regs.BASE_ADDRESS_0 + 4, 4) == 1
    assert config(machine, "a", regs.COMMAND, 2) == regs.COMMAND_MEMORY
    assert config(machine, "p", regs.PRIMARY_BUS, 4) == 0x00010307
    assert config(machine, "p", regs.COMMAND, 2) == regs.COMMAND_MEMORY | regs.COMMAND_IO


def test_config_bytes_are_kept_but_for_firmware_values_beside_them() -> None:
    """A dumped BAR or bus number can be tried out with another value without editing hex."""
    card = {
        "id": "a",
        "slot": "02.0",
        "config": {"size": 64, "0x00": "36 1b 10 00 07 05", "0x10": "04 00 40 fe", "0x18": "00 10 00 fe"},
        "bars": [{"n": 0, "type": "mem64", "size": "16K", "firmware": "0x100000000"}, {"n": 2, "type": "mem32", "size": "4K"}],
    }
    port = PORT | {
        "config": {"size": 64, "0x00": "36 1b 0c 00 07 01", "0x0c": "00 00 01 00", "0x18": "00 01 06 00 10 50"},
        "firmware": {"bus": [0, 9, 9], "mem": [0xE0000000, 0xE00FFFFF]},
    }

    machine = assemble(scenario(card, port))

    assert config(machine, "a", 0x10, 4) | config(machine, "a", 0x14, 4) << 32 == 0x100000004
    assert config(machine, "a", 0x18, 4) == 0xFE001000
    assert config(machine, "a", regs.COMMAND, 2) == 0x0507
    assert config(machine, "p", regs.PRIMARY_BUS, 4) == 0x00090900
    assert config(machine, "p", regs.IO_BASE, 2) == 0x5010
    assert config(machine, "p", regs.MEMORY_BASE, 4) == 0xE000E000


def test_a_reference_driver_brings_its_model_and_the_scenario_may_resize_it() -> None:
    """64 GiB of VRAM cost nothing to declare; BARs that are not named stay the model's."""
    model = reference.load("gpu").model
    assert model is not None
    bars = model().bars
    vram = next(bar for bar in bars if bar.kind.is_64bit)
    device = {"id": "a", "slot": "01.0", "driver": "gpu", "bars": [{"n": vram.n, "type": "pref64", "size": "64G"}]}

    function = assemble(scenario(device)).function("a")

    assert isinstance(function.model, model)
    assert {n: bar.spec.size for n, bar in function.bars.items()} == {bar.n: bar.size for bar in bars} | {vram.n: 64 << 30}
    assert function.bars[vram.n].spec.content == vram.content


def test_beside_config_bytes_only_declared_bars_exist(tmp_path: Path) -> None:
    """The dump's BARs are the card's; a model with more gets no register for them."""
    (tmp_path / "model.py").write_text(
        "from mockbus.bar import BarSpec\nfrom mockbus.model import DeviceModel\nfrom movsdk.pci_regs import BarKind\n"
        "class Two(DeviceModel):\n    vendor_id = device_id = 1\n"
        "    bars = (BarSpec(0, BarKind.MEM32, 4096), BarSpec(1, BarKind.MEM32, 4096))\n"
        "class Broken(DeviceModel):\n    def __init__(self, size):\n        pass\n"
        "class NoModel:\n    pass\n"
    )
    device = {
        "id": "a",
        "slot": "01.0",
        "model": "model.py:Two",
        "config": "01000100" + "00" * 60,
        "bars": [{"n": 0, "type": "mem32", "size": "1M"}],
    }

    function = assemble(parse({"windows": [], "devices": [device]}, folder=str(tmp_path))).function("a")

    assert {n: bar.spec.size for n, bar in function.bars.items()} == {0: 1 << 20}
    for name, message in {
        "Broken": "a: model Broken() failed: TypeError: Broken.__init__() missing 1 required positional argument: 'size'",
        "NoModel": "a: model NoModel is no mockbus.model.DeviceModel; subclass it",
    }.items():
        wrong = {"windows": [], "devices": [{"id": "a", "slot": "01.0", "model": f"model.py:{name}"}]}
        with pytest.raises(BadInput) as caught:
            assemble(parse(wrong, folder=str(tmp_path)))
        assert str(caught.value) == message


@pytest.mark.parametrize(
    ("ram", "windows", "span"),
    [
        (None, [MEM], Span(0x100000, 0x3FFFFFFF)),
        ([], [MEM], None),
        ([{"start": 0, "last": 0xFFFFF}], [MEM], None),
        (
            [{"start": 0, "last": 0x3FFFFFFF}],
            [{"type": "mem", "start": 0x20000000, "last": 0x2FFFFFFF}],
            Span(0x100000, 0x1FFFFFFF),
        ),
        (
            [
                {"start": 0, "last": 0x9FFFF, "name": "System RAM"},
                {"start": 0x100000, "last": 0x1FFD6FFF, "name": "System RAM"},
                {"start": 0x20000000, "last": 0xDFFFFFFF, "name": "Reserved"},
            ],
            [{"type": "mem", "start": 0xA0000, "last": 0xBFFFF}, MEM],
            Span(0x100000, 0x1FFD6FFF),
        ),
    ],
)
def test_dma_buffers_live_in_the_scenarios_ram(ram: Any, windows: Any, span: Span | None) -> None:
    """The largest piece of RAM, clear of the first MiB and of every aperture."""
    words = {"windows": windows, "devices": []} | ({} if ram is None else {"ram": ram})

    assert host_ram(parse(words)) == span


def test_whoever_has_pci_express_can_sleep() -> None:
    """No PCI Express function is without power management; a model that brings its own keeps it."""
    machine = assemble(
        scenario(
            PORT | {"pcie": "root-port"},
            {"id": "a", "on": "p", "slot": "00.0", "pcie": "endpoint"},
            {"id": "n", "slot": "02.0", "driver": "nvme", "pcie": "endpoint"},
            {"id": "old", "slot": "03.0"},
        )
    )
    managers = {
        label: [at for number, at in walk(machine.function(label).config) if number == regs.CAP_ID_PM] for label in machine.labels
    }

    assert {label: len(found) for label, found in managers.items()} == {"p": 1, "a": 1, "n": 1, "old": 0}
