"""Handing devices to the driver core."""

from __future__ import annotations

from typing import Any

import pytest

from mockbus import BarKind, BarSpec
from movsdk.errors import PciError
from movsdk.hooks import PciId
from movsdk.kernel.adding import add_devices, register_and_bind
from movsdk.kernel.binding import BoundDriver, register_driver
from movsdk.kernel.device import Device
from movsdk.kernel.pcidev import device_of
from movsdk.layout.table import MEM, PCI_FIXED, ROM_SHADOW
from tests.kernel.board import MEM_START, Board

VGA = 0x030000


class Noting:
    """A driver that notes whom it probed; it refuses the labels in `refused`."""

    id_table = (PciId(),)

    def __init__(self, name: str, refused: tuple[str, ...] = ()) -> None:
        self.name, self.refused = name, refused
        self.probed: list[str] = []

    def probe(self, dev: Any, id: PciId) -> None:
        label = device_of(dev).label
        self.probed.append(label)
        if label in self.refused:
            raise PciError(22, "no")


def tree() -> Board:
    """Two bridges with cards behind them, and one beside."""
    board = Board()
    board.bridge("b1", "01.0")
    board.card("a", "00.0", on="b1")
    board.bridge("b2", "00.1", on="b1")
    board.card("b", "00.0", on="b2")
    board.card("c", "02.0")
    board.scan()
    return board


def bound(board: Board, driver: Noting, *labels: str) -> BoundDriver:
    """Register `driver`; if labels are given, it is the one for these devices."""
    registered = register_driver(board.system, driver)
    if labels:
        before = board.system.match_of

        def match(device: Device) -> BoundDriver | None:
            return registered if device.label in labels else before(device) if before is not None else None

        board.system.match_of = match
    return registered


def test_siblings_are_added_before_what_is_behind_them() -> None:
    """A whole bus in list order, then below each of its bridges."""
    board, driver = tree(), Noting("any")
    bound(board, driver)

    add_devices(board.system.root)

    assert driver.probed == ["b1", "c", "a", "b2", "b"]
    assert all(device.row.is_added for device in board.system.devices())


def test_at_boot_nobody_binds() -> None:
    """Drivers register later; devices are added all the same."""
    board, driver = tree(), Noting("any")
    bound(board, driver)

    add_devices(board.system.root, binds=False)

    assert driver.probed == []
    assert all(device.row.is_added for device in board.system.devices())


def test_only_newcomers_are_added() -> None:
    """A device is tried once in its life, whatever came of it."""
    board, driver = tree(), Noting("any", refused=("c",))
    bound(board, driver)
    add_devices(board.system.root)
    driver.probed.clear()
    board.card("late", "03.0")
    board.scan()

    add_devices(board.system.root)

    assert driver.probed == ["late"]
    assert (board["c"].driver, board["late"].driver is not None) == (None, True)


def test_adding_begins_where_it_is_told_to() -> None:
    """A hot-add adds what is below its bridge and nobody else."""
    board, driver = tree(), Noting("any")
    bound(board, driver)
    bus = board["b1"].subordinate
    assert bus is not None

    add_devices(bus)

    assert driver.probed == ["a", "b2", "b"]
    assert [device.label for device in board.system.devices() if not device.row.is_added] == ["b1", "c"]


def test_drivers_bind_in_the_order_they_register() -> None:
    """Each takes all devices it serves, in the order the scan found them: boot probes are grouped by driver."""
    board = tree()
    log: list[str] = []
    one, two = Noting("one"), Noting("two")
    one.probed = two.probed = log
    drivers = [bound(board, one, "b", "c"), bound(board, two, "a", "b1")]
    add_devices(board.system.root, binds=False)

    register_and_bind(board.system, drivers)

    assert log == ["c", "b", "b1", "a"]


@pytest.mark.parametrize("spoil", ["is_probed", "is_added"])
def test_registering_skips_who_was_tried_or_is_not_added(spoil: str) -> None:
    """A second registration of a driver probes nobody again."""
    board, driver = tree(), Noting("any")
    registered = bound(board, driver)
    add_devices(board.system.root, binds=False)
    board["a"].is_probed = spoil == "is_probed"
    board["a"].row.is_added = spoil != "is_added"

    register_and_bind(board.system, [registered])
    register_and_bind(board.system, [registered])

    assert driver.probed == ["b1", "c", "b2", "b"]


@pytest.mark.parametrize(
    ("class_code", "firmware", "on", "is_shadowed"),
    [
        pytest.param(VGA, {0: MEM_START}, "root", True, id="VGA that firmware set up"),
        pytest.param(VGA, {}, "root", False, id="VGA with decode off"),
        pytest.param(0x038000, {0: MEM_START}, "root", False, id="another display"),
        pytest.param(VGA, {0: MEM_START}, "bridge", False, id="behind a bridge"),
    ],
)
def test_the_shadow_of_a_vga_rom(class_code: int, firmware: dict[int, int], on: str, is_shadowed: bool) -> None:
    """x86: the copy in RAM takes the place of the ROM BAR; it is fixed, has no parent, and is nobody's obstacle."""
    board = Board()
    board.bridge("bridge", "01.0")
    bars = [BarSpec(0, BarKind.MEM32, 0x10_0000), BarSpec(6, BarKind.ROM, 0x1_0000)]
    board.card("vga", "02.0", bars, on=on, class_code=class_code, firmware=firmware)
    board.scan()
    rom = board["vga"].resources[6]
    before = (rom.start, rom.last, rom.flags)

    add_devices(board.system.root)

    shadow = (0xC_0000, 0xD_FFFF, MEM | PCI_FIXED | ROM_SHADOW)
    assert (rom.start, rom.last, rom.flags) == (shadow if is_shadowed else before)
    assert rom.parent is None
