"""What holds for every list of wishes."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from movsdk.layout.optional import Lists, assign_bus
from movsdk.layout.sizing import Extras, size_bus
from movsdk.layout.table import MEG, Reserve
from tests.layout.tables import B, Terms, aperture, below, bridge, card, new_placing, root_bus


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.booleans()), min_size=1, max_size=6),
    st.integers(4, 8),
)
def test_wishes_never_cost_a_requirement(ports: list[tuple[int, int, bool]], room: int) -> None:
    """If everything fits without reserves it fits with them: they only use what is left over."""

    def placed(reserve: Reserve) -> int:
        root = root_bus(aperture("mem", B, MEG << room))
        bars = []
        for number, (order, other, is_hotplug) in enumerate(ports):
            row = bridge(root, f"b{number}", is_hotplug=is_hotplug)
            bars.append(card(below(row), f"e{number}", {0: ("mem32", MEG << order), 1: ("mem32", MEG << other)}))
        extras = Extras()
        size_bus(root, Terms(reserve), extras)
        assign_bus(root, Lists(extras, []), new_placing())
        return sum(bar.parent is not None for row in bars for bar in row.resources[:2])

    assume(placed(Reserve(0, 0, 0)) == 2 * len(ports))

    assert placed(Reserve(0, 2 * MEG, 0)) == 2 * len(ports)
