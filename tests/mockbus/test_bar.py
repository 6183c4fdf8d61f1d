"""Base address registers: what they declare, and what sizing by ones tells."""

from __future__ import annotations

import pytest

from mockbus.bar import BarSpec
from mockbus.function import Function
from mockbus.model import PlainModel
from movsdk import pci_regs as regs
from movsdk.address import Span
from movsdk.errors import BadInput
from movsdk.ops import Space
from movsdk.pci_regs import BarKind
from tests.mockbus.machines import MEM, Narrow, desk, model


def _function(spec: BarSpec, start: int = 0) -> Function:
    return Function.of_model("card", PlainModel(bars=(spec,)), firmware={spec.n: start})


@pytest.mark.parametrize(
    ("kind", "size", "low", "high"),
    [
        pytest.param(BarKind.IO, 0x20, 0xFFFFFFE1, None, id="io"),
        pytest.param(BarKind.MEM32, 0x1000, 0xFFFFF000, None, id="mem32"),
        pytest.param(BarKind.PREF32, 0x10, 0xFFFFFFF8, None, id="pref32 of the least size"),
        pytest.param(BarKind.MEM32, 1 << 31, 0x80000000, None, id="mem32 of the most"),
        pytest.param(BarKind.MEM64, 0x4000, 0xFFFFC004, 0xFFFFFFFF, id="mem64"),
        pytest.param(BarKind.PREF64, 64 << 30, 0x0000000C, 0xFFFFFFF0, id="pref64 above 4 GiB"),
        pytest.param(BarKind.ROM, 0x10000, 0xFFFF0001, None, id="rom"),
    ],
)
def test_ones_written_read_back_as_the_size(kind: BarKind, size: int, low: int, high: int | None) -> None:
    """Sizing: address bits that exist read one, the rest and the type bits stay; the upper half is its own register."""
    spec = BarSpec(6 if kind is BarKind.ROM else 2, kind, size)
    function = _function(spec)
    register = regs.bar_register(spec.n)

    function.config_write(register, 4, 0xFFFFFFFF)
    if high is not None:
        function.config_write(register + 4, 4, 0xFFFFFFFF)

    assert function.config.read(register, 4) == low
    assert high is None or function.config.read(register + 4, 4) == high


@pytest.mark.parametrize(
    ("kind", "start", "address"),
    [
        pytest.param(BarKind.MEM32, 0xE0001000, 0xE0001000, id="mem32"),
        pytest.param(BarKind.MEM32, 0xE0001234, 0xE0001000, id="bits below the size do not exist"),
        pytest.param(BarKind.PREF64, 0x12_3456_7000, 0x12_3456_7000, id="both halves"),
        pytest.param(BarKind.IO, 0x1_C000, 0x1_C000, id="io has all 32 bits"),
        pytest.param(BarKind.ROM, 0xFEB00000, 0xFEB00000, id="rom"),
    ],
)
def test_the_register_holds_the_address(kind: BarKind, start: int, address: int) -> None:
    """Firmware's address stands in the register as far as it has the bits, with the type bits beside it."""
    n = 6 if kind is BarKind.ROM else 0

    function = _function(BarSpec(n, kind, 0x1000), start)

    assert function.bars[n].span == Span.sized(address, 0x1000)
    assert function.config.read(regs.bar_register(n), 4) & 0xF == kind.low_bits


def test_sizing_leaves_memory_alone() -> None:
    """The address register is not the memory: contents survive any value written to it."""
    function = _function(BarSpec(0, BarKind.MEM32, 0x1000, content="ram"))
    function.memory(0)[:4] = b"kept"

    function.config_write(regs.BASE_ADDRESS_0, 4, 0xFFFFFFFF)

    assert bytes(function.memory(0)[:4]) == b"kept"


def test_a_hard_wired_bar_takes_no_address() -> None:
    """A read-only BAR stays where it is, whatever is written."""
    function = _function(BarSpec(0, BarKind.MEM32, 0x1000, is_readonly=True), MEM)

    function.config_write(regs.BASE_ADDRESS_0, 4, 0xFFFFFFFF)

    assert function.bars[0].address == MEM


def test_a_wide_access_reaches_a_narrow_model_in_halves() -> None:
    """A model that knows dwords sees a qword as two of them, low half first, and the reader gets both."""
    machine = desk(Narrow(0x11223344))

    value = machine.fabric.read(Space.MEM, MEM + 8, 8)
    machine.fabric.write(Space.MEM, MEM + 8, 8, 0xAAAAAAAA_BBBBBBBB)

    assert value == 0x11223344_11223344
    assert model(machine).seen == [(8, 4), (12, 4), (8, 4, 0xBBBBBBBB), (12, 4, 0xAAAAAAAA)]


def test_a_model_cannot_answer_more_than_was_asked() -> None:
    """Bits beyond the access are dropped on the way out."""
    machine = desk(Narrow(0x11223344))

    assert machine.fabric.read(Space.MEM, MEM, 1) == 0x44


@pytest.mark.parametrize(
    ("n", "kind", "size", "content", "message"),
    [
        pytest.param(5, BarKind.MEM64, 0x1000, "ram", "BAR 5 cannot be mem64", id="no room for the upper half"),
        pytest.param(6, BarKind.MEM32, 0x1000, "ram", "BAR 6 cannot be mem32", id="6 is the rom"),
        pytest.param(0, BarKind.ROM, 0x1000, "ram", "BAR 0 cannot be rom", id="the rom is 6"),
        pytest.param(7, BarKind.IO, 0x10, "ram", "BAR 7 cannot be io", id="no such register"),
        pytest.param(
            0, BarKind.MEM32, 0x3000, "ram", "BAR 0 of 0x3000 bytes: mem32 needs a power of two", id="not a power of two"
        ),
        pytest.param(0, BarKind.MEM32, 8, "ram", "from 0x10 to 0x80000000", id="too small"),
        pytest.param(0, BarKind.MEM32, 1 << 32, "ram", "from 0x10 to 0x80000000", id="too big for 32 bits"),
        pytest.param(0, BarKind.MEM32, 0x1000, "rom", "content is 'rom'; it must be 'registers' or 'ram'", id="unknown content"),
    ],
)
def test_a_bar_that_cannot_exist_is_refused(n: int, kind: BarKind, size: int, content: str, message: str) -> None:
    """A wrong declaration names the BAR and what is possible."""
    with pytest.raises(BadInput, match=message):
        BarSpec(n, kind, size, content=content)
