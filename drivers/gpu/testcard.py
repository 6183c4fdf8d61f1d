"""The test card: the picture the tests put on the screen, and how they look whether it is there.

Twin: the test card of a television station. Used by the tests only.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from movsdk import Bench, PciDev
from movsdk.trace import What

from . import regs as r
from .driver import Gpu
from .model import GpuModel

MakeBench = Callable[..., Bench]
WIDTH, HEIGHT = 64, 48
PICTURE = random.Random(2021).randbytes(WIDTH * HEIGHT * r.BYTES_PER_PIXEL)


def card_with_picture(bench: Bench, model: GpuModel | None = None) -> PciDev:
    """Plug a card that shows PICTURE."""
    dev = bench.plug(Gpu, model or GpuModel())
    bench.driver(dev).set_mode(dev, WIDTH, HEIGHT)
    bench.driver(dev).draw(dev, PICTURE)
    return dev


def shows_picture(bench: Bench, dev: PciDev) -> bool:
    """CPU, viewer and firmware agree that PICTURE is on the screen."""
    bench.run(50)
    model = bench.model(dev)
    return bench.driver(dev).read_picture(dev) == PICTURE == model.screen() and not model.misses


def noted(bench: Bench, text: str) -> list[str]:
    """Notes of the timeline that contain `text`."""
    return [str(event) for event in bench.trace.of(What.NOTE) if text in event.text]
