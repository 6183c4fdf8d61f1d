"""Config headers: what a declared or dumped function looks like at power-on."""

from __future__ import annotations

from typing import Any

import pytest

from mockbus.bar import BarSpec
from mockbus.bridge import Bridge
from mockbus.function import Function
from mockbus.model import DeviceModel, PlainModel
from movsdk import pci_regs as regs
from movsdk.address import Span
from movsdk.errors import BadInput
from movsdk.pci_regs import BarKind

MEM_BAR = BarSpec(0, BarKind.MEM32, 0x1000)
IO_BAR = BarSpec(1, BarKind.IO, 0x20)
ROM = BarSpec(6, BarKind.ROM, 0x800)
ALL = (MEM_BAR, IO_BAR, ROM)


@pytest.mark.parametrize(
    ("firmware", "command"),
    [
        pytest.param({}, 0, id="nothing left by firmware"),
        pytest.param({0: 0xE0000000}, 2, id="memory"),
        pytest.param({0: 0}, 2, id="a zero is a value"),
        pytest.param({1: 0x2000}, 1, id="io"),
        pytest.param({6: 0xFEB00000}, 2, id="rom"),
        pytest.param({0: 0xE0000000, 1: 0x2000}, 3, id="both"),
    ],
)
def test_firmware_values_switch_decode_on(firmware: dict[int, int], command: int) -> None:
    """An endpoint starts with decode on for each space in which firmware left a value."""
    function = Function.of_model("card", PlainModel(bars=ALL), firmware=firmware)

    assert function.command == command


@pytest.mark.parametrize(
    ("firmware", "command"),
    [
        pytest.param({"bus": (0, 1, 1)}, 0, id="bus numbers alone"),
        pytest.param({"io": Span(0, 0xFFF)}, 1, id="io window, even at zero"),
        pytest.param({"mem": Span(0xE0000000, 0xE00FFFFF)}, 2, id="memory window"),
        pytest.param({"pref": [0x100000000, 0x1000FFFFF]}, 2, id="prefetchable window, as a list"),
        pytest.param({0: 0xFEA00000}, 2, id="a BAR of the bridge itself"),
    ],
)
def test_firmware_windows_switch_decode_on(firmware: dict[Any, Any], command: int) -> None:
    """A bridge starts with decode on for each space in which firmware left a window or a BAR."""
    bridge = Bridge.build("port", firmware=firmware, bars=(MEM_BAR,))

    assert bridge.command == command


def test_identity_is_read_only() -> None:
    """Ids, class, header type and pin are what the model says, and no write changes them."""

    class Card(DeviceModel):
        vendor_id, device_id, class_code, revision, subsystem = 0x8086, 0x1234, 0x010802, 7, (0x1AF4, 0x1100)

    function = Function.of_model("card", Card())
    for offset in (0, 8, 0x2C, 0x3C):
        function.config_write(offset, 4, 0)

    read = function.config.read
    assert (read(0, 4), read(8, 4), read(0x2C, 4)) == (0x12348086, 0x01080207, 0x11001AF4)
    assert (read(regs.HEADER_TYPE, 1), read(regs.INTERRUPT_PIN, 1)) == (0, 1)


def test_a_model_without_a_vendor_is_refused() -> None:
    """0xffff is what an empty slot answers, so a model must say who it is."""
    with pytest.raises(BadInput, match="DeviceModel: set vendor_id and device_id; 0xffff means nobody is there"):
        Function.of_model("card", DeviceModel())


@pytest.mark.parametrize(
    ("options", "io", "pref", "upper"),
    [
        pytest.param({}, 0xF1F1, 0xFFF1FFF1, 0xFFFFFFFF, id="all windows, 64 bits"),
        pytest.param({"prefetchable": 32}, 0xF1F1, 0xFFF0FFF0, 0, id="prefetchable 32 bits"),
        pytest.param({"prefetchable": None}, 0xF1F1, 0, 0, id="no prefetchable window"),
        pytest.param({"io": False}, 0, 0xFFF1FFF1, 0xFFFFFFFF, id="no io window"),
    ],
)
def test_window_registers_that_do_not_exist_read_zero(options: dict[str, Any], io: int, pref: int, upper: int) -> None:
    """Ones written to the window registers show which windows there are and how wide; all start as zero but for type bits."""
    bridge = Bridge.build("port", **options)
    at_power_on = bridge.config.read(regs.IO_BASE, 2), bridge.config.read(regs.MEMORY_BASE, 4)

    for offset, size in (
        (regs.IO_BASE, 2),
        (regs.PREF_MEMORY_BASE, 4),
        (regs.PREF_BASE_UPPER32, 4),
        (regs.PREF_LIMIT_UPPER32, 4),
    ):
        bridge.config_write(offset, size, (1 << 8 * size) - 1)

    read = bridge.config.read
    assert at_power_on == (io & 0x0101, 0)
    assert (read(regs.IO_BASE, 2), read(regs.PREF_MEMORY_BASE, 4)) == (io, pref)
    assert (read(regs.PREF_BASE_UPPER32, 4), read(regs.PREF_LIMIT_UPPER32, 4)) == (upper, upper)


