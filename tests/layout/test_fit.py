"""Where one resource fits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from movsdk.layout.fit import Search, find_place
from movsdk.layout.table import FOUR_GIG, M64, MEG, MEM, SIZEALIGN, AddressMap, Resource, Segment
from tests.layout.tables import KINDS, B, K, P, aperture, root_bus

NO_RAM = AddressMap(reserved=())


def bar(kind: str, size: int) -> Resource:
    return Resource(0, None, 0, size - 1, KINDS[kind] | SIZEALIGN)


def taken(window: Resource, *places: tuple[int, int]) -> Resource:
    """The window with these (start, size) in use."""
    for start, size in places:
        assert window.insert(Resource(0, None, start, start + size - 1, window.flags))
    return window


def found(
    segment: Segment,
    resource: Resource,
    *,
    address_map: AddressMap = NO_RAM,
    keeps_minimum: bool = False,
    minimum: int | None = None,
) -> tuple[int, int] | None:
    """(window index, start), or None."""
    place = find_place(segment, resource, resource.size, resource.size, Search(address_map, keeps_minimum, minimum))
    return None if place is None else (place.window.index, place.start)


@pytest.mark.parametrize(
    ("kind", "windows", "chosen"),
    [
        pytest.param("io", ["mem", "io"], [1], id="I/O: I/O only"),
        pytest.param("mem32", ["pref32", "pref64", "mem64", "mem"], [3], id="mem32: exactly memory, nothing else"),
        pytest.param("mem64", ["pref64", "mem", "mem64"], [2, 1], id="mem64: its own, then any that is not prefetchable"),
        pytest.param("pref32", ["mem", "pref64", "pref32"], [2, 0, 1], id="pref32: its own, then any memory in list order"),
        pytest.param("pref64", ["mem", "pref32", "pref64"], [2, 1, 0], id="pref64: its own, prefetchable, then any memory"),
        pytest.param("rom", ["mem", "pref32"], [1, 0], id="a ROM is prefetchable"),
    ],
)
def test_windows_are_tried_from_picky_to_lenient(kind: str, windows: list[str], chosen: list[int]) -> None:
    """Each time the best window is gone the next one is taken; windows that never suit are never taken."""
    apertures = [aperture(one, 0x1000 if one == "io" else B + n * 16 * MEG, 16 * MEG, n) for n, one in enumerate(windows)]
    segment = root_bus(*apertures)

    order = []
    while (place := found(segment, bar(kind, 0x100 if kind == "io" else MEG))) is not None:
        order.append(place[0])
        segment.windows = [window for window in segment.windows if window.index != place[0]]

    assert order == chosen


@pytest.mark.parametrize(
    ("kind", "windows", "expected"),
    [
        pytest.param("pref64", [(B, 16), (P, 16)], (1, P), id="the high window comes first though it is second in the list"),
        pytest.param("pref64", [(FOUR_GIG - 16 * MEG, 32)], (0, FOUR_GIG), id="the high part of a window across 4 GiB"),
        pytest.param("pref64", [(B, 16)], (0, B), id="below 4 GiB if nothing is above"),
        pytest.param("pref32", [(FOUR_GIG - 16 * MEG, 32)], (0, FOUR_GIG - 16 * MEG), id="32 bits: the low part"),
        pytest.param("pref32", [(P, 16)], None, id="32 bits: never above 4 GiB"),
    ],
)
def test_64_bit_resources_look_above_4_gib_first(
    kind: str, windows: list[tuple[int, int]], expected: tuple[int, int] | None
) -> None:
    """Two rounds for a 64-bit resource, each over all windows; others know addresses below 4 GiB only."""
    segment = root_bus(*(aperture(kind, start, size * MEG, n) for n, (start, size) in enumerate(windows)))

    assert found(segment, bar(kind, MEG)) == expected


def test_the_round_above_4_gib_does_not_make_a_less_fitting_window_better() -> None:
    """All rounds for the exact type come before the lenient types."""
    segment = root_bus(aperture("pref64", B, 16 * MEG, 0), aperture("mem64", P, 16 * MEG, 1))

    assert found(segment, bar("pref64", MEG)) == (0, B)


@pytest.mark.parametrize(
    ("start", "keeps_minimum", "minimum", "expected"),
    [
        pytest.param(0, False, None, 16 * MEG, id="a window at 0: the machine's minimum"),
        pytest.param(2 * MEG, False, None, 2 * MEG, id="any other window: its start, the minimum is ignored"),
        pytest.param(2 * MEG, True, None, 16 * MEG, id="the series: the larger of both"),
        pytest.param(32 * MEG, True, None, 32 * MEG, id="the series: the window's start if it is larger"),
        pytest.param(2 * MEG, True, 8 * MEG, 8 * MEG, id="a minimum of one's own"),
        pytest.param(2 * MEG, True, 65 * MEG, 65 * MEG, id="up to the last place"),
        pytest.param(2 * MEG, True, 66 * MEG, None, id="behind the window"),
        pytest.param(2 * MEG, True, M64 - MEG + 1, None, id="wrapped round"),
    ],
)
def test_least_addresses(start: int, keeps_minimum: bool, minimum: int | None, expected: int | None) -> None:
    """Unpatched kernels apply the minimum to windows that start at 0 only; the series applies it always."""
    segment, search = root_bus(aperture("mem", start, 64 * MEG)), Search(NO_RAM, keeps_minimum, minimum)

    place = find_place(segment, bar("mem32", MEG), MEG, MEG, search)

    assert (place.start if place is not None else None) == expected


def test_ports_start_at_their_own_minimum() -> None:
    """Below 0x1000 live the mainboard's own ports."""
    assert found(root_bus(aperture("io", 0, 0x10000)), bar("io", 0x20)) == (0, 0x1000)


