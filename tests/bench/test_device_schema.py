"""One device of a scenario."""

from __future__ import annotations

from typing import Any

import pytest

from movsdk.bench.device_schema import read_device
from movsdk.bench.place import Place
from movsdk.bench.scenario import BarDecl, BridgeFirmware, BridgeSpec, EndpointSpec, Load
from movsdk.errors import BadInput
from movsdk.pci_regs import BarKind, PcieType

HERE = Place("m", "d")
BRIDGE_CONFIG = {"size": 256, "0x00": "36 1b 0c 00", "0x0c": "00 00 01 00"}
ENDPOINT_CONFIG = {"size": 64, "0x00": "36 1b 10 00", "0x10": "04 00 40 fe"}


def endpoint(**words: Any) -> Any:
    return read_device({"id": "a", "slot": "01.0", **words}, HERE)


def bridge(**words: Any) -> Any:
    return read_device({"id": "p", "slot": "01.0", "kind": "bridge", **words}, HERE)


def bar(**words: Any) -> Any:
    return endpoint(bars=[{"n": 0, "type": "mem32", "size": "4K"} | words])


def test_an_endpoint_needs_an_id_and_a_slot_only() -> None:
    """All else has a default."""
    assert endpoint() == EndpointSpec(id="a", on="root", slot="01.0", present=True, driver="none", bars=())


def test_every_key_of_an_endpoint_is_read() -> None:
    """Numbers in any spelling, BARs in order, load spelt out."""
    found = endpoint(
        on="p",
        slot="1F.7",
        present=False,
        **{"class": "0x030000"},
        vendor=0x1AF4,
        device="0x1110",
        subsystem=[1, 2],
        revision=3,
        pcie="legacy-endpoint",
        bars=[
            {"n": 0, "type": "mem64", "size": "16K", "firmware": "0xfe400000"},
            {"n": 6, "type": "rom", "size": 65536},
            {"n": 2, "type": "io", "size": 32, "firmware": 0},
        ],
        driver="mixed",
        fixed_bars=[2, 5],
        pci_fixed=[0],
        model="mine.py:Model",
        load={"reads": 3, "size": "8K"},
    )

    assert found == EndpointSpec(
        id="a",
        on="p",
        slot="1f.7",
        present=False,
        class_code=0x030000,
        vendor=0x1AF4,
        device=0x1110,
        subsystem=(1, 2),
        revision=3,
        pcie=PcieType.LEGACY_ENDPOINT,
        bars=(
            BarDecl(0, BarKind.MEM64, 0x4000, 0xFE400000),
            BarDecl(6, BarKind.ROM, 65536),
            BarDecl(2, BarKind.IO, 32, 0),
        ),
        driver="mixed",
        fixed_bars=(2, 5),
        pci_fixed=(0,),
        model="mine.py:Model",
        load=Load(reads=3, writes=0, size=8192),
    )


def test_every_key_of_a_bridge_is_read() -> None:
    """Firmware values are kept as they are, closed windows and odd bus numbers included."""
    found = bridge(
        hotplug=True,
        prefetchable=None,
        io=False,
        driver="port",
        pcie="root-port",
        bars=[{"n": 0, "type": "mem32", "size": "4K"}],
        firmware={"bus": [9, 3, 1], "io": [0x1000, 0], "mem": ["0x20000000", "0x207fffff"]},
    )

    assert found == BridgeSpec(
        id="p",
        slot="01.0",
        hotplug=True,
        prefetchable=None,
        io=False,
        driver="port",
        pcie=PcieType.ROOT_PORT,
        bars=(BarDecl(0, BarKind.MEM32, 4096),),
        firmware=BridgeFirmware(bus=(9, 3, 1), io=(0x1000, 0), mem=(0x20000000, 0x207FFFFF)),
    )


@pytest.mark.parametrize(
    ("words", "load"),
    [
        ({}, None),
        ({"load": False}, None),
        ({"load": None}, None),
        ({"load": True}, Load(8, 8, 4096)),
        ({"load": {}}, Load(8, 8, 4096)),
        ({"load": {"writes": 2}}, Load(0, 2, 4096)),
    ],
)
def test_a_load_names_what_it_wants(words: dict[str, Any], load: Load | None) -> None:
    """`true` is the usual amount; naming reads alone means no writes."""
    assert endpoint(**words).load == load


