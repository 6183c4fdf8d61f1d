"""Tests of the movgpu driver on the bench: the picture survives whatever moves."""

from __future__ import annotations

import pytest

from movsdk import Bench, PowerState
from movsdk.clock import NS_PER_MS
from movsdk.trace import What

from . import regs as r
from .driver import Gpu
from .model import MOST_VRAM, GpuModel
from .testcard import PICTURE, card_with_picture, noted, shows_picture

SUBSETS = [(r.REGISTERS_BAR,), (r.VRAM_BAR,), (r.REGISTERS_BAR, r.VRAM_BAR)]


@pytest.mark.parametrize("bars", SUBSETS)
def test_the_picture_survives_each_move(bench: Bench, bars: tuple[int, ...]) -> None:
    """Whichever BARs move: same pixels, screen lit, the firmware knows, and the driver noticed exactly these."""
    dev = card_with_picture(bench)
    before = bench.driver(dev).checksum(dev)

    bench.force_move(dev, bars=bars)

    assert bench.driver(dev).checksum(dev) == before
    assert shows_picture(bench, dev)
    assert tuple(bar for bar, _, _ in dev.drvdata.moves) == bars
    assert [new for _, _, new in dev.drvdata.moves] == [dev.resource_start(bar) for bar in bars]
    assert not bench.faults


@pytest.mark.parametrize("bars", SUBSETS)
def test_engine_and_vblank_work_after_each_move(bench: Bench, bars: tuple[int, ...]) -> None:
    """Blits come out right, and vblanks go on being counted."""
    dev = card_with_picture(bench)

    bench.force_move(dev, bars=bars)
    seen = dev.drvdata.vblanks
    bench.run_io(dev, times=3)
    bench.run(100)

    assert dev.drvdata.vblanks - seen == 6
    assert not bench.model(dev).misses


def test_many_moves_in_a_row(bench: Bench) -> None:
    """Ten moves later it is still the same picture."""
    dev = card_with_picture(bench)

    for turn in range(10):
        bench.force_move(dev, bars=SUBSETS[turn % 3])

    assert shows_picture(bench, dev)


def test_a_rescan_that_moves_nothing_changes_nothing(bench: Bench) -> None:
    """No move is noted, and the picture is there."""
    dev = card_with_picture(bench)

    bench.rescan()

    assert dev.drvdata.moves == []
    assert shows_picture(bench, dev)


def test_64_gib_of_vram_move(bench: Bench) -> None:
    """First and last pixel of the largest card come along, and nobody copies what lies between."""
    dev = card_with_picture(bench, GpuModel(vram_size=MOST_VRAM))
    bench.driver(dev).draw(dev, b"last", offset=MOST_VRAM - 4)

    bench.force_move(dev, bar=r.VRAM_BAR)

    assert shows_picture(bench, dev)
    assert dev.drvdata.vram.memcpy_fromio(MOST_VRAM - 4, 4) == b"last"
    assert bench.model(dev).ram(r.VRAM_BAR)[-4:] == b"last"


def test_prepare_waits_for_the_blit_in_flight(bench: Bench) -> None:
    """A blit of 1 ms is finished before the BARs move, not cut off and not lost."""
    dev = card_with_picture(bench, GpuModel(blit_speed=len(PICTURE) // 1000))
    bench.driver(dev).copy(dev, 0, 1 << 20, len(PICTURE))
    start = dev.clock.now

    bench.force_move(dev, bar=r.VRAM_BAR)

    assert dev.clock.now - start >= NS_PER_MS
    assert dev.drvdata.vram.memcpy_fromio(1 << 20, len(PICTURE)) == PICTURE
    assert shows_picture(bench, dev)


def test_no_interrupt_and_no_scanout_while_paused(bench: Bench) -> None:
    """Time that passes between prepare and done brings no vblank."""
    dev = card_with_picture(bench)
    seen: list[object] = []

    def look() -> None:
        bench.world.system.ops.clock.advance(100 * NS_PER_MS)
        seen.append(bench.model(dev).screen())

    with bench.before_step("release", look):
        bench.force_move(dev, bar=r.VRAM_BAR)

    assert seen == [None]
    assert not list(bench.trace.of(What.FAULT))
    assert not noted(bench, "nobody cared")
    assert shows_picture(bench, dev)


def test_two_cards_move_alone_and_together(bench: Bench) -> None:
    """One driver object, two pictures."""
    gpu = Gpu()
    cards = [bench.plug(gpu, GpuModel()) for _ in range(2)]
    for number, dev in enumerate(cards):
        gpu.set_mode(dev, 8, 8)
        gpu.draw(dev, bytes([number + 1]) * 256)

    bench.force_move(cards[0], bars=(0, 2))
    bench.force_move(cards[1], bars=(0, 2))
    bench.rescan()

    assert [gpu.read_picture(dev) for dev in cards] == [b"\1" * 256, b"\2" * 256]
    assert [bench.model(dev).screen() for dev in cards] == [b"\1" * 256, b"\2" * 256]


def test_a_sleeping_card_wakes_with_its_picture(bench: Bench) -> None:
    """Suspended, both BARs move under it; resume finds them (rule C45)."""
    dev = card_with_picture(bench)
    gpu = bench.driver(dev)

    gpu.suspend(dev, PowerState.D3HOT)
    dev.save_state()
    dev.set_power_state(PowerState.D3HOT)
    bench.force_move(dev, bars=(r.REGISTERS_BAR, r.VRAM_BAR))
    dev.set_power_state(PowerState.D0)
    dev.restore_state()
    gpu.resume(dev)

    assert shows_picture(bench, dev)
    assert not bench.faults