def test_memory_below_1_mib_is_never_taken() -> None:
    """That is BIOS and VGA land on x86, whatever window would allow it."""
    assert found(root_bus(aperture("mem", 0x10000, 4 * MEG)), bar("mem32", 64 * K)) == (0, MEG)


@pytest.mark.parametrize(
    ("reserved", "window", "size", "expected"),
    [
        pytest.param([(0, 0x3FFF_FFFF)], (0, 1 << 31), MEG, 0x4000_0000, id="a window at 0 stands on RAM"),
        pytest.param([(0, 0x3FFF_FFFF)], (0, 1 << 29), MEG, None, id="a window in RAM"),
        pytest.param([(0xFFE0_0000, 0xFFFF_FFFF)], (0xFF00_0000, 1 << 24), 8 * MEG, 0xFF00_0000, id="below the BIOS"),
        pytest.param([(0xFFE0_0000, 0xFFFF_FFFF)], (0xFF80_0000, 1 << 23), 8 * MEG, None, id="not over the BIOS"),
        pytest.param([(B + 2 * MEG, B + 3 * MEG - 1)], (B, 8 * MEG), MEG, B + 3 * MEG, id="only the larger side is looked at"),
        pytest.param([(B + 4 * MEG, B + 5 * MEG - 1)], (B, 8 * MEG), MEG, B, id="which may be the lower"),
        pytest.param([(B + 2 * MEG, B + 4 * MEG - 1)], (B, 6 * MEG), MEG, B + 4 * MEG, id="in a tie the upper"),
        pytest.param([(B + 2 * MEG, B + 2 * MEG), (B + 5 * MEG, B + 5 * MEG)], (B, 8 * MEG), 4 * MEG, None, id="cut twice"),
    ],
)
def test_nothing_is_placed_on_ram_or_firmware(
    reserved: list[tuple[int, int]], window: tuple[int, int], size: int, expected: int | None
) -> None:
    """Of a gap that a reserved range cuts, the larger side is kept and the other forgotten."""
    segment = root_bus(aperture("mem", *window))

    place = found(segment, bar("mem32", size), address_map=AddressMap(reserved=tuple(reserved)))

    assert (place[1] if place is not None else None) == expected


def test_reserved_memory_does_not_bound_ports() -> None:
    """The RAM map is about memory; I/O port numbers below it mean something else."""
    assert found(root_bus(aperture("io", 0x2000, 0x1000)), bar("io", 0x100), address_map=AddressMap()) == (0, 0x2000)


def test_four_ports_of_256_bytes_fill_a_window_of_4_kib() -> None:
    """x86 keeps ports out of the aliases of old ISA devices: only the first 256 bytes of each KiB are offered."""
    window = aperture("io", 0x1000, 0x1000)
    segment, starts = root_bus(window), []

    while (place := found(segment, bar("io", 0x100))) is not None:
        starts.append(place[1])
        taken(window, (place[1], 0x100))

    assert starts == [0x1000, 0x1400, 0x1800, 0x1C00]


@pytest.mark.parametrize(("used", "size"), [(0x100, 0x100), (0x200, 0x200), (0x300, 0x100), (0x380, 0x80)])
def test_aliases_begin_at_each_kib(used: int, size: int) -> None:
    """Whichever of the two alias bits an address would have, the next KiB is taken."""
    segment = root_bus(taken(aperture("io", 0x1000, 0x1000), (0x1000, used)))

    assert found(segment, bar("io", size)) == (0, 0x1400)


def test_a_platform_without_isa_fills_the_window() -> None:
    """Where no old device decodes ten bits there is nothing to avoid."""
    window = taken(aperture("io", 0x1000, 0x1000), (0x1000, 0x100))

    place = found(root_bus(window), bar("io", 0x100), address_map=AddressMap(avoids_isa_aliases=False))

    assert place == (0, 0x1100)


