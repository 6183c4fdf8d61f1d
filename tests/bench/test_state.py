"""The state of a machine as the golden vectors write it."""

from __future__ import annotations

from typing import Any

import pytest

from movsdk.bench.player import Player
from movsdk.bench.state import bar_register_value, bridge_registers, state_of, type_text
from movsdk.kernel.setup import write_bar
from movsdk.layout.table import IO, MEM, MEM_64, PREF, SIZEALIGN, STARTALIGN, UNSET
from movsdk.pci_regs import COMMAND, IO_BASE, MEMORY_BASE, PREF_MEMORY_BASE
from tests.rescan.stories import B, M, card, late, played, port

BARS = [
    {"n": 0, "type": "mem32", "size": M},
    {"n": 1, "type": "io", "size": 256},
    {"n": 2, "type": "pref64", "size": M},
    {"n": 6, "type": "rom", "size": 64 << 10},
]
WINDOWS = [
    {"type": "io", "start": 0x1000, "last": 0xFFFF},
    {"type": "mem", "start": B, "last": B + 64 * M - 1},
    {"type": "pref64", "start": 1 << 38, "last": (1 << 38) + 64 * M - 1},
]


def table_of(rules: str = "v9") -> Player:
    """A hot-plug port with all windows and a card with one BAR of each sort, booted."""
    hp = port(io=True) | {"prefetchable": 64}
    return played(rules, hp, card("a", bars=BARS), late(card("big", 128 * M, slot="01.0")), windows=WINDOWS)[0]


def entry(table: Player, label: str) -> dict[str, Any]:
    """One device of the state."""
    state = state_of(table.world.system, knows_disabled=True)
    return next(device for device in state if device["id"] == label)


def test_a_device() -> None:
    """Keys and order of keys as in the recordings."""
    shown = entry(table_of(), "a")

    resources = shown.pop("resources")
    assert shown == {"id": "a", "bdf": "01:00.0", "driver": "movable", "added": True, "bars_disabled": False, "command": 3}
    assert [(one["n"], one["kind"], one["type"]) for one in resources] == [
        (0, "bar", "mem"),
        (1, "bar", "io"),
        (2, "bar", "mem|pref|64"),
        (6, "rom", "mem|pref"),
    ]
    assert resources[2] == {
        "n": 2,
        "kind": "bar",
        "type": "mem|pref|64",
        "start": 1 << 38,
        "last": (1 << 38) + M - 1,
        "assigned": True,
        "parent": "hp:9",
        "register": 1 << 38,
    }


def test_a_bridge() -> None:
    """Windows by name, its bus range as the kernel has it, and its registers as silicon does."""
    shown = entry(table_of(), "hp")

    assert shown["buses"] == [1, 1]
    assert [(one["n"], one["window"], one["parent"]) for one in shown["resources"]] == [
        (7, "io", "win0"),
        (8, "mem", "win1"),
        (9, "pref", "win2"),
    ]
    assert all("register" not in one for one in shown["resources"])
    assert shown["registers"] == {
        "io": [0x1000, 0x1FFF],
        "mem": [B, B + 2 * M - 1],
        "pref": [1 << 38, (1 << 38) + M - 1],
        "bus": [0, 1, 1],
    }


def test_order_is_depth_first_in_bus_list_order() -> None:
    """A bridge, what is behind it, then its neighbour; newcomers at the tail of their bus."""
    table, _ = played("v9", port(), card("x", on="root", slot="05.0"), late(card("n", on="root", slot="02.0")), card("a"))
    table.world.machine.plug("n")
    table.world.engine.rescan()

    assert [device["id"] for device in state_of(table.world.system, knows_disabled=True)] == ["hp", "a", "x", "n"]


def test_resources_that_do_not_exist_are_not_listed() -> None:
    """No flags, no entry: unless something hangs in the tree all the same."""
    table = table_of()
    a = table.world.find("a")
    assert a is not None
    a.resources[0].flags = 0
    assert [one["n"] for one in entry(table, "a")["resources"]] == [0, 1, 2, 6]

    a.resources[0].detach()
    assert [one["n"] for one in entry(table, "a")["resources"]] == [1, 2, 6]


def test_a_bar_without_a_place_keeps_size_and_old_register() -> None:
    """Belief and silicon are shown side by side, and may differ."""
    table = table_of()
    a = table.world.find("a")
    assert a is not None
    bar = a.resources[0]
    bar.detach()
    bar.set_span(0, M - 1)
    bar.flags |= UNSET

    shown = entry(table, "a")["resources"][0]

    assert (shown["start"], shown["last"], shown["assigned"], shown["parent"]) == (0, M - 1, False, None)
    assert (shown["type"], shown["register"]) == ("mem|unset", B)


