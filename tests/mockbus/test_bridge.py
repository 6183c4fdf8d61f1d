"""Bridges: windows and bus numbers, read live from the registers."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockbus import header
from mockbus.bar import BarSpec
from mockbus.bridge import Bridge
from mockbus.topology import Machine
from movsdk import pci_regs as regs
from movsdk.address import Span
from movsdk.ops import Space
from movsdk.pci_regs import BarKind
from tests.mockbus.machines import COMMAND_ALL, MEM, config, desk, model, set_config

GRANULE = {"io": 0x1000, "mem": 0x100000, "pref": 0x100000}
BITS = {"io": 32, "mem": 32, "pref": 64}


def _window(bridge: Bridge, kind: str) -> Span | None:
    return {"io": bridge.io_window, "mem": bridge.memory_window, "pref": bridge.prefetchable_window}[kind]()


def test_an_unprogrammed_bridge_decodes_one_granule_at_zero() -> None:
    """Base = limit = 0 is an open window: the first 4 KiB of I/O and the first MiB of memory, twice."""
    bridge = Bridge.build("port")

    assert bridge.io_window() == Span(0, 0xFFF)
    assert bridge.memory_window() == bridge.prefetchable_window() == Span(0, 0xFFFFF)


@given(st.sampled_from(["io", "mem", "pref"]), st.data())
def test_a_window_reads_back_as_it_was_programmed(kind: str, data: st.DataObject) -> None:
    """Any range of whole granules survives the way through base, limit and upper halves."""
    granule, last_granule = GRANULE[kind], (1 << BITS[kind]) // GRANULE[kind] - 1
    first = data.draw(st.integers(0, last_granule))
    last = data.draw(st.integers(first, last_granule))
    span = Span(first * granule, (last + 1) * granule - 1)
    bridge = Bridge.build("port")

    header.put_window(bridge.config, kind, span.start, span.last)

    assert _window(bridge, kind) == span


@pytest.mark.parametrize(
    ("kind", "writes"),
    [
        pytest.param("io", {regs.IO_BASE: (2, 0x00F0)}, id="io"),
        pytest.param("mem", {regs.MEMORY_BASE: (4, 0x0000FFF0)}, id="mem"),
        pytest.param("pref", {regs.PREF_MEMORY_BASE: (4, 0x0000FFF0)}, id="pref"),
        pytest.param("pref", {regs.PREF_BASE_UPPER32: (4, 1)}, id="pref, by the upper half"),
    ],
)
def test_base_above_limit_closes_the_window(kind: str, writes: dict[int, tuple[int, int]]) -> None:
    """A closed window passes nothing, whatever the register bits spell."""
    bridge = Bridge.build("port")

    for offset, (size, value) in writes.items():
        bridge.config_write(offset, size, value)

    assert _window(bridge, kind) is None


@pytest.mark.parametrize(
    ("options", "kind"), [pytest.param({"io": False}, "io", id="io"), pytest.param({"prefetchable": None}, "pref", id="pref")]
)
def test_a_window_without_hardware_passes_nothing(options: dict[str, Any], kind: str) -> None:
    """Registers that read zero spell [0, granule-1] to software, but where no window is nothing is passed."""
    bridge = Bridge.build("port", **options)

    assert _window(bridge, kind) is None


def test_passing_needs_window_command_and_power() -> None:
    """An address passes only inside a window, with decode on, in D0, with power."""
    machine = desk()
    bridge = machine.function("port")
    assert isinstance(bridge, Bridge)

    inside = bridge.passes(MEM, io=False)
    outside = bridge.passes(MEM + 0x200000, io=False)
    set_config(machine, "port", regs.COMMAND, 2, COMMAND_ALL & ~regs.COMMAND_MEMORY)
    decode_off = bridge.passes(MEM, io=False)

    assert (inside, outside, decode_off) == (True, False, False)


def test_a_bar_of_the_bridge_itself_answers_beside_its_windows() -> None:
    """A bridge may have registers of its own; nobody models them, so they read zero and take nothing."""
    machine = Machine([("mem", Span(MEM, MEM + 0xFFFFFF))])
    machine.add_bridge("port", slot="01.0", bars=(BarSpec(0, BarKind.MEM32, 0x1000),), firmware={0: MEM + 0x8000})

    machine.fabric.write(Space.MEM, MEM + 0x8000, 4, 0xFFFFFFFF)

    assert machine.fabric.read(Space.MEM, MEM + 0x8000, 4) == 0
    assert [str(held) for held in machine.fabric.claims(Space.MEM, MEM + 0x8010)] == ["port BAR 0 + 0x10"]


def test_bus_numbers_route_config_cycles_live() -> None:
    """The device moves to bus 5 the moment the secondary register says so."""
    machine = desk()
    fabric = machine.fabric

    set_config(machine, "port", regs.PRIMARY_BUS, 4, 0x00_07_05_00)

    assert fabric.config_read(1, 0, 0, 4) == 0xFFFFFFFF
    assert fabric.config_read(5, 0, 0, 4) == 0x00011234


def test_secondary_bus_reset_resets_everything_below() -> None:
    """Setting bit 6 of BRIDGE_CONTROL brings the devices below to zero, once; the bridge itself keeps its registers."""
    machine = desk()
    before = model(machine).resets

    set_config(machine, "port", regs.BRIDGE_CONTROL, 2, 0x40)
    set_config(machine, "port", regs.BRIDGE_CONTROL, 2, 0x40)
    set_config(machine, "port", regs.BRIDGE_CONTROL, 2, 0x00)

    assert model(machine).resets == before + 1
    assert (config(machine, "card", regs.COMMAND, 2), config(machine, "port", regs.COMMAND, 2)) == (0, COMMAND_ALL)
