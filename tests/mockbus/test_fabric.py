"""The fabric: accesses that arrive, and the seam it implements."""

from __future__ import annotations

import pytest

from mockbus.fabric import Fabric
from mockbus.model import PlainModel
from movsdk import pci_regs as regs
from movsdk.address import Span
from movsdk.clock import Clock
from movsdk.errors import BadInput
from movsdk.ops import Fault, FaultKind, Interrupt, PciOps, Space
from tests.mockbus.machines import IO, MEM, PREF, claim, desk, last, model, set_power


def test_the_fabric_is_the_seam() -> None:
    """A Fabric can be used wherever a PciOps is wanted; mypy checks the signatures."""
    ops: PciOps = Fabric(())

    assert ops.faults == ops.faults
    assert len(ops.faults) == 0


@pytest.mark.parametrize("size", [1, 2, 4, 8])
def test_registers_see_size_and_offset(size: int) -> None:
    """A register BAR gets the access as it was made, relative to the BAR."""
    machine = desk()

    value = machine.fabric.read(Space.MEM, MEM + 0x18, size)
    machine.fabric.write(Space.MEM, MEM + 0x18, size, 0xFFEEDDCC_BBAA9988)

    mask = (1 << 8 * size) - 1
    assert value == 0x18 * 0x0101_0101_0101_0101 & mask
    assert model(machine).seen == [("read", 0, 0x18, size), ("write", 0, 0x18, size, 0xFFEEDDCC_BBAA9988 & mask)]
    assert not machine.fabric.faults


def test_io_ports_are_their_own_space() -> None:
    """An I/O BAR answers I/O accesses only, a memory BAR memory accesses only."""
    machine = desk()

    machine.fabric.write(Space.IO, IO + 4, 4, 7)
    machine.fabric.read(Space.MEM, IO + 4, 4)
    machine.fabric.read(Space.IO, MEM, 4)

    assert model(machine).seen == [("write", 4, 4, 4, 7)]
    assert [fault.kind for fault in machine.fabric.faults] == [FaultKind.NO_DECODER] * 2


@pytest.mark.parametrize(("offset", "size"), [(0, 1), (2, 2), (4, 4), (8, 8), (3, 4), (0xFFFF8, 8)])
def test_memory_is_memory_of_any_alignment(offset: int, size: int) -> None:
    """A RAM BAR takes every access inside it, and a bulk copy sees the same bytes."""
    machine = desk()
    value = 0x1122334455667788 & ((1 << 8 * size) - 1)

    machine.fabric.write(Space.MEM, PREF + offset, size, value)

    assert machine.fabric.read(Space.MEM, PREF + offset, size) == value
    assert machine.fabric.read_block(PREF + offset, size) == value.to_bytes(size, "little")
    assert bytes(model(machine).ram(2)[offset : offset + size]) == value.to_bytes(size, "little")
    assert not machine.fabric.faults


def test_claims_name_who_would_answer() -> None:
    """Asking who holds an address is no access and leaves no fault."""
    machine = desk()

    assert machine.fabric.claims(Space.MEM, MEM + 0x10) == (claim(0, 0x10),)
    assert machine.fabric.claims(Space.MEM, MEM + 0x4000) == ()
    assert not machine.fabric.faults


@pytest.mark.parametrize(
    ("devfn", "offset", "size", "ones"),
    [
        pytest.param(0x08, 0x01, 2, 0xFFFF, id="misaligned"),
        pytest.param(0x08, 0x00, 8, 0xFFFF_FFFF_FFFF_FFFF, id="too wide"),
        pytest.param(0x08, 0x1000, 4, 0xFFFFFFFF, id="past the end"),
    ],
)
def test_config_cycles_that_cannot_be_are_noted(devfn: int, offset: int, size: int, ones: int) -> None:
    """A config access of a wrong shape answers all-ones, writes nothing, and is a bad access at its ECAM address."""
    machine = desk()

    value = machine.fabric.config_read(0, devfn, offset, size)
    machine.fabric.config_write(0, devfn, offset, size, 0)

    assert value == ones
    expected = [Fault(FaultKind.BAD_ACCESS, Space.CONFIG, name, devfn << 12 | offset, size) for name in ("read", "write")]
    assert list(machine.fabric.faults) == expected


