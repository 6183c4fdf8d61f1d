"""Tests of the movgpu driver on the bench when things go wrong: hung, lost, pulled, forgotten, raising."""

from __future__ import annotations

import pytest

from movsdk import Bench, PciDev, PciError, PowerState
from movsdk.clock import NS_PER_MS

from . import regs as r
from .driver import BLIT_TIMEOUT_MS, Gpu
from .model import GpuModel
from .testcard import MakeBench, card_with_picture, noted, shows_picture


def test_a_hung_engine_pins_the_bars(make_bench: MakeBench) -> None:
    """prepare gives up after its limit and raises; the BARs stay, done follows, the picture is there."""
    bench = make_bench(strict=False)
    dev = card_with_picture(bench, GpuModel(blit_speed=1))
    places = dev.resources
    bench.driver(dev).copy(dev, 0, 1 << 20, 1 << 20)  # a second
    start = dev.clock.now

    bench.rescan()

    assert "a blit is still running after 100 ms; reset the card; its BARs stay where they are" in str(bench.failures[0])
    assert dev.clock.now - start == (BLIT_TIMEOUT_MS + 1) * NS_PER_MS  # and one that the rest of the rescan takes
    assert dev.resources == places
    assert shows_picture(bench, dev)


@pytest.mark.parametrize("bar", [r.REGISTERS_BAR, r.VRAM_BAR])
def test_a_lost_bar_leaves_the_card_bound_but_gone(make_bench: MakeBench, bar: int) -> None:
    """done raises and holds nothing; services say so, and remove works."""
    bench = make_bench(strict=False)
    dev = card_with_picture(bench)
    gpu = bench.driver(dev)

    bench.lose_bar(dev, bar)

    assert f"can't reserve BAR {bar}" in str(bench.failures[0])
    with pytest.raises(PciError, match=f"BAR {r.VRAM_BAR} is not mapped now; the card is paused, asleep or gone"):
        gpu.read_picture(dev)
    bench.remove(dev)
    assert len(bench.failures) == 1
    assert not noted(bench, "after remove")


@pytest.mark.parametrize("faults", ["raise", "hardware"])
def test_a_card_pulled_between_prepare_and_done(make_bench: MakeBench, faults: str) -> None:
    """done sees all-ones instead of a movgpu and gives everything back."""
    bench = make_bench(strict=False, faults=faults)
    dev = card_with_picture(bench)

    with bench.before_step("release", lambda: bench.pull(dev, told=False)):
        bench.force_move(dev, bar=r.VRAM_BAR)
    bench.remove(dev)

    assert [failure.fields["hook"] for failure in bench.failures] == ["rescan_done"]
    assert "no movgpu answers at" in str(bench.failures[0])
    assert not noted(bench, "after remove")


@pytest.mark.parametrize("faults", ["raise", "hardware"])
def test_a_card_that_is_gone_before_prepare(make_bench: MakeBench, faults: str) -> None:
    """Neither prepare nor done hangs, and nothing is left behind."""
    bench = make_bench(strict=False, faults=faults)
    dev = card_with_picture(bench)

    bench.pull(dev, told=False)
    bench.rescan()
    bench.remove(dev)

    assert [failure.fields["hook"] for failure in bench.failures] == ["rescan_prepare", "rescan_done"]
    assert not noted(bench, "after remove")


def test_a_busy_card_does_not_go_to_sleep(bench: Bench) -> None:
    """suspend that raises leaves everything running, as its contract says."""
    dev = card_with_picture(bench, GpuModel(blit_speed=1))
    bench.driver(dev).copy(dev, 0, 1 << 20, 1 << 20)  # a second

    with pytest.raises(PciError, match="a blit is still running"):
        bench.driver(dev).suspend(dev, PowerState.D3HOT)

    assert shows_picture(bench, dev)


def test_a_refused_blit_is_told_once(bench: Bench) -> None:
    """EIO names the engine; the next command is taken."""
    dev = card_with_picture(bench)
    bench.driver(dev).fill(dev, 0, 6, 0)  # half a pixel

    with pytest.raises(PciError, match="the blit engine refused a command"):
        bench.driver(dev).wait_blit(dev)

    bench.run_io(dev)
    assert shows_picture(bench, dev)


class Forgetful(Gpu):
    """Forgets to tell the firmware after a move (rule C20)."""

    name = "forgetful"

    def rescan_done(self, dev: PciDev) -> None:
        old = dev.drvdata.seen_at[r.VRAM_BAR]
        super().rescan_done(dev)
        dev.drvdata.regs.writeq(old, r.FW_VRAM_BASE)


def test_a_driver_that_forgets_the_firmware_has_a_dark_screen(bench: Bench) -> None:
    """The card tells where it looked and where its VRAM is."""
    dev = bench.plug(Forgetful, GpuModel)
    old = dev.resource_start(r.VRAM_BAR)

    bench.force_move(dev, bar=r.VRAM_BAR)
    bench.run(20)

    new = dev.resource_start(r.VRAM_BAR)
    assert bench.model(dev).screen() is None
    assert bench.model(dev).misses == [
        f"scanout looked for VRAM at {old:#x}, but BAR 2 is at {new:#x}; write FW_VRAM_BASE after a move"
    ]


class Raising(Gpu):
    """Raises in the hook called `hook`."""

    name = "raising"
    hook = ""

    def rescan_prepare(self, dev: PciDev) -> None:
        super().rescan_prepare(dev)
        self._maybe("rescan_prepare")

    def rescan_done(self, dev: PciDev) -> None:
        self._maybe("rescan_done")
        super().rescan_done(dev)

    def _maybe(self, hook: str) -> None:
        if self.hook == hook:
            raise RuntimeError("a bug")


@pytest.mark.parametrize(("hook", "survives"), [("rescan_prepare", True), ("rescan_done", False)])
def test_a_hook_that_raises_hurts_its_own_card_at_most(make_bench: MakeBench, hook: str, survives: bool) -> None:
    """The other card moves and keeps its picture; remove works either way."""
    bench = make_bench(strict=False)
    raising, dev = bench.plug(Raising, GpuModel), card_with_picture(bench)
    place = raising.resource_start(r.VRAM_BAR)
    bench.driver(raising).hook = hook

    bench.force_move(dev, bar=r.VRAM_BAR)

    assert f"{hook} raised RuntimeError" in str(bench.failures[0])
    assert shows_picture(bench, dev)
    assert (raising.drvdata.vram is not None) is survives
    if survives:
        assert raising.resource_start(r.VRAM_BAR) == place
    bench.remove(raising)
    assert len(bench.failures) == 1
    assert not noted(bench, "after remove of raising")