def test_a_display_is_lit_in_memory() -> None:
    """In a BAR that the device has; which ones a model has is not known yet."""
    bars = [{"n": 0, "type": "io", "size": 32}, {"n": 1, "type": "mem32", "size": 4096}]

    assert endpoint(bars=bars, lit=1).lit == 1
    assert endpoint(lit=2).lit == 2
    for number in (0, 2):
        with pytest.raises(BadInput, match=f"lit: {number} is no memory BAR of this device"):
            endpoint(bars=bars, lit=number)


@pytest.mark.parametrize("driver", ["fixed", "nvme", "mine.py:Driver", "../up/mine.py:Driver", "package.module:Driver"])
def test_a_driver_is_a_kind_a_name_or_a_class(driver: str) -> None:
    """The recorded kinds, the reference drivers, and the user's own."""
    assert endpoint(driver=driver).driver == driver


def test_config_bytes_are_kept() -> None:
    """Every byte, with the BARs they hold declared beside them."""
    found = endpoint(config=ENDPOINT_CONFIG, bars=[{"n": 0, "type": "mem64", "size": "16K"}])

    assert found.config[:4] + found.config[0x10:0x14] == bytes.fromhex("361b1000040040fe")
    assert len(found.config) == 64


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: read_device(7, HERE), "m: d: 7 is not an object; write {"),
        (lambda: read_device({"slot": "01.0"}, HERE), "m: d: 'id' is missing"),
        (lambda: read_device({"id": "a"}, HERE), "m: d: 'slot' is missing"),
        (lambda: endpoint(kind="brige"), "m: d.kind: unknown value \"brige\"; did you mean 'bridge'?"),
        (lambda: endpoint(barz=[]), "m: d.barz: unknown key \"barz\"; did you mean 'bars'?"),
        (lambda: endpoint(hotplug=True), "m: d.hotplug: only a bridge has 'hotplug'; this is kind 'endpoint'"),
        (lambda: bridge(load=True), "m: d.load: only an endpoint has 'load'; this is kind 'bridge'"),
        (lambda: endpoint(id="root"), "m: d.id: \"root\" cannot be an id; take up to 100 printable characters, and not 'root'"),
        (lambda: endpoint(id=4), "m: d.id: 4 is not text; put it in quotes"),
        (lambda: endpoint(slot="1.0"), 'm: d.slot: "1.0" is not a slot; write device and function in hex as 00.0 to 1f.7'),
        (lambda: endpoint(slot="20.0"), 'm: d.slot: "20.0" is not a slot; write device and function in hex as 00.0 to 1f.7'),
        (lambda: endpoint(slot="1f.8"), 'm: d.slot: "1f.8" is not a slot; write device and function in hex as 00.0 to 1f.7'),
        (lambda: endpoint(slot=1.0), "m: d.slot: 1.0 is not text; put it in quotes"),
        (lambda: endpoint(vendor=0xFFFF), "m: d.vendor: 65535 is out of range; it must be 0x1 to 0xfffe"),
        (lambda: endpoint(driver="nvmee"), "m: d.driver: unknown driver \"nvmee\"; did you mean 'nvme'?"),
        (lambda: endpoint(driver="port"), 'm: d.driver: "port" is for bridges'),
        (lambda: bridge(driver="gpu"), "m: d.driver: \"gpu\" is for endpoints; 'port' is for bridges"),
        (lambda: endpoint(model="port"), 'm: d.model: unknown model "port"; known: edu, file.py:Class, gpu, legacy, nvme'),
        (lambda: endpoint(pcie="rootport"), "m: d.pcie: unknown value \"rootport\"; did you mean 'root-port'?"),
        (lambda: endpoint(fixed_bars=[7]), "m: d.fixed_bars[0]: 7 is not a BAR number; 0 to 6"),
        (lambda: endpoint(load=3), "m: d.load: 3 is not an object; write {"),
        (lambda: bridge(prefetchable=16), "m: d.prefetchable: 16 must be 64, 32 or null"),
        (lambda: bridge(firmware={"bus": [0, 1]}), "m: d.firmware.bus: [0, 1] must be a list of 3 numbers"),
        (lambda: bridge(firmware={"bus": [0, 1, 256]}), "m: d.firmware.bus[2]: 256 is out of range; it must be 0x0 to 0xff"),
    ],
)
def test_a_device_that_cannot_be_is_refused(make: Any, message: str) -> None:
    """The message names the key, the value and what would be right."""
    with pytest.raises(BadInput) as caught:
        make()

    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"size": 3000}, "m: d.bars[0].size: 3000 is not a power of two; a BAR register cannot say it"),
        ({"size": 0}, "m: d.bars[0].size: 0 is not a power of two; a BAR register cannot say it"),
        ({"size": 8}, "m: d.bars[0].size: 8 is not a size that type mem32 can have; 16 to 2G bytes"),
        ({"size": "4G"}, 'm: d.bars[0].size: "4G" is not a size that type mem32 can have; 16 to 2G bytes'),
        ({"type": "io", "size": 2}, "m: d.bars[0].size: 2 is not a size that type io can have; 4 to 64K bytes"),
        ({"n": 6, "type": "rom", "size": 1024}, "m: d.bars[0].size: 1024 is not a size that type rom can have; 2K to 2G bytes"),
        ({"n": 7}, "m: d.bars[0].n: 7 is out of range; it must be 0x0 to 0x6"),
        ({"n": 6}, "m: d.bars[0].n: 6 does not go with type mem32; the expansion ROM is number 6, and number 6 is the ROM"),
        ({"type": "rom"}, "m: d.bars[0].n: 0 does not go with type rom; the expansion ROM is number 6, and number 6 is the ROM"),
        ({"n": 5, "type": "mem64"}, "m: d.bars[0].n: 5 is the last BAR; a 64-bit BAR takes two, put it at 4 or below"),
        ({"type": "mem3"}, "m: d.bars[0].type: unknown value \"mem3\"; did you mean 'mem32'?"),
        ({"firmware": 1 << 32}, "m: d.bars[0].firmware: 4294967296 is out of range; it must be 0x0 to 0xffffffff"),
        ({"sise": 1}, "m: d.bars[0].sise: unknown key \"sise\"; did you mean 'size'?"),
    ],
)
def test_a_bar_that_no_register_can_say_is_refused(words: dict[str, Any], message: str) -> None:
    """Sizes, numbers and types are what the register's bits allow."""
    with pytest.raises(BadInput) as caught:
        bar(**words)

    assert str(caught.value) == message