def test_an_empty_slot_is_no_fault() -> None:
    """Scanning empty slots is how devices are found: all-ones, writes vanish, nothing to note."""
    machine = desk()

    values = [machine.fabric.config_read(bus, 0x50, regs.VENDOR_ID, 2) for bus in (0, 1, 77)]
    machine.fabric.config_write(0, 0x50, regs.COMMAND, 2, 7)

    assert (values, len(machine.fabric.faults)) == ([0xFFFF] * 3, 0)


def test_nothing_is_reached_through_a_sleeping_bridge() -> None:
    """Config cycles end at a bridge that is not in D0, and that is noted, for software should have woken it."""
    machine = desk()
    machine.add_bridge("sleeper", "root", "02.0", config=_sleeping_bridge())
    machine.add("below", "sleeper", "00.0", PlainModel())

    value = machine.fabric.config_read(2, 0, 0, 4)
    asleep = last(machine)
    set_power(machine, "sleeper", regs.PowerState.D0)

    assert value == 0xFFFFFFFF
    assert asleep == Fault(FaultKind.ASLEEP, Space.CONFIG, "read", 2 << 20, 4, blocked="sleeper")
    assert str(asleep) == "asleep: read of 4 bytes at config 0x200000 by cpu; held by sleeper"
    assert machine.fabric.config_read(2, 0, 0, 2) == 0x1AF4


def _sleeping_bridge() -> bytes:
    dump = bytearray(256)
    dump[0:4] = b"\x36\x1b\x01\x00"
    dump[regs.STATUS], dump[regs.HEADER_TYPE], dump[regs.CAPABILITY_LIST] = regs.STATUS_CAP_LIST, 1, 0x40
    dump[regs.SECONDARY_BUS] = dump[regs.SUBORDINATE_BUS] = 2
    dump[0x40:0x46] = bytes([regs.CAP_ID_PM, 0, 3, 0, regs.PM_CTRL_NO_SOFT_RESET | regs.PowerState.D3HOT, 0])
    return bytes(dump)


def test_interrupts_come_from_the_clock() -> None:
    """An interrupt waits until somebody lets time pass; one that nobody listens to is lost."""
    clock = Clock()
    fabric = Fabric((), clock)
    heard: list[Interrupt] = []
    message = Interrupt("msi", 42, "card")

    fabric.interrupt(message)
    clock.run_pending()
    fabric.set_interrupt_handler(heard.append)
    fabric.interrupt(message)
    before = list(heard)
    clock.run_pending()

    assert (before, heard) == ([], [message])


@pytest.mark.parametrize(
    ("apertures", "message"),
    [
        pytest.param(
            [("mmio", Span(0, 9))],
            r"root aperture \[0x0-0x9\] is 'mmio'; it must be one of io, mem, pref, mem64, pref64",
            id="kind",
        ),
        pytest.param(
            [("mem", Span(0, 9)), ("pref64", Span(9, 20))],
            r"root apertures \[0x0-0x9\] and \[0x9-0x14\] overlap",
            id="overlap",
        ),
    ],
)
def test_wrong_apertures_are_refused(apertures: list[tuple[str, Span]], message: str) -> None:
    """Memory apertures of all kinds share one space and lie side by side; I/O has its own."""
    with pytest.raises(BadInput, match=message):
        Fabric(tuple(apertures))


def test_io_and_memory_apertures_may_have_the_same_numbers() -> None:
    """I/O and memory are different spaces."""
    fabric = Fabric((("io", Span(0, 0xFFFF)), ("mem", Span(0, 0xFFFF))))

    assert (fabric.apertures(io=True), fabric.apertures(io=False)) == ([Span(0, 0xFFFF)], [Span(0, 0xFFFF)])
