"""The host bridge as the kernel registers it."""

from __future__ import annotations

import pytest

from movsdk.kernel.system import coalesced
from movsdk.layout.table import MEG, MEM, PREF, Resource

B = 0x8000_0000


def windows(*rows: tuple[int, int, int]) -> list[Resource]:
    """Apertures as (start and last in MiB above B, flags)."""
    return [Resource(number, None, B + a * MEG, B + z * MEG - 1, flags) for number, (a, z, flags) in enumerate(rows)]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param([(0, 4, MEM), (4, 8, MEM)], [(1, 0, 8)], id="one goes on where the other ends"),
        pytest.param([(0, 4, MEM), (4, 8, MEM), (8, 9, MEM)], [(2, 0, 9)], id="and the next"),
        pytest.param([(0, 4, MEM), (5, 8, MEM)], [(0, 0, 4), (1, 5, 8)], id="a gap"),
        pytest.param([(0, 4, MEM), (4, 8, MEM | PREF)], [(0, 0, 4), (1, 4, 8)], id="another type"),
        pytest.param([(4, 8, MEM), (0, 4, MEM)], [(0, 4, 8), (1, 0, 4)], id="the upper one first"),
        pytest.param([(0, 4, MEM), (16, 20, PREF), (4, 8, MEM)], [(0, 0, 4), (1, 16, 20), (2, 4, 8)], id="not side by side"),
    ],
)
def test_neighbouring_apertures_become_one(rows: list[tuple[int, int, int]], expected: list[tuple[int, int, int]]) -> None:
    """The later one takes the space of the one before it and keeps its own number, by which states name it."""
    joined = [(one.index, (one.start - B) // MEG, (one.last + 1 - B) // MEG) for one in coalesced(windows(*rows))]

    assert joined == expected
