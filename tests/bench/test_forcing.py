"""Forcing chosen BARs to move, or to lose their place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mockbus import BarKind, BarSpec, DeviceModel
from movsdk.bench import forcing
from movsdk.bench.bench import Bench
from movsdk.errors import BadInput, NoSpace
from movsdk.hooks import PciId
from movsdk.kernel.device import Device
from movsdk.kernel.pcidev import PciDev, device_of
from movsdk.layout.table import UNSET

M = 1 << 20


class Model(DeviceModel):
    """Three BARs and a ROM."""

    vendor_id, device_id, class_code = 0x1234, 0x0001, 0x020000
    bars = (
        BarSpec(0, BarKind.MEM32, M),
        BarSpec(2, BarKind.PREF64, 4 * M),
        BarSpec(4, BarKind.IO, 0x20),
        BarSpec(6, BarKind.ROM, M),
    )


class Driver:
    """Movable, and quick about it."""

    name = "driver"
    id_table = (PciId(0x1234, 0x0001),)

    def probe(self, dev: PciDev, id: PciId) -> None:
        dev.enable_device()

    def rescan_prepare(self, dev: PciDev) -> None:
        pass

    def rescan_done(self, dev: PciDev) -> None:
        pass


class Pinned(Driver):
    """Says that BAR 0 stays."""

    name = "pinned"

    def bar_fixed(self, dev: PciDev, bar: int) -> bool:
        return bar == 0


class Hookless:
    """Knows nothing of moving."""

    name = "hookless"
    id_table = (PciId(0x1234, 0x0001),)

    def probe(self, dev: PciDev, id: PciId) -> None:
        dev.enable_device()


def places(dev: PciDev) -> dict[int, int | None]:
    """Where each BAR and the ROM are."""
    device = device_of(dev)
    return {bar: span.start for bar in (0, 2, 4, 6) if (span := device.bar_span(bar)) is not None}


SUBSETS = [(0,), (2,), (4,), (6,), (0, 2), (2, 4), (0, 4, 6), (0, 2, 4, 6)]


@pytest.mark.parametrize("bars", SUBSETS, ids=lambda bars: "+".join(map(str, bars)))
def test_exactly_the_chosen_bars_move(bench: Bench, bars: tuple[int, ...]) -> None:
    """Every subset, ROM included, and back again; the others are pinned for this one rescan."""
    dev = bench.plug(Driver, Model)
    bench.plug(Driver, Model)
    before = places(dev)

    for _ in range(2):
        report = bench.force_move(dev, bars=bars)
        after = places(dev)
        assert {bar for bar in after if after[bar] != before[bar]} == set(bars)
        assert {move.bar for move in report.moves if move.device == "driver0"} == set(bars)
        before = after


@pytest.mark.parametrize("bars", [(0,), (2,), (0, 2, 4)], ids=str)
def test_with_v5_at_least_the_chosen_bars_move(make_bench: Callable[..., Bench], bars: tuple[int, ...]) -> None:
    """A whole device moves or stays there, so others may move as well."""
    bench = make_bench(rules="v5")
    dev = bench.plug(Driver, Model)
    before = places(dev)

    bench.force_move(dev, bars=bars)

    after = places(dev)
    assert {bar for bar in after if after[bar] != before[bar]} >= set(bars)


class Graphics(DeviceModel):
    """BARs of different sizes in each window, as graphics cards have them."""

    vendor_id, device_id, class_code = 0x1234, 0x0001, 0x030000
    bars = (
        BarSpec(0, BarKind.PREF64, 256 * M, content="ram"),
        BarSpec(2, BarKind.PREF64, 2 * M, content="ram"),
        BarSpec(4, BarKind.MEM32, 16 * M),
        BarSpec(5, BarKind.MEM32, M // 2),
    )


@pytest.mark.parametrize("rules", ["v9", "v5"])
@pytest.mark.parametrize("cards", [1, 2])
def test_a_card_with_several_large_bars_moves_whole(rules: str, cards: int, make_bench: Callable[..., Bench]) -> None:
    """Its windows go elsewhere: none is as large as the old places and the new ones together."""
    bench = make_bench(rules=rules)
    dev = bench.plug_functions(*[(Driver, Graphics)] * cards)[0]
    before = [dev.resource_start(bar) for bar in (0, 2, 4, 5)]

    for _ in range(2):
        bench.force_move(dev, bars=(0, 2, 4, 5))
        after = [dev.resource_start(bar) for bar in (0, 2, 4, 5)]
        assert all(old != new for old, new in zip(before, after, strict=True))
        before = after
    bench.rescan()
    assert dev.resource_start(0) == 0x40_0000_0000  # nothing is left in its way


def test_a_bar_named_twice_moves_once(bench: Bench) -> None:
    """Two stones in one place would be one too many."""
    dev = bench.plug(Driver, Model)

    report = bench.force_move(dev, bars=(0, 0))

    assert [move.bar for move in report.moves] == [0]


def test_nothing_is_left_behind(bench: Bench) -> None:
    """No ballast in the table, no hand in the engine; a rescan by hand compacts as ever."""
    dev = bench.plug(Driver, Model)
    home = places(dev)
    before = bench.world.engine.before_step

    bench.force_move(dev)

    assert bench.world.engine.before_step is before
    assert [row.name for row in bench.world.system.root.segment.walk()] == ["port1", "driver0", "port2", "port3", "port4"]
    bench.rescan()
    assert places(dev) == home


def test_the_moving_is_the_rules_own(bench: Bench) -> None:
    """Hooks, steps and register writes of an ordinary rescan; silicon never hears of the ballast."""
    dev = bench.plug(Driver, Model)
    since = len(bench.trace)

    bench.force_move(dev)

    texts = [event.text for event in bench.trace.events[since:]]
    written = next(index for index, text in enumerate(texts) if text.startswith("BAR 0 register <- "))
    assert texts.index("rescan_prepare") < written < texts.index("rescan_done")
    assert not any("ballast" in event.text or "ballast" in event.who for event in bench.trace.events[since:])


# --- refusals --------------------------------------------------------------------------------------------
def off(make: Callable[..., Bench]) -> tuple[Bench, PciDev]:
    bench = make(rules="off")
    return bench, bench.plug(Driver, Model)


def turned_off(make: Callable[..., Bench]) -> tuple[Bench, PciDev]:
    bench = make()
    bench.world.system.can_move_bars = False
    return bench, bench.plug(Driver, Model)


def hookless(make: Callable[..., Bench]) -> tuple[Bench, PciDev]:
    bench = make()
    return bench, bench.plug(Hookless, Model)


def pinned(make: Callable[..., Bench]) -> tuple[Bench, PciDev]:
    bench = make()
    return bench, bench.plug(Pinned, Model)


def movable(make: Callable[..., Bench]) -> tuple[Bench, PciDev]:
    bench = make()
    return bench, bench.plug(Driver, Model)


@pytest.mark.parametrize(
    ("made", "bars", "message"),
    [
        pytest.param(off, (0,), "driver0 (0000:01:00.0): nothing moves with rules 'off'; use v9 or v5", id="rules"),
        pytest.param(
            turned_off,
            (0,),
            "driver0 (0000:01:00.0): nothing moves on this machine: its platform, the command line (pcie_movable_bars=, "
            "pci=no_movable_bars) or a transparent bridge turned it off under v9",
            id="machine",
        ),
        pytest.param(
            hookless,
            (0,),
            "hookless0 (0000:01:00.0): driver hookless has no rescan_prepare() and rescan_done(), so BAR 0 is immovable; "
            "add both hooks",
            id="no hooks",
        ),
        pytest.param(
            pinned,
            (2, 0),
            "pinned0 (0000:01:00.0): BAR 0 cannot be forced to move, bar_fixed() of its driver pins it",
            id="pinned",
        ),
        pytest.param(movable, (), "driver0 (0000:01:00.0): no BAR named to move; it has [0, 2, 4]", id="nothing named"),
        pytest.param(
            movable, (1,), "driver0 (0000:01:00.0): BAR 1 has no place to be moved from; assigned are [0, 2, 4, 6]", id="no BAR"
        ),
        pytest.param(
            movable, (7,), "driver0 (0000:01:00.0): BAR 7 has no place to be moved from; assigned are [0, 2, 4, 6]", id="no slot"
        ),
    ],
)
def test_what_cannot_move_is_refused_before_anything_happens(
    make_bench: Callable[..., Bench], made: Callable[[Any], tuple[Bench, PciDev]], bars: tuple[int, ...], message: str
) -> None:
    """One line that names the device and the remedy; no rescan took place."""
    bench, dev = made(make_bench)
    reports = len(bench.reports)

    with pytest.raises(BadInput) as caught:
        bench.force_move(dev, bars=bars)

    assert str(caught.value) == message
    assert len(bench.reports) == reports


def test_a_device_on_the_root_bus_cannot_be_forced(bench: Bench) -> None:
    """Its BARs hang on the apertures, which a rescan never gives up."""
    bench.world.machine.add("lonely", "root", "1f.0", Model())
    bench.world.engine.rescan()
    lonely = bench.world.find("lonely")
    assert lonely is not None

    text = r"lonely .*: a device on the root bus is never moved by v9; plug it below a port"
    with pytest.raises(BadInput, match=text), forcing.forced_away(bench.world.engine, lonely, (0,)):
        pass


def test_without_a_second_place_there_is_no_moving(make_bench: Callable[..., Bench]) -> None:
    """The rescan happens, the BAR is still where it was or nowhere, and the message says what to enlarge."""
    from movsdk.address import Span

    windows = (("io", Span(0x1000, 0xFFFF)), ("mem", Span(0x8000_0000, 0x801F_FFFF)), ("pref64", Span(1 << 38, (1 << 39) - 1)))
    bench = make_bench(windows=windows, ports=1, strict=False)
    dev = bench.plug(Driver, Model)

    with pytest.raises(NoSpace) as caught:
        bench.force_move(dev, bar=0)

    assert caught.value.fields == {"device": "driver0", "bar": 0}
    assert "there is no second place of that size behind its root port: give Bench larger windows" in str(caught.value)


# --- helpers ---------------------------------------------------------------------------------------------
def test_subsets_small_ones_first() -> None:
    """Every non-empty set, each once."""
    assert list(forcing.subsets([0, 2, 4])) == [(0,), (2,), (4,), (0, 2), (0, 4), (2, 4), (0, 2, 4)]
    assert list(forcing.subsets([])) == []


def test_movable_bars_leave_out_what_the_driver_pins(bench: Bench) -> None:
    """Nor does the ROM count: nobody drives it."""
    assert forcing.movable_bars(device_of(bench.plug(Driver, Model))) == (0, 2, 4)
    assert forcing.movable_bars(device_of(bench.plug(Pinned, Model))) == (2, 4)
    assert bench.bar_subsets(bench.plug(Pinned, Model)) == [(2,), (4,), (2, 4)]


def test_a_bar_that_is_taken_away_is_unset(bench: Bench) -> None:
    """As a rescan leaves it that ran out of space: size kept, no place, UNSET."""
    device: Device = device_of(bench.plug(Driver, Model))
    bar = device.resources[0]

    forcing.take_away(device, 0)

    assert (bar.start, bar.size, bar.parent, bool(bar.flags & UNSET)) == (0, M, None, True)
