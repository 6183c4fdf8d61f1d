"""Tests of the edu card in silicon, without a driver, against its datasheet."""

from __future__ import annotations

import math

import pytest

from mockbus.fabric import Fabric
from mockbus.topology import Machine
from movsdk.address import Span
from movsdk.clock import NS_PER_MS, NS_PER_US
from movsdk.ops import FaultKind, Space
from movsdk.pci_regs import COMMAND, COMMAND_MASTER, COMMAND_MEMORY

from . import regs as r
from .model import EduModel

BASE = 0xE000_0000


@pytest.fixture
def fabric() -> Fabric:
    """A machine whose only device is an edu card at 01.0 that decodes at BASE."""
    machine = Machine([("mem", Span(BASE, BASE + 0xFFF_FFFF))])
    machine.add("edu", "root", "01.0", EduModel(), firmware={0: BASE})
    machine.fabric.config_write(0, 0x08, COMMAND, 2, COMMAND_MEMORY | COMMAND_MASTER)
    return machine.fabric


def read(fabric: Fabric, offset: int, size: int = 4) -> int:
    return fabric.read(Space.MEM, BASE + offset, size)


def write(fabric: Fabric, offset: int, value: int, size: int = 4) -> None:
    fabric.write(Space.MEM, BASE + offset, size, value)


def test_the_card_identifies_itself(fabric: Fabric) -> None:
    """The low three hex digits are 0ed, the top ones the version."""
    assert read(fabric, r.IDENTIFICATION) == 0x0100_00ED


def test_the_liveness_register_inverts_what_is_written(fabric: Fabric) -> None:
    """A card that is alive answers ~x, a missing one all-ones."""
    write(fabric, r.LIVENESS, 0x1234_5678)

    assert read(fabric, r.LIVENESS) == 0xEDCB_A987


@pytest.mark.parametrize("n", [0, 1, 12, 13, 33, 34, 100])
def test_a_factorial_keeps_its_low_32_bits(fabric: Fabric, n: int) -> None:
    """Computing takes time; then the register holds n! modulo 2**32."""
    write(fabric, r.FACTORIAL, n)
    busy = read(fabric, r.STATUS)
    fabric.clock.advance(NS_PER_MS)

    assert busy & r.STATUS_COMPUTING
    assert not read(fabric, r.STATUS) & r.STATUS_COMPUTING
    assert read(fabric, r.FACTORIAL) == math.factorial(n) & 0xFFFF_FFFF


def test_a_busy_card_takes_no_second_number(fabric: Fabric) -> None:
    """A write to FACTORIAL while it computes vanishes."""
    write(fabric, r.FACTORIAL, 5)
    write(fabric, r.FACTORIAL, 6)
    fabric.clock.advance(NS_PER_MS)

    assert read(fabric, r.FACTORIAL) == 120


def test_reasons_of_interrupts_stay_until_acknowledged(fabric: Fabric) -> None:
    """RAISE adds reasons, ACK removes them."""
    write(fabric, r.IRQ_RAISE, 0x30)
    write(fabric, r.STATUS, r.STATUS_IRQ_WHEN_DONE)
    write(fabric, r.FACTORIAL, 3)
    fabric.clock.advance(10 * NS_PER_US)
    before = read(fabric, r.IRQ_STATUS)
    write(fabric, r.IRQ_ACK, 0x10)

    assert before == 0x30 | r.IRQ_FACTORIAL
    assert read(fabric, r.IRQ_STATUS) == 0x20 | r.IRQ_FACTORIAL


def transfer(fabric: Fabric, source: int, destination: int, count: int, command: int) -> None:
    for offset, value in ((r.DMA_SOURCE, source), (r.DMA_DESTINATION, destination), (r.DMA_COUNT, count)):
        write(fabric, offset, value, 8)
    write(fabric, r.DMA_COMMAND, command | r.DMA_START, 8)
    fabric.clock.advance(NS_PER_MS)


def test_dma_goes_to_the_card_and_back(fabric: Fabric) -> None:
    """What is fetched into the buffer can be stored elsewhere."""
    memory = fabric.alloc_coherent(4096)
    memory.view[:5] = b"hello"

    transfer(fabric, memory.address, r.DMA_BUFFER + 8, 5, 0)
    transfer(fabric, r.DMA_BUFFER + 8, memory.address + 100, 5, r.DMA_FROM_CARD | r.DMA_IRQ_WHEN_DONE)

    assert bytes(memory.view[100:105]) == b"hello"
    assert read(fabric, r.IRQ_STATUS) == r.IRQ_DMA
    assert not read(fabric, r.DMA_COMMAND, 8) & r.DMA_START


@pytest.mark.parametrize(
    ("offset", "size"), [pytest.param(r.LIVENESS, 2, id="too narrow"), pytest.param(r.STATUS, 8, id="too wide below 0x80")]
)
def test_sizes_that_the_datasheet_does_not_allow_are_bad_accesses(fabric: Fabric, offset: int, size: int) -> None:
    """They read all-ones, and the fault names register and size."""
    value = read(fabric, offset, size)

    assert value == (1 << 8 * size) - 1
    assert fabric.faults[-1].kind is FaultKind.BAD_ACCESS
    assert f"of {size} bytes at mem {BASE + offset:#x}" in str(fabric.faults[-1])


def test_dma_beyond_the_buffer_moves_nothing(fabric: Fabric) -> None:
    """The buffer has 4 KiB; a transfer that leaves it is a bad access and ends at once."""
    memory = fabric.alloc_coherent(4096)

    transfer(fabric, memory.address, r.DMA_BUFFER + 4095, 2, 0)

    assert [fault.kind for fault in fabric.faults] == [FaultKind.BAD_ACCESS]
    assert not read(fabric, r.DMA_COMMAND, 8) & r.DMA_START