def test_two_bars_cannot_share_a_register() -> None:
    """A 64-bit BAR has the next register too."""
    with pytest.raises(BadInput) as caught:
        endpoint(bars=[{"n": 1, "type": "pref64", "size": "1M"}, {"n": 2, "type": "mem32", "size": "4K"}])

    assert str(caught.value) == "m: d.bars[1].n: 2 collides: BAR register 2 is taken by BAR 1 (a 64-bit BAR takes two)"


def test_a_bridge_has_two_bars() -> None:
    """Where an endpoint has BAR 2, a bridge has its bus numbers."""
    with pytest.raises(BadInput) as caught:
        bridge(bars=[{"n": 2, "type": "mem32", "size": "4K"}])

    assert str(caught.value) == "m: d.bars[0].n: 2 is too high; a bridge has BARs 0 and 1"


@pytest.mark.parametrize("firmware", [0, 1, 0xFFFFFFFF, "0xfe000800"])
def test_any_firmware_address_is_kernel_input(firmware: object) -> None:
    """Unaligned, zero, at the end of the world: the register drops what it has no bits for, the kernel sorts out the rest."""
    assert bar(firmware=firmware).bars[0].firmware is not None


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"config": "ff" * 64}, "m: d.config: vendor id 0xffff in the first two bytes means that nobody is there"),
        ({"config": BRIDGE_CONFIG}, "m: d.config: header type 1 at 0x0e belongs to kind: bridge"),
        (
            {"config": ENDPOINT_CONFIG, "vendor": 1},
            "m: d.vendor: 1 stands beside config bytes, which already say it; leave one out",
        ),
        (
            {"config": ENDPOINT_CONFIG, "bars": [{"n": 0, "type": "mem32", "size": 4096}]},
            'm: d.bars[0].type: "mem32" is not what the config bytes say: the register of BAR 0 holds 0xfe400004',
        ),
    ],
)
def test_what_contradicts_the_config_bytes_is_refused(words: dict[str, Any], message: str) -> None:
    """The bytes are the device; nothing beside them may say otherwise."""
    with pytest.raises(BadInput) as caught:
        endpoint(**words)

    assert str(caught.value) == message
