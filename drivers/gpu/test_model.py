"""Tests of the movgpu card in silicon, without a driver: registers, VRAM, blit engine, scanout, and the firmware's VRAM base."""

from __future__ import annotations

import pytest

from mockbus.fabric import Fabric
from mockbus.topology import Machine
from movsdk.address import Span
from movsdk.clock import NS_PER_MS, NS_PER_US
from movsdk.errors import BadInput
from movsdk.ops import FaultKind, Space
from movsdk.pci_regs import BASE_ADDRESS_0, COMMAND, COMMAND_MASTER, COMMAND_MEMORY

from . import regs as r
from .model import FRAME_TIME, MOST_VRAM, GpuModel

REGISTERS = 0xE000_0000
VRAM = 0x80_0000_0000
DEVFN = 0x08
APERTURES = [("mem", Span.sized(REGISTERS, 0x1000_0000)), ("pref64", Span.sized(VRAM, 0x40_0000_0000))]


def machine_with(model: GpuModel) -> Fabric:
    """A machine whose only device is `model` at 01.0, told where its VRAM is."""
    machine = Machine(APERTURES)
    machine.add("gpu", "root", "01.0", model, firmware={r.REGISTERS_BAR: REGISTERS, r.VRAM_BAR: VRAM})
    machine.fabric.config_write(0, DEVFN, COMMAND, 2, COMMAND_MEMORY | COMMAND_MASTER)
    write(machine.fabric, r.FW_VRAM_BASE, VRAM, 8)
    return machine.fabric


def read(fabric: Fabric, offset: int, size: int = 4) -> int:
    return fabric.read(Space.MEM, REGISTERS + offset, size)


def write(fabric: Fabric, offset: int, value: int, size: int = 4) -> None:
    fabric.write(Space.MEM, REGISTERS + offset, size, value)


def blit(fabric: Fabric, command: int, source: int, destination: int, length: int) -> None:
    write(fabric, r.BLIT_SOURCE, source, 8)
    write(fabric, r.BLIT_DESTINATION, destination, 8)
    write(fabric, r.BLIT_LENGTH, length)
    write(fabric, r.BLIT_COMMAND, command)


def show(fabric: Fabric, width: int, height: int) -> None:
    write(fabric, r.SCANOUT_WIDTH, width)
    write(fabric, r.SCANOUT_HEIGHT, height)
    write(fabric, r.SCANOUT_CONTROL, r.SCANOUT_ON)


def test_registers_tell_who_and_how_much() -> None:
    """ID and VRAM_SIZE are read only; 8-byte registers take 8-byte accesses."""
    fabric = machine_with(GpuModel(vram_size=64 << 30))
    write(fabric, r.ID, 0)
    write(fabric, r.VRAM_SIZE, 0, 8)

    assert read(fabric, r.ID) == r.IDENTITY
    assert read(fabric, r.VRAM_SIZE, 8) == 64 << 30
    assert read(fabric, r.FW_VRAM_BASE, 8) == VRAM


def test_64_gib_of_vram_cost_only_what_is_touched() -> None:
    """First and last byte of the largest VRAM are memory; the rest is never there."""
    fabric = machine_with(GpuModel(vram_size=MOST_VRAM))
    fabric.write(Space.MEM, VRAM, 1, 0x11)
    fabric.write(Space.MEM, VRAM + MOST_VRAM - 1, 1, 0x22)

    assert fabric.read(Space.MEM, VRAM, 2) == 0x11
    assert fabric.read(Space.MEM, VRAM + MOST_VRAM - 1, 1) == 0x22


def test_there_is_no_card_with_more_than_64_gib() -> None:
    """A wrong size is refused when the card is made."""
    with pytest.raises(BadInput, match=r"there are none above 0x1000000000 \(64 GiB\)"):
        GpuModel(vram_size=MOST_VRAM * 2)


def test_a_blit_takes_time() -> None:
    """The engine is busy for length / speed microseconds; the pixels are there at the end, not before."""
    fabric = machine_with(GpuModel(blit_speed=1024))

    blit(fabric, r.BLIT_FILL, 0xAABBCCDD, 0x1000, 10 * 1024)
    fabric.clock.advance(9 * NS_PER_US)
    early = read(fabric, r.BLIT_STATUS), fabric.read(Space.MEM, VRAM + 0x1000, 4)
    fabric.clock.advance(1 * NS_PER_US)

    assert early == (r.BLIT_BUSY, 0)
    assert read(fabric, r.BLIT_STATUS) == 0
    assert fabric.read_block(VRAM + 0x1000, 10 * 1024) == bytes.fromhex("ddccbbaa") * 2560
    assert fabric.read(Space.MEM, VRAM + 0x1000 + 10 * 1024, 4) == 0