def test_a_platform_says_where_memory_begins() -> None:
    """Only a PC has BIOS and VGA in its first MiB."""
    segment = root_bus(aperture("mem", 0x10000, 4 * MEG))

    assert found(segment, bar("mem32", 64 * K), address_map=AddressMap(reserved=(), lowest_mem=0)) == (0, 0x10000)


@pytest.mark.parametrize(
    ("used", "size", "expected"),
    [
        pytest.param([(B, MEG)], MEG, B + MEG, id="behind the first"),
        pytest.param([(B + MEG, MEG)], MEG, B, id="before the first"),
        pytest.param([(B, MEG), (B + 2 * MEG, MEG)], MEG, B + MEG, id="between two"),
        pytest.param([(B, MEG), (B + 2 * MEG, MEG)], 2 * MEG, B + 4 * MEG, id="aligned to its size"),
        pytest.param([(B + MEG, MEG)], 8 * MEG, None, id="nowhere as a whole"),
        pytest.param([(B, 8 * MEG)], MEG, None, id="full"),
    ],
)
def test_the_lowest_gap_wins(used: list[tuple[int, int]], size: int, expected: int | None) -> None:
    """First fit, upwards; nothing else is compared."""
    segment = root_bus(taken(aperture("mem", B, 8 * MEG), *used))

    place = found(segment, bar("mem32", size))

    assert (place[1] if place is not None else None) == expected


def test_a_placed_resource_may_take_its_own_space_again() -> None:
    """When a window grows, what it has now counts as free."""
    window = taken(aperture("mem", B, 4 * MEG), (B + 3 * MEG, MEG))
    own = bar("mem32", MEG)
    own.set_span(B + MEG, B + 2 * MEG - 1)
    window.insert(own)

    place = find_place(root_bus(window), own, 2 * MEG, MEG, Search(NO_RAM))

    assert place is not None
    assert place.start == B


def test_no_gap_that_would_need_an_address_past_the_end() -> None:
    """Aligning near 2^64 wraps to 0; the kernel notices and goes on."""
    last = (1 << 64) - 1

    assert found(root_bus(aperture("pref64", last - MEG + 1, MEG)), bar("pref64", 2 * MEG)) is None


UNIT = MEG
USED = st.lists(st.tuples(st.integers(0, 31), st.integers(1, 6)), max_size=6)


@given(USED, st.sampled_from([1, 2, 4, 8]), st.sampled_from([1, 2, 4, 8]))
def test_the_place_is_the_lowest_there_is(used: list[tuple[int, int]], size: int, alignment: int) -> None:
    """Against trying every address: aligned, inside, on nobody's space, and none below it would do."""
    window = aperture("mem", B, 32 * UNIT)
    for start, length in used:
        window.insert(Resource(0, None, B + start * UNIT, B + (start + length) * UNIT - 1, MEM))
    free = {u for u in range(32) if not any(one.overlaps(B + u * UNIT, B + (u + 1) * UNIT - 1) for one in window.children)}
    fitting = [u for u in range(0, 32, alignment) if set(range(u, u + size)) <= free]

    place = find_place(root_bus(window), bar("mem32", size * UNIT), size * UNIT, alignment * UNIT, Search(NO_RAM))

    assert (None if place is None else place.start) == (B + fitting[0] * UNIT if fitting else None)


@given(USED, st.integers(1, 8), st.data())
def test_more_room_never_takes_a_place_away(used: list[tuple[int, int]], size: int, data: st.DataObject) -> None:
    """What fits beside some neighbours fits beside fewer, at the same address or below."""
    tight, loose = aperture("mem", B, 32 * UNIT), aperture("mem", B, 32 * UNIT)
    for start, length in used:
        tight.insert(Resource(0, None, B + start * UNIT, B + (start + length) * UNIT - 1, MEM))
    taken(loose, *((one.start, one.size) for one in tight.children if data.draw(st.booleans())))

    before, after = (
        find_place(root_bus(window), bar("mem32", UNIT), size * UNIT, UNIT, Search(NO_RAM)) for window in (tight, loose)
    )

    assert before is None or (after is not None and after.start <= before.start)


def test_looking_changes_nothing() -> None:
    """`find_place` chooses; neither table nor flags are touched."""
    window = taken(aperture("mem", B, 4 * MEG), (B, MEG))
    resource = bar("mem32", MEG)

    assert found(root_bus(window), resource) == (0, B + MEG)

    assert (resource.start, resource.flags, resource.parent, len(window.children)) == (0, MEM | SIZEALIGN, None, 1)
