"""Least alignments of windows that a platform wants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from movsdk.layout.sizing import size_bus
from movsdk.layout.table import MEG, Row, Segment
from tests.layout.tables import K, Terms, below, bridge, card, root_bus, sized

Bars = Mapping[int, tuple[str, int]]


def one_bridge(bars: Bars, **facts: Any) -> tuple[Segment, Row]:
    """A root bus with a bridge that has these BARs behind it."""
    root = root_bus()
    row = bridge(root, "b", **facts)
    card(below(row), "e", bars)
    return root, row


@pytest.mark.parametrize(
    ("bars", "expected"),
    [
        pytest.param({0: ("io", 0x20)}, [(0x4000, 0x4000), None, None], id="I/O"),
        pytest.param({0: ("mem32", 4 * K)}, [None, (8 * MEG, 8 * MEG), None], id="memory"),
        pytest.param({0: ("pref64", 4 * K)}, [None, None, (64 * MEG, 64 * MEG)], id="64-bit prefetchable"),
    ],
)
def test_a_platform_may_want_larger_windows(bars: Bars, expected: list[tuple[int, int] | None]) -> None:
    """Windows are aligned to what the host bridge can route apart, at least."""
    root, row = one_bridge(bars, window_granules=(0x4000, 8 * MEG, 64 * MEG))

    size_bus(root, Terms(), None)

    assert sized(row) == expected


def test_a_32_bit_prefetchable_window_has_the_granule_of_memory() -> None:
    """Both lie in the 32-bit aperture."""
    root, row = one_bridge({0: ("pref64", 4 * K)}, pref=32, window_granules=(0x4000, 8 * MEG, 64 * MEG))

    size_bus(root, Terms(), None)

    assert sized(row)[2] == (8 * MEG, 8 * MEG)