def test_a_copy_reads_all_before_it_writes() -> None:
    """Overlapping ranges come out right."""
    fabric = machine_with(GpuModel())
    fabric.write_block(VRAM, bytes(range(16)))

    blit(fabric, r.BLIT_COPY, 0, 4, 12)
    fabric.clock.advance(NS_PER_MS)

    assert fabric.read_block(VRAM, 16) == bytes([0, 1, 2, 3, *range(12)])


@pytest.mark.parametrize(
    ("command", "source", "destination", "length"),
    [
        pytest.param(r.BLIT_FILL, 0, (256 << 20) - 4, 8, id="destination leaves VRAM"),
        pytest.param(r.BLIT_COPY, 256 << 20, 0, 4, id="source leaves VRAM"),
        pytest.param(r.BLIT_FILL, 0, 0, 6, id="half a pixel"),
        pytest.param(0x7, 0, 0, 4, id="unknown command"),
    ],
)
def test_the_engine_refuses_bad_commands(command: int, source: int, destination: int, length: int) -> None:
    """BLIT_ERROR is set until a one is written to it; the engine stays idle."""
    fabric = machine_with(GpuModel())

    blit(fabric, command, source, destination, length)
    before = read(fabric, r.BLIT_STATUS)
    write(fabric, r.BLIT_STATUS, r.BLIT_ERROR)

    assert before == r.BLIT_ERROR
    assert read(fabric, r.BLIT_STATUS) == 0


def test_the_screen_shows_vram_while_scanout_is_on() -> None:
    """A frame is width x height pixels from SCANOUT_OFFSET; without scanout the screen is dark."""
    model = GpuModel()
    fabric = machine_with(model)
    fabric.write_block(VRAM, b"abcdefgh")

    dark = model.screen()
    show(fabric, 2, 1)
    fabric.clock.advance(3 * FRAME_TIME)

    assert dark is None
    assert model.screen() == b"abcdefgh"
    assert read(fabric, r.SCANOUT_FRAMES) == 3
    assert read(fabric, r.IRQ_STATUS) == r.IRQ_VBLANK
    assert not model.misses


def test_after_a_move_the_firmware_misses_vram_until_it_is_told() -> None:
    """BAR 2 moves, FW_VRAM_BASE does not: dark screen, failed blit, and the card says where it looked."""
    model = GpuModel()
    fabric = machine_with(model)
    show(fabric, 2, 1)

    fabric.config_write(0, DEVFN, BASE_ADDRESS_0 + 4 * (r.VRAM_BAR + 1), 4, (VRAM >> 32) + 1)
    blit(fabric, r.BLIT_FILL, 1, 0, 4)
    fabric.clock.advance(FRAME_TIME)
    missed = model.screen(), read(fabric, r.FW_STATUS), read(fabric, r.BLIT_STATUS)
    write(fabric, r.FW_VRAM_BASE, VRAM + (1 << 32), 8)

    assert missed == (None, r.FW_FAULT, r.BLIT_ERROR)
    assert model.misses == [
        "blit engine looked for VRAM at 0x8000000000, but BAR 2 is at 0x8100000000; write FW_VRAM_BASE after a move",
        "scanout looked for VRAM at 0x8000000000, but BAR 2 is at 0x8100000000; write FW_VRAM_BASE after a move",
    ]
    assert model.screen() == bytes(8)


def test_registers_take_4_and_8_bytes_only() -> None:
    """A narrower access is a bad access."""
    fabric = machine_with(GpuModel())

    assert read(fabric, r.ID, 2) == 0xFFFF
    assert fabric.faults[-1].kind is FaultKind.BAD_ACCESS


def test_a_pulled_card_does_nothing_more() -> None:
    """No frame, no blit and no interrupt comes from a card that is not there."""
    model = GpuModel()
    machine = Machine(APERTURES)
    machine.add("gpu", "root", "01.0", model, firmware={r.REGISTERS_BAR: REGISTERS, r.VRAM_BAR: VRAM})
    machine.fabric.config_write(0, DEVFN, COMMAND, 2, COMMAND_MEMORY | COMMAND_MASTER)
    show(machine.fabric, 2, 1)
    blit(machine.fabric, r.BLIT_FILL, 1, 0, 4)

    machine.unplug("gpu")
    machine.fabric.clock.advance(10 * FRAME_TIME)

    assert not machine.fabric.faults
    assert machine.fabric.clock.next_due() is None
    assert model.screen() is None
