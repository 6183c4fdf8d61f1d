"""Footprints: what each access announces to an explorer."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator

import pytest

from mockbus.footprint import BUSES, MAP, POWER
from mockbus.topology import Machine
from movsdk import pci_regs as regs
from movsdk import points
from movsdk.ops import Space
from tests.mockbus.machines import MEM, PREF, desk, model

Heard = list[tuple[str, set[Hashable], set[Hashable]]]
ANYBODY = {MAP, POWER}
WAY = {*ANYBODY, ("command", "card"), ("command", "port")}
CYCLE = {POWER, BUSES}
DEVICE = ("device", "card")
ALLOCATOR = ("ram", "allocator")
DMA_WAY = {POWER, ("route", "card"), ("route", "port"), ("command", "card"), ("command", "port")}


@pytest.fixture
def heard() -> Iterator[Heard]:
    """Everything announced during the test."""
    found: Heard = []

    def listen(label: str, reads: Iterable[Hashable], writes: Iterable[Hashable], guard: Callable[[], bool] | None) -> None:
        assert guard in (None, points.mentioned)
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
            {*CYCLE, ("config", "card", 4)},
            set(),
            id="config read",
        ),
        pytest.param(
            lambda machine: machine.fabric.config_write(1, 0, regs.COMMAND, 2, 7),
            "config_write",
            {*CYCLE, DEVICE},
            {("config", "card", 4), ("command", "card")},
            id="COMMAND steers addresses",
        ),
        pytest.param(
            lambda machine: machine.fabric.config_write(1, 0, regs.INTERRUPT_LINE, 1, 7),
            "config_write",
            {*CYCLE, DEVICE},
            {("config", "card", 0x3C)},
            id="an interrupt line does not",
        ),
        pytest.param(
            lambda machine: machine.fabric.config_write(0, 8, regs.SECONDARY_BUS, 1, 1),
            "config_write",
            {*CYCLE, ("device", "port")},
            {("config", "port", 0x18), BUSES},
            id="bus numbers steer config cycles",
        ),
        pytest.param(
            lambda machine: machine.fabric.config_read(9, 0, 0, 4),
            "config_read",
            CYCLE,
            set(),
            id="nobody there: any bus number might change that",
        ),
        pytest.param(
            lambda machine: machine.fabric.read(Space.MEM, MEM, 4),
            "mem_read",
            WAY,
            {DEVICE},
            id="reading a register may change the device",
        ),
        pytest.param(
            lambda machine: machine.fabric.read(Space.MEM, PREF, 4),
            "mem_read",
            {*WAY, DEVICE},
            set(),
            id="reading memory does not",
        ),
        pytest.param(lambda machine: machine.fabric.write_block(PREF, b"x"), "mem_write_block", WAY, {DEVICE}, id="block"),
        pytest.param(
            lambda machine: machine.fabric.write(Space.IO, 0x9000, 1, 0),
            "io_write",
            ANYBODY,
            set(),
            id="nobody holds it: any route",
        ),
        pytest.param(lambda machine: machine.fabric.read_block(MEM, 1), "mem_read_block", WAY, {DEVICE}, id="block out"),
        pytest.param(
            lambda machine: model(machine).dma_read(0x10_0000, 1),
            "dma_read",
            {*DMA_WAY, MAP, ALLOCATOR},
            {DEVICE},
            id="dma from nowhere: a buffer or a BAR might come to be there",
        ),
        pytest.param(
            lambda machine: model(machine).dma_write(PREF, b"x"),
            "dma_write",
            {*DMA_WAY, MAP, ALLOCATOR},
            {DEVICE},
            id="dma to a peer",
        ),
        pytest.param(
            lambda machine: model(machine).dma_write(regs.MSI_ADDRESS_BASE, bytes(4)),
            "dma_write",
            DMA_WAY,
            {DEVICE, ("ram", regs.MSI_ADDRESS_BASE)},
            id="a message",
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


@pytest.mark.parametrize(("is_write", "reads", "writes"), [(True, set(), {"ram"}), (False, {"ram"}, set())])
def test_dma_anywhere_in_a_buffer_is_about_that_buffer(heard: Heard, is_write: bool, reads: set[str], writes: set[str]) -> None:
    """Whoever frees it, or looks at it, is met by a request for any of its bytes. What the device does then is its own state."""
    machine = desk()
    buffer = machine.fabric.alloc_coherent(4096)
    heard.clear()

    if is_write:
        model(machine).dma_write(buffer.address + 64, b"x")
    else:
        model(machine).dma_read(buffer.address + 64, 1)

    cell = ("ram", buffer.address)
    assert [(found, written) for _, found, written in heard] == [
        (DMA_WAY | {cell for _ in reads}, {DEVICE} | {cell for _ in writes})
    ]


def test_the_cpu_meets_devices_in_a_buffer(heard: Heard) -> None:
    """Who gets an address is an operation, and so is giving it back; a look at the bytes belongs to the step that looks."""
    fabric = desk().fabric
    heard.clear()

    buffer = fabric.alloc_coherent(4096)
    buffer.view[0] = 1
    fabric.free_coherent(buffer)

    cell = ("ram", buffer.address)
    assert [(label.split()[0] if label else "", writes) for label, _, writes in heard] == [
        ("alloc_coherent", {ALLOCATOR}),
        ("", {cell}),
        ("CPU", {cell}),
        ("free_coherent", {ALLOCATOR, cell}),
    ]


def test_a_card_that_is_off_and_elsewhere_does_not_matter(heard: Heard) -> None:
    """COMMAND counts of those whose BAR holds the address, whether or not they answer; where BARs lie counts of everybody."""
    machine = desk()
    machine.fabric.config_write(1, 0, regs.COMMAND, 2, 0)
    heard.clear()

    machine.fabric.read(Space.MEM, MEM, 4)

    assert heard == [("mem_read", WAY, {DEVICE})]


def test_moving_a_bar_is_a_route(heard: Heard) -> None:
    """A write that may make another BAR claim an address depends on every access."""
    machine = desk()
    heard.clear()

    machine.fabric.config_write(1, 0, regs.BASE_ADDRESS_0, 4, 0)

    assert heard == [("config_write", {*CYCLE, DEVICE}, {("config", "card", 0x10), ("route", "card"), MAP})]


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

    assert heard == [("mem_read", ANYBODY, set()), ("", {("command", "card"), ("command", "port")}, {DEVICE})]
