"""One machine under one kernel."""

from __future__ import annotations

import pytest

from mockbus import BarKind, BarSpec, Machine, PlainModel
from movsdk.address import Span
from movsdk.bench.recorded import Movable
from movsdk.bench.world import APERTURE_FLAGS, World, make_world
from movsdk.kernel.binding import register_driver
from movsdk.layout.table import IO, MEM, MEM_64, PREF, AddressMap, Reserve
from movsdk.rescan.rules import by_name

M = 1 << 20
WINDOWS = [("io", Span(0x1000, 0xFFFF)), ("mem", Span(0x8000_0000, 0x8FFF_FFFF))]


def world_of(*cards: str, rules: str = "v9", **options: object) -> World:
    """Cards of 1 MiB on the root bus, slot by slot."""
    machine = Machine(WINDOWS)
    for number, label in enumerate(cards, 1):
        machine.add(label, "root", f"{number:02x}.0", PlainModel(bars=(BarSpec(0, BarKind.MEM32, M),)))
    return make_world(machine, WINDOWS, by_name(rules), **options)  # type: ignore[arg-type]


def test_nothing_is_scanned_yet() -> None:
    """The kernel knows its apertures and nobody else."""
    world = world_of("a")

    assert list(world.system.devices()) == []
    assert world.find("a") is None
    assert [(window.index, window.start, window.flags) for window in world.system.root.segment.windows] == [
        (0, 0x1000, IO),
        (1, 0x8000_0000, MEM),
    ]


@pytest.mark.parametrize(
    ("kind", "flags"),
    [("io", IO), ("mem", MEM), ("pref", MEM | PREF), ("mem64", MEM | MEM_64), ("pref64", MEM | PREF | MEM_64)],
)
def test_kinds_of_apertures(kind: str, flags: int) -> None:
    """The words of the scenario as flags of the kernel."""
    assert APERTURE_FLAGS[kind] == flags


def test_apertures_that_touch_become_one() -> None:
    """The later one survives, with its index; recorded parents are named after it."""
    windows = [("mem", Span(0x8000_0000, 0x80FF_FFFF)), ("mem", Span(0x8100_0000, 0x81FF_FFFF)), ("io", Span(0x1000, 0x1FFF))]
    world = make_world(Machine(windows), windows, by_name("v9"))

    assert [(w.index, w.start, w.last) for w in world.system.root.segment.windows] == [
        (1, 0x8000_0000, 0x81FF_FFFF),
        (2, 0x1000, 0x1FFF),
    ]


def test_hooks_are_recorded_as_the_vectors_write_them() -> None:
    """[hook, device] and the probe's result; taking them forgets them."""
    world = world_of("a", "b")
    register_driver(world.system, Movable())
    world.engine.boot()
    world.engine.rescan()
    a = world.find("a")
    assert a is not None
    world.engine.remove(a)

    assert world.take_hooks() == [
        ["probe", "a", "rc=0"],
        ["probe", "b", "rc=0"],
        ["prepare", "a"],
        ["prepare", "b"],
        ["done", "a"],
        ["done", "b"],
        ["remove", "a"],
    ]
    assert world.take_hooks() == []


def test_devices_are_found_by_label() -> None:
    """The first of that name, None for nobody."""
    world = world_of("a", "b")
    world.engine.boot()

    b = world.find("b")
    assert b is not None
    assert b.label == "b"
    assert world.find("c") is None
    assert world.find(None) is None


def test_terms_reach_the_kernel() -> None:
    """Address map, reserve, and what a bad access does."""
    world = world_of(address_map=AddressMap(min_mem=0x10_0000), reserve=Reserve(1, 2, 3, 4), faults="hardware")

    assert world.system.address_map.min_mem == 0x10_0000
    assert (world.system.reserve, world.system.faults) == (Reserve(1, 2, 3, 4), "hardware")
    assert make_world(Machine(WINDOWS), WINDOWS, by_name("off")).system.can_move_bars is False


@pytest.mark.parametrize(
    ("busy", "expected"),
    [
        pytest.param([], 0x8000_0000, id="free"),
        pytest.param([(False, Span(0x8000_0000, 0x8000_0FFF))], 0x8010_0000, id="a piece of the board at the front"),
        pytest.param([(True, Span(0x8000_0000, 0x8000_0FFF))], 0x8000_0000, id="I/O is something else"),
        pytest.param([(False, Span(0x9000_0000, 0x9000_0FFF))], 0x8000_0000, id="outside of every aperture"),
    ],
)
def test_what_belongs_to_the_board_is_busy(busy: list[tuple[bool, Span]], expected: int) -> None:
    """Nothing is placed there."""
    world = world_of("a", busy=busy)
    world.engine.boot()

    a = world.find("a")
    assert a is not None
    assert a.bar_span(0) == Span.sized(expected, M)
