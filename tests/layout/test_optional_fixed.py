"""PCI_FIXED BARs in the unpatched kernel."""

from __future__ import annotations

import pytest

from movsdk.layout.optional import Lists, assign_bus
from movsdk.layout.sizing import Extras
from movsdk.layout.table import MEG, PCI_FIXED, UNSET, Resource, Segment
from tests.layout.tables import B, P, aperture, below, bridge, card, new_placing, open_window, root_bus, seat


def fixed_bar(on: Segment, start: int, kind: str = "mem32") -> Resource:
    bar = card(on, "fixed", {0: (kind, MEG)}).resources[0]
    bar.flags |= PCI_FIXED
    bar.set_span(start, start + MEG - 1)
    return bar


@pytest.mark.parametrize(
    ("kind", "start", "holder"),
    [
        pytest.param("mem32", B + MEG, "window", id="in the window of its own bus"),
        pytest.param("mem32", B + 32 * MEG, "aperture", id="else of a bus above"),
        pytest.param("pref64", B + MEG, None, id="only where prefetchable agrees"),
        pytest.param("mem32", P, None, id="nowhere"),
    ],
)
def test_pci_fixed_bars_are_requested_upwards(kind: str, start: int, holder: str | None) -> None:
    """Unpatched kernels put a FIXED BAR into the first window on the way up that contains it. It is never moved or written."""
    root = root_bus(aperture("mem", B, 64 * MEG))
    row = bridge(root, "b", enable_cnt=1)
    window = open_window(row, 1, root.windows[0], B, 4 * MEG, "mem")
    bar = fixed_bar(below(row), start, kind)
    placing = new_placing()

    assign_bus(root, Lists(Extras(), []), placing)

    assert bar.parent is {"window": window, "aperture": root.windows[0], None: None}[holder]
    assert (bar.start, placing.journal) == (start, [])


def test_a_taken_place_is_no_place_for_a_fixed_bar() -> None:
    """Whoever came first stays."""
    root = root_bus(aperture("mem", B, 64 * MEG))
    seat(card(root, "other", {0: ("mem32", MEG)}).resources[0], root.windows[0], B)
    bar = fixed_bar(root, B)

    assign_bus(root, Lists(Extras(), []), new_placing())

    assert bar.parent is None


def test_a_fixed_bar_whose_claim_was_rejected_is_not_requested() -> None:
    """UNSET: ``resource_contains()`` says no to it, though the place is free."""
    root = root_bus(aperture("mem", B, 64 * MEG))
    bar = fixed_bar(root, B)
    bar.flags |= UNSET

    assign_bus(root, Lists(Extras(), []), new_placing())

    assert (bar.parent, bar.start) == (None, B)
