"""What the window registers of a bridge mean."""

from __future__ import annotations

from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockbus.windows import Windows, decode_windows
from movsdk.address import Span

NARROW, WIDE = 0x0, 0x1


def registers(
    io: tuple[int, int] = (0xF0, 0x00), mem: tuple[int, int] = (0xFFF0, 0), pref: tuple[int, int] = (0xFFF0, 0), upper: int = 0
) -> bytes:
    """The bytes from IO_BASE on; `upper` stands in all four upper registers."""
    return pack("<BBHHHHHIIHH", *io, 0xA5A5, *mem, *pref, upper, upper, upper, upper)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(registers(), Windows(None, None, None), id="all closed: base above limit"),
        pytest.param(registers(io=(0x10, 0x30), upper=7), Windows(Span(0x1000, 0x3FFF), None, None), id="I/O of 16 bits"),
        pytest.param(registers(io=(0x11, 0x31), upper=7), Windows(Span(0x71000, 0x73FFF), None, None), id="I/O of 32 bits"),
        pytest.param(registers(mem=(0xFE0F, 0xFE3F)), Windows(None, Span(0xFE000000, 0xFE3FFFFF), None), id="memory"),
        pytest.param(registers(pref=(0xC000, 0xC010), upper=8), Windows(None, None, Span(0xC0000000, 0xC01FFFFF)), id="pref32"),
        pytest.param(registers(pref=(0xC001, 0xC011), upper=8), Windows(None, None, Span(0x8C0000000, 0x8C01FFFFF)), id="pref64"),
    ],
)  # fmt: skip
def test_windows_by_their_registers(found: bytes, expected: Windows) -> None:
    """Base and limit are whole granules, inclusive; the upper registers count only if the type bits of the base say so."""
    assert decode_windows(found) == expected


def test_a_window_that_is_not_there_is_closed() -> None:
    """Registers of zero are an open granule at 0, but not of a bridge that has no such register."""
    zeros = registers((0, 0), (0, 0), (0, 0))

    there, gone = decode_windows(zeros), decode_windows(zeros, has_io=False, has_prefetchable=False)

    assert there.open(io=True) == [Span(0, 0xFFF)]
    assert there.open(io=False) == [Span(0, 0xFFFFF), Span(0, 0xFFFFF)]
    assert gone.open(io=True) == []
    assert gone.open(io=False) == [Span(0, 0xFFFFF)]


@given(st.binary(min_size=24, max_size=24))
def test_open_windows_are_whole_granules(raw: bytes) -> None:
    """Any bytes decode to closed windows or to whole pieces of 4 KiB and 1 MiB."""
    windows = decode_windows(raw)

    assert all(not span.start & 0xFFF and span.last & 0xFFF == 0xFFF for span in windows.open(io=True))
    assert all(not span.start & 0xFFFFF and span.last & 0xFFFFF == 0xFFFFF for span in windows.open(io=False))
