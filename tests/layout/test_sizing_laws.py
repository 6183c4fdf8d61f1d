"""What holds for every size of a memory window."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from movsdk.layout.placing import assign_resource, sorted_by_alignment
from movsdk.layout.sizing import size_bus
from movsdk.layout.table import MEG, MEM, Reserve, Row
from tests.layout.tables import B, K, Terms, aperture, below, bridge, card, new_placing, root_bus

SIZES = st.lists(st.sampled_from([4 * K, 64 * K, *(MEG << order for order in range(7))]), max_size=8)


def sized_for(sizes: list[int], *, floor: int = 0, old: int = 1, reserve: int = 0) -> Row:
    root = root_bus(aperture("mem", B, 1 << 30))
    row = bridge(root, "b", is_hotplug=True)
    for number, each in enumerate(sizes):
        card(below(row), f"e{number}", {0: ("mem32", each)})
    row.windows[1].set_span(0, old - 1)
    size_bus(root, Terms(Reserve(0, reserve, 0), mem={"b:8": floor}), None)
    return row


@given(SIZES, st.integers(0, 64), st.integers(0, 1023))
def test_what_is_sized_for_finds_its_places(sizes: list[int], floor: int, at: int) -> None:
    """Wherever the window lands at its alignment, everything it was sized for fits, the most aligned first."""
    row = sized_for(sizes, floor=floor * MEG)
    window = row.windows[1]
    if not window.flags:
        return
    start = B + at * MEG & -window.alignment
    window.set_span(start, start + window.size - 1)
    window.flags, window.parent = MEM, row.segment.windows[0]

    queue = sorted_by_alignment(below(row).rows, lambda _row, _bar: True)
    placing = new_placing()
    failed = [bar for bar in queue if not assign_resource(below(row), bar, placing)]

    assert failed == []


@given(SIZES, st.integers(0, 99), st.integers(0, 99), st.integers(0, 99), st.data())
def test_no_floor_makes_a_window_smaller(sizes: list[int], floor: int, old: int, reserve: int, data: st.DataObject) -> None:
    """Size grows with each of: range to cover, old size, reserve; alignment depends on none of them."""
    terms = {"floor": floor * MEG, "old": old * MEG + 1, "reserve": reserve * MEG}
    raised = data.draw(st.sampled_from(sorted(terms)))

    before = sized_for(sizes, **terms).windows[1]
    after = sized_for(sizes, **terms | {raised: terms[raised] + data.draw(st.integers(1, 99)) * MEG}).windows[1]

    assert after.size % (after.alignment or 1) == 0
    assert not before.flags or (after.size >= before.size and after.alignment == before.alignment)
    assert not before.flags or before.size >= max(sum(sizes), *(terms[key] - (key == "old") for key in terms))


@given(st.permutations([4 * K, MEG, MEG, 2 * MEG, 8 * MEG, 64 * MEG]))
def test_the_order_of_devices_does_not_matter_to_a_size(sizes: list[int]) -> None:
    """A sum and a set of alignments have no order."""
    window = sized_for(sizes).windows[1]

    assert (window.size, window.alignment) == (96 * MEG, 32 * MEG)
