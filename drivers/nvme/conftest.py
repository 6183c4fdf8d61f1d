"""Fixtures of this folder: a drive alone, and drives on the bench."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from movsdk import Bench, PciDev

from .bare import Host
from .driver import Nvme
from .model import NvmeModel


@pytest.fixture
def host() -> Iterator[Host]:
    """A drive that is enabled, without a kernel."""
    host = Host(NvmeModel(blocks=1000))
    host.enable()
    yield host
    assert not host.fabric.faults


@pytest.fixture(params=[100, 0], ids=["drain", "cancel"])
def driver(request: pytest.FixtureRequest) -> Nvme:
    """Once with time to drain, once without: then everything in flight is taken back and replayed."""
    return Nvme(drain_ms=request.param)


@pytest.fixture
def dev(bench: Bench, driver: Nvme) -> PciDev:
    return bench.plug(driver, NvmeModel())


@pytest.fixture
def two(bench: Bench, driver: Nvme) -> tuple[PciDev, PciDev]:
    """Two drives with one driver."""
    return bench.plug(driver, NvmeModel()), bench.plug(driver, NvmeModel())
