"""Force as a value, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from drivers.nvme.driver import Nvme
from drivers.nvme.model import NvmeModel
from movsdk.bench.bench import Bench
from movsdk.bench.force import FORCE_KEYS, Force
from movsdk.errors import BadInput, HookFailed
from movsdk.hooks import PciId
from movsdk.kernel.pcidev import PciDev


# --- refusals --------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"bar": 0}, "force knows no 'bar'; it knows bars, lose, shrink"),
        ({"bars": 0, "lose": 0}, "edu0 (0000:01:00.0): BAR 0 cannot both be moved and be lost"),
        ({"bars": 3}, "edu0 (0000:01:00.0): BAR 3 has no place to be moved from; assigned are [0]"),
        ({"lose": 3}, "BAR 3 has no place"),
        ({"shrink": 3}, "BAR 3 has no place"),
        ({"reset": "hammer"}, "state can be lost by model or power, not by 'hammer'"),
        ({"vectors": 0}, "at most 0 interrupt vectors; leave it 1"),
        ({"fails": "readl"}, "'readl' cannot be made to fail; these can: enable_device, request_regions, iomap"),
        ({"pull": "lunch"}, "a rescan with rules v9 has no step 'lunch'; it has wake, pause"),
        ({"again": "lunch"}, "a rescan with rules v9 has no step 'lunch'"),
        ({"order": ["nobody"]}, "order: the kernel knows no device 'nobody'; it knows port1"),
    ],
)
def test_what_cannot_be_done_is_refused(bench: Bench, words: dict[str, Any], message: str) -> None:
    """One line, no rescan, and no hand left in the machine."""
    dev = bench.plug(Edu, EduModel)
    reports, before = len(bench.reports), bench.world.engine.before_step

    with pytest.raises(BadInput) as refused:
        bench.force(dev, **words)

    assert message in str(refused.value)
    assert (len(bench.reports), bench.world.engine.before_step) == (reports, before)


def test_a_bar_cannot_lose_its_interrupt_table(bench: Bench) -> None:
    """The upper half of a drive's BAR holds it."""
    dev = bench.plug(Nvme, NvmeModel())

    with pytest.raises(BadInput, match="BAR 0 cannot shrink to 0x2000 bytes, its MSI-X table lies behind that"):
        bench.force(dev, shrink=0)


def test_without_movement_there_is_no_pause(make_bench: Callable[..., Bench]) -> None:
    """Rules `off`."""
    bench = make_bench(rules="off")
    dev = bench.plug(Edu, EduModel)

    with pytest.raises(BadInput, match="nobody is paused with rules 'off'; use v9, v5 or v2"):
        bench.force(dev, bars=(), reset="model")


class Hookless:
    """No rescan hooks."""

    name = "hookless"
    id_table = (PciId(0x1234, 0x11E8),)

    def probe(self, dev: PciDev, id: PciId) -> None: ...


def test_hooks_that_are_not_there_are_not_called(bench: Bench) -> None:
    """The message says which."""
    with pytest.raises(BadInput, match=r"its driver has no rescan_done\(\) to be called"):
        bench.call_hooks(bench.plug(Hookless, EduModel), "rescan_done")


def test_a_hook_that_raises_anything_else_comes_through(bench: Bench) -> None:
    """A refusal is a `PciError`; the rest is a bug."""

    class Broken(Edu):
        name = "broken"

        def rescan_done(self, dev: PciDev) -> None:
            raise ValueError("no")

    dev = bench.plug(Broken, EduModel)
    with pytest.raises(ValueError, match="no"):
        bench.call_hooks(dev, "rescan_done")
    with pytest.raises(HookFailed):
        bench.rescan()


# --- the value -------------------------------------------------------------------------------------------
def test_a_force_says_only_what_it_does() -> None:
    """Words in, words out; single BARs may be numbers."""
    words: dict[str, Any] = {"bars": [0, 2], "reset": "power", "vectors": 1}

    assert Force.of(words).plain() == words
    assert Force.of({"bars": 0, "shrink": [2]}) == Force(bars=(0,), shrink=(2,))
    assert Force().plain() == {}
    assert Force.of({"bars": []}).plain() == {"bars": []}
    assert set(FORCE_KEYS) >= set(words)
