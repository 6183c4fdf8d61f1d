"""Accesses off the fast path: nobody answers, several do, odd sizes, bulk copies."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockbus.bar import BarSpec
from mockbus.model import PlainModel
from mockbus.topology import Machine
from movsdk.address import Span
from movsdk.ops import Claim, Fault, FaultKind, Space
from movsdk.pci_regs import BarKind
from tests.mockbus.machines import IO, MEM, PREF, claim, desk, last, model


@pytest.mark.parametrize("size", [1, 2, 4, 8])
def test_nobody_answers_all_ones(size: int) -> None:
    """An unclaimed read is all-ones, an unclaimed write vanishes, both are noted with address, size and time."""
    machine = desk()
    machine.fabric.clock.advance(1500)

    value = machine.fabric.read(Space.MEM, MEM + 0x100000, size)
    machine.fabric.write(Space.MEM, MEM + 0x100000, size, 0)

    assert value == (1 << 8 * size) - 1
    assert list(machine.fabric.faults) == [
        Fault(FaultKind.NO_DECODER, Space.MEM, name, MEM + 0x100000, size, time=1500) for name in ("read", "write")
    ]


@pytest.mark.parametrize(
    ("space", "address", "size"),
    [
        pytest.param(Space.MEM, MEM + 2, 4, id="misaligned register"),
        pytest.param(Space.MEM, MEM + 0x3FFC, 8, id="misaligned, past the end of the BAR"),
        pytest.param(Space.MEM, PREF + 0xFFFFC, 8, id="past the end of memory"),
        pytest.param(Space.MEM, MEM, 3, id="no such size"),
        pytest.param(Space.IO, IO, 8, id="no qwords in I/O"),
    ],
)
def test_accesses_that_no_register_has_are_bad(space: Space, address: int, size: int) -> None:
    """A wrong shape does not reach the model: all-ones, nothing written, a fault that names the BAR."""
    machine = desk()
    (holder,) = machine.fabric.claims(space, address)

    value = machine.fabric.read(space, address, size)
    machine.fabric.write(space, address, size, 0)

    assert (value, model(machine).seen) == ((1 << 8 * size) - 1, [])
    assert list(machine.fabric.faults) == [
        Fault(FaultKind.BAD_ACCESS, space, name, address, size, claims=(holder,)) for name in ("read", "write")
    ]


def _twins(content: str = "ram") -> Machine:
    """Two devices with BARs at one address, and one more a page further."""
    machine = Machine([("mem", Span(MEM, MEM + 0xFFFFFF))])
    for i, place in enumerate((MEM, MEM, MEM + 0x2000)):
        spec = BarSpec(0, BarKind.MEM32, 0x1000, content=content)
        machine.add(f"d{i}", "root", f"{i:02x}.0", PlainModel(bars=(spec,)), firmware={0: place})
    return machine


@pytest.mark.parametrize("content", ["ram", "registers"])
def test_two_decoders_both_answer(content: str) -> None:
    """A read is the AND of both, a write goes to both, and each access is a fault that names both."""
    machine = _twins(content)
    for label, value in (("d0", 0x0F0F), ("d1", 0x00FF)):
        machine.function(label).bars[0].write(8, 2, value)

    value = machine.fabric.read(Space.MEM, MEM + 8, 2)
    machine.fabric.write(Space.MEM, MEM + 8, 2, 0x1234)

    both = (Claim("d0", 0, 8), Claim("d1", 0, 8))
    assert value == 0x0F0F & 0x00FF
    assert [machine.function(label).bars[0].read(8, 2) for label in ("d0", "d1")] == [0x1234, 0x1234]
    assert [(fault.kind, fault.claims) for fault in machine.fabric.faults] == [(FaultKind.TWO_DECODERS, both)] * 2
    assert str(last(machine)) == (
        "two-decoders: write of 2 bytes at mem 0xe0000008 by cpu; answered by d0 BAR 0 + 0x8, d1 BAR 0 + 0x8"
    )


def test_a_copy_across_bars_and_holes_faults_once_a_stretch() -> None:
    """A bulk read gives what each stretch answers; a hole is all-ones and one fault of its length."""
    machine = _twins()
    machine.function("d0").memory(0)[0xFFE:] = b"\xf0\x0f"
    machine.function("d1").memory(0)[0xFFE:] = b"\x3c\xff"
    machine.function("d2").memory(0)[:2] = b"ok"

    copied = machine.fabric.read_block(MEM + 0xFFE, 2 + 0x1000 + 2)

    assert copied == b"\x30\x0f" + b"\xff" * 0x1000 + b"ok"
    assert [(fault.kind, fault.address, fault.size) for fault in machine.fabric.faults] == [
        (FaultKind.TWO_DECODERS, MEM + 0xFFE, 2),
        (FaultKind.NO_DECODER, MEM + 0x1000, 0x1000),
    ]


def test_a_copy_into_holes_reaches_the_rest() -> None:
    """A bulk write lands where somebody answers and vanishes elsewhere, to the end."""
    machine = _twins()

    machine.fabric.write_block(MEM + 0x1FFE, b"abcd")
    machine.fabric.write_block(MEM + 0x2FFE, b"efgh")
    machine.fabric.write_block(MEM + 0x800, b"both")

    memory = machine.function("d2").memory(0)
    assert (bytes(memory[:2]), bytes(memory[0xFFE:])) == (b"cd", b"ef")
    assert [bytes(machine.function(label).memory(0)[0x800:0x804]) for label in ("d0", "d1")] == [b"both"] * 2
    assert [(fault.kind, fault.address, fault.size) for fault in machine.fabric.faults] == [
        (FaultKind.NO_DECODER, MEM + 0x1FFE, 2),
        (FaultKind.NO_DECODER, MEM + 0x3000, 2),
        (FaultKind.TWO_DECODERS, MEM + 0x800, 4),
    ]


def test_a_copy_out_of_registers_uses_the_widest_aligned_accesses() -> None:
    """memcpy on registers is single accesses, each one aligned."""
    machine = desk()

    machine.fabric.read_block(MEM + 1, 16)
    machine.fabric.write_block(MEM + 6, bytes(range(6)))

    reads = [("read", 0, 1, 1), ("read", 0, 2, 2), ("read", 0, 4, 4), ("read", 0, 8, 8), ("read", 0, 16, 1)]
    writes = [("write", 0, 6, 2, 0x0100), ("write", 0, 8, 4, 0x05040302)]
    assert model(machine).seen == reads + writes


@given(st.integers(0, 0xFFF0), st.binary(max_size=64))
def test_a_block_written_reads_back(offset: int, data: bytes) -> None:
    """Memory keeps any block at any place."""
    machine = desk()

    machine.fabric.write_block(PREF + offset, data)

    assert machine.fabric.read_block(PREF + offset, len(data)) == data
    assert not machine.fabric.faults


def test_a_model_can_refuse_an_access() -> None:
    """What the datasheet does not allow is the model's to say; the reader gets all-ones and the log names the place."""

    class Strict(PlainModel):
        def read(self, bar: int, offset: int, size: int) -> int:
            return super().read(bar, offset, size) if size == 4 else self.bad_access(bar, offset, size)

    machine = desk(Strict(bars=(BarSpec(0, BarKind.MEM32, 0x1000),)))

    value = machine.fabric.read(Space.MEM, MEM + 4, 2)

    assert (value, last(machine)) == (
        0xFFFF,
        Fault(FaultKind.BAD_ACCESS, Space.MEM, "read", MEM + 4, 2, claims=(claim(0, 4),)),
    )
