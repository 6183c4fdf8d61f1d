"""Routing: who gets which cycle."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockbus.bar import BarSpec
from mockbus.bridge import Bridge
from mockbus.model import PlainModel
from mockbus.routing import compile_map, intersect, merge, subtract
from mockbus.topology import Machine
from movsdk import pci_regs as regs
from movsdk.address import Span
from movsdk.ops import Space
from movsdk.pci_regs import BarKind
from tests.mockbus.machines import MEM, set_command, set_config

REACH = Span(MEM, MEM + 0xFFFFFF)
ranges = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 12)).map(lambda pair: (pair[0], pair[0] + pair[1])), max_size=6)


def _covered(pieces: list[tuple[int, int]]) -> set[int]:
    return {address for start, last in pieces for address in range(start, last + 1)}


@given(ranges, ranges)
def test_range_arithmetic_is_set_arithmetic(left: list[tuple[int, int]], right: list[tuple[int, int]]) -> None:
    """Merging, intersecting and subtracting ranges does what it does to the sets of their addresses."""
    a, b = merge(left), merge(right)

    assert _covered(a) == _covered(left)
    assert _covered(intersect(a, b)) == _covered(left) & _covered(right)
    assert _covered(subtract(a, b)) == _covered(left) - _covered(right)
    assert all(one[1] + 1 < two[0] for one, two in itertools.pairwise(a))


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 4)), max_size=6))
def test_the_compiled_map_equals_asking_every_bar(places: list[tuple[int, int]]) -> None:
    """At each address exactly those BARs answer whose registers hold it, however they overlap."""
    machine = Machine([("mem", REACH)])
    for i, (page, order) in enumerate(places):
        size = 0x1000 << order
        model = PlainModel(bars=(BarSpec(0, BarKind.MEM32, size),))
        machine.add(f"d{i}", "root", f"{i:02x}.0", model, firmware={0: MEM + page * 0x1000})
    found = compile_map(machine.fabric.roots, [REACH], io=False)

    for address in range(MEM, MEM + 48 * 0x1000, 0x1000):
        expected = {label for label in machine.labels if address in machine.function(label).bars[0].span}
        segment = found.find(address)
        assert {bar.function.label for bar in (segment.bars if segment else ())} == expected


def test_a_bar_larger_than_the_window_answers_where_the_window_is_open() -> None:
    """What sticks out of the window above is not reached."""
    machine = Machine([("mem", REACH)])
    machine.add_bridge("port", slot="01.0", firmware={"bus": (0, 1, 1), "mem": Span(MEM, MEM + 0xFFFFF)})
    machine.add("card", "port", "00.0", PlainModel(bars=(BarSpec(0, BarKind.MEM32, 0x200000),)), firmware={0: MEM})

    assert machine.fabric.claims(Space.MEM, MEM + 0xFFFFF) != ()
    assert machine.fabric.claims(Space.MEM, MEM + 0x100000) == ()


@pytest.mark.parametrize(
    ("class_code", "answers"), [pytest.param(0x060400, False, id="normal"), pytest.param(0x060401, True, id="subtractive")]
)
def test_a_subtractive_bridge_passes_what_nobody_claims(class_code: int, answers: bool) -> None:
    """Outside its windows a subtractive bridge still forwards, but a positive decoder on the bus above wins."""
    machine = Machine([("mem", REACH)])
    firmware = {"bus": (0, 1, 1), "mem": Span(MEM + 0x800000, MEM + 0x8FFFFF)}
    machine.add_bridge("port", slot="01.0", class_code=class_code, firmware=firmware)
    machine.add("below", "port", "00.0", PlainModel(bars=(BarSpec(0, BarKind.MEM32, 0x2000),)), firmware={0: MEM})
    machine.add("beside", "root", "02.0", PlainModel(bars=(BarSpec(0, BarKind.MEM32, 0x1000),)), firmware={0: MEM})

    assert [claim.label for claim in machine.fabric.claims(Space.MEM, MEM)] == ["beside"]
    assert [claim.label for claim in machine.fabric.claims(Space.MEM, MEM + 0x1000)] == ["below"] * answers


def _chain(machine: Machine, *numbers: tuple[int, int, int]) -> None:
    on = "root"
    for i, bus in enumerate(numbers):
        machine.add_bridge(f"b{i}", on, "00.0", firmware={"bus": bus})
        on = f"b{i}"
    machine.add("card", on, "00.0", PlainModel())


@pytest.mark.parametrize(
    ("numbers", "bus"),
    [
        pytest.param([(0, 1, 1)], 1, id="one bridge"),
        pytest.param([(0, 1, 3), (1, 2, 3), (2, 3, 3)], 3, id="three bridges"),
        pytest.param([(0, 4, 9), (4, 7, 7)], 7, id="gaps in the numbers"),
        pytest.param([(0, 1, 1), (1, 2, 2)], None, id="subordinate of the upper bridge too small"),
        pytest.param([(0, 0, 0)], None, id="unconfigured"),
        pytest.param([(0, 1, 2), (1, 0, 0)], None, id="unconfigured below a configured one"),
        pytest.param([(0, 2, 1)], None, id="secondary above subordinate"),
        pytest.param([(9, 1, 1)], 1, id="the primary number is not looked at"),
    ],
)
def test_config_cycles_follow_secondary_and_subordinate(numbers: list[tuple[int, int, int]], bus: int | None) -> None:
    """A cycle goes down each bridge whose range holds the bus, and ends where the secondary number equals it."""
    machine = Machine([])
    _chain(machine, *numbers)

    found = [number for number in range(1, 256) if machine.label_at(number, 0) == "card"]

    assert found == ([] if bus is None else [bus])


def test_overlapping_bus_numbers_let_both_answer() -> None:
    """Two bridges with one number both pass the cycle: reads are the AND, writes go to both."""
    machine = Machine([])
    for i in (1, 2):
        machine.add_bridge(f"b{i}", "root", f"{i:02x}.0", firmware={"bus": (0, 5, 5)})
        machine.add(f"d{i}", f"b{i}", "00.0", PlainModel(0x00FF * i, 0x0F0F))

    both = machine.fabric.config_read(5, 0, 0, 4)
    machine.fabric.config_write(5, 0, regs.INTERRUPT_LINE, 1, 9)

    assert both == 0x0F0F_00FE & 0x0F0F_00FF
    assert [machine.function(label).config.read(regs.INTERRUPT_LINE, 1) for label in ("d1", "d2")] == [9, 9]


def test_routes_are_forgotten_when_a_register_changes() -> None:
    """Each kind of register on the way takes effect at the next access: BAR, window, COMMAND."""
    machine = Machine([("mem", REACH)])
    machine.add_bridge("port", slot="01.0", firmware={"bus": (0, 1, 1), "mem": Span(MEM, MEM + 0xFFFFF)})
    machine.add("card", "port", "00.0", PlainModel(bars=(BarSpec(0, BarKind.MEM32, 0x1000),)), firmware={0: MEM})
    bridge = machine.function("port")
    assert isinstance(bridge, Bridge)

    def answers(address: int) -> bool:
        return bool(machine.fabric.claims(Space.MEM, address))

    seen = [answers(MEM)]
    set_config(machine, "card", 0x10, 4, MEM + 0x100000)
    seen.append(answers(MEM + 0x100000))
    set_config(machine, "port", regs.MEMORY_LIMIT, 2, (MEM + 0x100000) >> 16)
    seen.append(answers(MEM + 0x100000))
    set_command(machine, "port", 0)
    seen.append(answers(MEM + 0x100000))

    assert seen == [True, False, True, False]
