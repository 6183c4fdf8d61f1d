"""The pytest plugin: fixtures for driver authors. Imports nothing heavy when it loads.

`bench`: a booted machine with free ports. `make_bench`: the same with your own terms. `sysfs`: the machine's /sys as files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from movsdk.bench.bench import Bench


@pytest.fixture
def make_bench() -> Callable[..., Bench]:
    """Make a bench with your own terms: ``make_bench(rules="v5", ports=8, faults="hardware", strict=False)``."""
    from movsdk.bench.bench import Bench  # noqa: PLC0415  loaded when the first test asks for a bench

    return Bench


@pytest.fixture
def bench(make_bench: Callable[..., Bench]) -> Bench:
    """A booted machine with free hot-plug ports: ``dev = bench.plug(Driver, Model)``, ``bench.force_move(dev, bar=0)``."""
    return make_bench()


@pytest.fixture
def sysfs(bench: Bench) -> Iterator[Any]:
    """The bench's machine as files below /sys (pyfakefs), live: reads and writes reach the model, mmap shares its memory."""
    from movsdk.bench.sysfs.fixture import sysfs_session  # noqa: PLC0415  needs pyfakefs and mmap

    with sysfs_session(bench.world) as session:
        yield session
