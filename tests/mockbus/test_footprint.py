"""Footprints: what each access announces to an explorer."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator

import pytest

from mockbus.footprint import MAP, POWER
from mockbus.topology import Machine
from movsdk import pci_regs as regs
from movsdk import points
from movsdk.ops import Space
from tests.mockbus.machines import MEM, PREF, desk, model

Heard = list[tuple[str, set[Hashable], set[Hashable]]]
ANYBODY = {MAP, POWER}
WAY = {*ANYBODY, ("command", "card"), ("command", "port")}
DMA_WAY = {POWER, ("route", "card"), ("route", "port"), ("command", "card"), ("command", "port")}


@pytest.fixture
def heard() -> Iterator[Heard]:
    """Everything announced during the test."""
    found: Heard = []

    def listen(label: str, reads: Iterable[Hashable], writes: Iterable[Hashable], guard: Callable[[], bool] | None) -> None:
        assert guard is None
        found.append((label, set(reads), set(writes)))

    before = points.install(listen)
    yield found
    points.install(before)


@pytest.mark.parametrize(
    ("act", "label", "reads", "writes"),
    [
        pytest.param(
            lambda machine: machine.fabric.config_read(1, 0, regs.STATUS, 2),
            "config_read",
            {POWER, ("bus", "port"), ("config", "card", 4)},
            set(),
            id="config read",
        ),
        pytest.param(
            lambda machine: machine.fabric.config_write(1, 0, regs.COMMAND, 2, 7),
            "config_write",
            {POWER, ("bus", "port")},
            {("config", "card", 4), ("command", "card")},
            id="COMMAND steers addresses",
        ),
        pytest.param(
            lambda machine: machine.fabric.config_write(1, 0, regs.INTERRUPT_LINE, 1, 7),
            "config_write",
            {POWER, ("bus", "port")},
            {("config", "card", 0x3C)},
            id="an interrupt line does not",
        ),
        pytest.param(
            lambda machine: machine.fabric.config_write(0, 8, regs.SECONDARY_BUS, 1, 1),
            "config_write",
            {POWER},
            {("config", "port", 0x18), ("bus", "port")},
            id="bus numbers steer config cycles",
        ),
        pytest.param(
            lambda machine: machine.fabric.config_read(9, 0, 0, 4),
            "config_read",
            {POWER, ("bus", "port")},
            set(),
            id="nobody there: any bus number might change that",
        ),
        pytest.param(
            lambda machine: machine.fabric.read(Space.MEM, MEM, 4),
            "mem_read",
            WAY,
            {("bar", "card", 0)},
            id="reading a register may change the device",
        ),
        pytest.param(
            lambda machine: machine.fabric.read(Space.MEM, PREF, 4),
            "mem_read",
            {*WAY, ("bar", "card", 2)},
            set(),
            id="reading memory does not",
        ),
        pytest.param(
            lambda machine: machine.fabric.write_block(PREF, b"x"), "mem_write_block", WAY, {("bar", "card", 2)}, id="block"
        ),
        pytest.param(
            lambda machine: machine.fabric.write(Space.IO, 0x9000, 1, 0),
            "io_write",
            ANYBODY,
            set(),
            id="nobody holds it: any route",
        ),
        pytest.param(
            lambda machine: machine.fabric.alloc_coherent(16), "alloc_coherent", set(), {("ram", "allocator")}, id="allocation"
        ),
        pytest.param(
            lambda machine: machine.fabric.read_block(MEM, 1), "mem_read_block", WAY, {("bar", "card", 0)}, id="block out"
        ),
        pytest.param(
            lambda machine: model(machine).dma_read(0x10_0000, 1), "dma_read", {*DMA_WAY, ("ram", 0x10_0000)}, set(), id="dma in"
        ),
        pytest.param(
            lambda machine: model(machine).dma_write(0x10_0000, b"x"), "dma_write", DMA_WAY, {("ram", 0x10_0000)}, id="dma"
        ),
    ],
)
def test_an_access_announces_what_it_depends_on(
    heard: Heard, act: Callable[[Machine], object], label: str, reads: set[Hashable], writes: set[Hashable]
) -> None:
    """Before each seam operation: its name, the routing it goes through, the cell it ends in."""
    machine = desk()
    heard.clear()

    act(machine)

    assert heard == [(label, reads, writes)]


def test_a_card_that_is_off_and_elsewhere_does_not_matter(heard: Heard) -> None:
    """COMMAND counts of those whose BAR holds the address, whether or not they answer; where BARs lie counts of everybody."""
    machine = desk()
    machine.fabric.config_write(1, 0, regs.COMMAND, 2, 0)
    heard.clear()

    machine.fabric.read(Space.MEM, MEM, 4)

    assert heard == [("mem_read", WAY, {("bar", "card", 0)})]


def test_moving_a_bar_is_a_route(heard: Heard) -> None:
    """A write that may make another BAR claim an address depends on every access."""
    machine = desk()
    heard.clear()

    machine.fabric.config_write(1, 0, regs.BASE_ADDRESS_0, 4, 0)

    assert heard == [("config_write", {POWER, ("bus", "port")}, {("config", "card", 0x10), ("route", "card"), MAP})]


@pytest.mark.parametrize(
    ("act", "labels"),
    [
        pytest.param(lambda machine: machine.unplug("card"), ["somebody unplugs card", ""], id="out"),
        pytest.param(lambda machine: machine.cut_power("card"), ["somebody cuts the power of card", ""], id="off"),
        pytest.param(lambda machine: machine.function("card").set_power(regs.PowerState.D3HOT), [""], id="asleep, by a register"),
        pytest.param(lambda machine: machine.function("card").reset(), [""], id="reset"),
    ],
)
def test_who_is_there_and_awake_is_a_cell_of_every_access(
    heard: Heard, act: Callable[[Machine], object], labels: list[str]
) -> None:
    """What people do is an operation; what registers do to power is part of the write (an empty label)."""
    machine = desk()
    heard.clear()

    act(machine)

    assert heard == [(label, set(), {POWER}) for label in labels]


def test_where_an_access_goes_is_looked_up_when_its_turn_has_come() -> None:
    """Between announcing and reading somebody has moved a BAR to the address: who answers now counts too, without a label."""
    machine, heard = desk(), []
    machine.function("card").config_write(regs.BASE_ADDRESS_0, 4, 0)

    def move_in(label: str, reads: Iterable[Hashable], writes: Iterable[Hashable], guard: object) -> None:
        heard.append((label, set(reads), set(writes)))
        machine.function("card").config_write(regs.BASE_ADDRESS_0, 4, MEM)

    before = points.install(move_in)
    try:
        machine.fabric.read(Space.MEM, MEM, 4)
    finally:
        points.install(before)

    assert heard == [("mem_read", ANYBODY, set()), ("", {("command", "card"), ("command", "port")}, {("bar", "card", 0)})]