def test_status_bits_clear_by_ones() -> None:
    """STATUS and the secondary status of a bridge hold errors until software writes ones to them."""
    dump = bytearray(64)
    dump[regs.HEADER_TYPE] = regs.HEADER_TYPE_BRIDGE
    dump[regs.STATUS + 1] = dump[regs.SEC_STATUS + 1] = 0xF9
    bridge = Bridge.build("port", config=bytes(dump))

    bridge.config_write(regs.STATUS, 2, 0x8000)
    bridge.config_write(regs.SEC_STATUS, 2, 0xF900)

    assert (bridge.config.read(regs.STATUS, 2), bridge.config.read(regs.SEC_STATUS, 2)) == (0x7900, 0)


def test_a_dumped_bridge_keeps_16_bit_io() -> None:
    """How wide a window is stands in its type bits: with type 0 the upper halves do not exist."""
    dump = bytearray(64)
    dump[regs.IO_BASE], dump[regs.IO_LIMIT] = 0x10, 0x50
    bridge = Bridge.build("port", config=bytes(dump), prefetchable=64)

    bridge.config_write(regs.IO_BASE_UPPER16, 4, 0xFFFFFFFF)
    bridge.config_write(regs.PREF_BASE_UPPER32, 4, 0xFFFFFFFF)

    assert bridge.config.read(regs.IO_BASE_UPPER16, 4) == bridge.config.read(regs.PREF_BASE_UPPER32, 4) == 0
    assert bridge.io_window() == Span(0x1000, 0x5FFF)


def test_a_dump_keeps_command_and_bars() -> None:
    """With a dump nothing is computed: COMMAND and BARs are the dumped ones, and the BARs can be written as declared."""
    dump = bytearray(64)
    dump[regs.COMMAND] = 0x07
    dump[0x10:0x18] = (0x12_C000_0004).to_bytes(8, "little")
    spec = BarSpec(0, BarKind.MEM64, 0x4000)
    function = Function.of_model("card", PlainModel(bars=(spec,)), config=bytes(dump), firmware={9: 0})

    before = function.command, function.bars[0].address
    function.config_write(0x10, 4, 0xFFFFFFFF)

    assert before == (7, 0x12_C000_0000)
    assert function.config.read(0x10, 4) == 0xFFFFC004


def _build(what: str, bars: tuple[BarSpec, ...] = (), **options: Any) -> None:
    if what == "bridge":
        Bridge.build("port", bars=bars, **options)
    else:
        Function.of_model("card", PlainModel(bars=bars), **options)


@pytest.mark.parametrize(
    ("what", "bars", "options", "message"),
    [
        pytest.param(
            "endpoint",
            (BarSpec(0, BarKind.MEM64, 0x1000), BarSpec(1, BarKind.IO, 0x10)),
            {},
            r"card: BAR 1 \(io\) needs register 1, which BAR 0 has taken",
            id="the upper half is taken",
        ),
        pytest.param(
            "bridge", (BarSpec(2, BarKind.MEM32, 16),), {}, r"port: a bridge has BARs 0 and 1 and a ROM only", id="bridge BAR 2"
        ),
        pytest.param(
            "bridge", (BarSpec(1, BarKind.MEM64, 16),), {}, r"port: a bridge has BARs 0 and 1", id="bridge 64-bit BAR 1"
        ),
        pytest.param("bridge", (), {"firmware": {"bus": (0, 1)}}, r"port: firmware bus numbers \(0, 1\); give", id="two numbers"),
        pytest.param("bridge", (), {"firmware": {"bus": (0, 1, 256)}}, "each 0 to 255", id="bus 256"),
        pytest.param("bridge", (), {"prefetchable": 48}, "port: prefetchable is 48; it must be 64, 32 or None", id="width"),
        pytest.param(
            "endpoint",
            (MEM_BAR,),
            {"firmware": {3: 0}},
            "card: firmware gives an address to BAR 3, which the device does not have",
            id="firmware of an absent BAR",
        ),
        pytest.param(
            "bridge",
            (),
            {"firmware": {"memory": Span(0, 1)}},
            "port: firmware gives 'memory'; a bridge has bus",
            id="window name",
        ),
        pytest.param(
            "endpoint",
            (MEM_BAR,),
            {"config": bytes(16) + b"\x0c" + bytes(60)},
            r"card: BAR 0 is declared mem32, but the dumped register is 0x0000000c \(type 0xc\)",
            id="dump contradicts",
        ),
    ],
)
def test_a_declaration_that_cannot_be_is_refused(
    what: str, bars: tuple[BarSpec, ...], options: dict[str, Any], message: str
) -> None:
    """Building names the function and the contradiction."""
    with pytest.raises(BadInput, match=message):
        _build(what, bars, **options)