@pytest.mark.parametrize(("knows_disabled", "expected"), [(True, True), (False, None)])
def test_the_disabled_flag(knows_disabled: bool, expected: bool | None) -> None:
    """null where the kernel has no such flag."""
    table = table_of()
    a = table.world.find("a")
    assert a is not None
    a.row.bars_disabled = True

    state = state_of(table.world.system, knows_disabled=knows_disabled)

    assert [device["bars_disabled"] for device in state if device["id"] == "a"] == [expected]


def test_a_bridge_without_a_bus() -> None:
    """No number was left for it: registers only."""
    table = table_of()
    hp = table.world.find("hp")
    assert hp is not None
    hp.subordinate = None

    shown = entry(table, "hp")

    assert "buses" not in shown
    assert shown["registers"]["bus"] == [0, 1, 1]


def test_the_command_register_is_silicons() -> None:
    """Not what the kernel remembers of it."""
    table = table_of()
    table.world.machine.function("a").config_write(COMMAND, 2, 0x446)

    assert entry(table, "a")["command"] == 0x446


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        pytest.param(IO | SIZEALIGN, "io", id="I/O"),
        pytest.param(MEM | SIZEALIGN, "mem", id="memory"),
        pytest.param(MEM | PREF | MEM_64 | SIZEALIGN, "mem|pref|64", id="64-bit prefetchable"),
        pytest.param(MEM | MEM_64 | UNSET | SIZEALIGN, "mem|64|unset", id="without an address"),
        pytest.param(UNSET, "unset", id="a window that lost its type"),
        pytest.param(STARTALIGN, "", id="alignment does not show"),
    ],
)
def test_types_as_text(flags: int, text: str) -> None:
    """In this order, joined by bars."""
    assert type_text(flags) == text


@pytest.mark.parametrize(
    ("bar", "start"),
    [(0, B + 5 * M), (1, 0x2300), (2, (1 << 38) + M)],
    ids=["memory", "I/O", "64-bit"],
)
def test_bar_registers_are_shown_without_their_type_bits(bar: int, start: int) -> None:
    """Both halves of a 64-bit BAR."""
    table = table_of()
    a = table.world.find("a")
    assert a is not None
    write_bar(a, bar, start)

    assert bar_register_value(a, bar) == start


def test_a_rom_register_is_shown_without_its_enable_bit() -> None:
    """Only the address."""
    table = table_of()
    function, a = table.world.machine.function("a"), table.world.find("a")
    assert a is not None
    function.config_write(0x30, 4, B | 1)

    assert bar_register_value(a, 6) == B


@pytest.mark.parametrize(
    ("registers", "kind", "expected"),
    [
        pytest.param({}, "io", [0, 0xFFF], id="zeros: the first 4 KiB"),
        pytest.param({}, "mem", [0, 0xF_FFFF], id="zeros: the first MiB"),
        pytest.param({}, "pref", [0, 0xF_FFFF], id="zeros: prefetchable"),
        pytest.param({IO_BASE: 0x00F0}, "io", None, id="closed I/O"),
        pytest.param({IO_BASE: 0x3121}, "io", [0x2000, 0x3FFF], id="32-bit I/O"),
        pytest.param({IO_BASE: 0x3121, 0x30: 0x0002_0001}, "io", [0x1_2000, 0x2_3FFF], id="upper halves of I/O"),
        pytest.param({IO_BASE: 0x3020, 0x30: 0x0002_0001}, "io", [0x2000, 0x3FFF], id="16-bit I/O has none"),
        pytest.param({MEMORY_BASE: 0x8010_8000}, "mem", [0x8000_0000, 0x801F_FFFF], id="memory"),
        pytest.param({MEMORY_BASE: 0x0000_FFF0}, "mem", None, id="closed memory"),
        pytest.param(
            {PREF_MEMORY_BASE: 0x0001_0001, 0x28: 0x40, 0x2C: 0x41}, "pref", [0x40_0000_0000, 0x41_000F_FFFF], id="upper halves"
        ),
        pytest.param({PREF_MEMORY_BASE: 0x0000_0000, 0x28: 0x40}, "pref", [0, 0xF_FFFF], id="32-bit prefetchable has none"),
    ],
)
def test_window_registers(registers: dict[int, int], kind: str, expected: list[int] | None) -> None:
    """[start, last] in bytes, null for a closed window."""

    def read(offset: int, size: int) -> int:
        return registers.get(offset, 0) & (1 << 8 * size) - 1

    assert bridge_registers(read)[kind] == expected
