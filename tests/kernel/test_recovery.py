"""Recovery from an error of the link: reset, configuration back, driver on."""

from __future__ import annotations

import errno
from collections.abc import Callable

import pytest

from movsdk import Bench, PciError
from movsdk.bench import reference
from movsdk.kernel.pcidev import device_of
from movsdk.kernel.recovery import recover

Make = Callable[..., Bench]


@pytest.mark.parametrize("name", ["nvme", "gpu"])
def test_a_card_works_again_where_it_is(make_bench: Make, name: str) -> None:
    """The bus was reset, so that registers and BARs were forgotten: both are back, also after a move."""
    bench, known = make_bench(), reference.load(name)
    dev = bench.plug(known.driver, known.model)
    bench.force_move(dev)
    places = dev.resources

    assert recover(device_of(dev))

    assert dev.resources == places
    bench.run_io(dev)
    assert not bench.faults
    assert not bench.failures


def test_a_driver_without_the_hooks_cannot_be_recovered(make_bench: Make) -> None:
    """Its device is gone until it is removed, as the log says; one that is removed is nobody's to recover."""
    bench, known = make_bench(), reference.load("edu")
    dev = bench.plug(known.driver, known.model)

    assert not recover(device_of(dev))
    assert device_of(dev).is_gone
    bench.remove(dev)
    assert not recover(device_of(dev))


@pytest.mark.parametrize("hook", ["error_detected", "slot_reset"])
def test_a_hook_that_raises_gives_the_device_up(make_bench: Make, hook: str) -> None:
    """It is a failure that names the hook."""
    known, bench = reference.load("gpu"), make_bench(strict=False)
    dev = bench.plug(known.driver, known.model)
    bound = device_of(dev).driver
    assert bound is not None

    def refuse(name: str, _methods: object, _arguments: object) -> None:
        if name == hook:
            raise PciError(errno.EIO, "no")

    bound.manager.add_hookcall_monitoring(refuse, lambda *_all: None)
    assert not recover(device_of(dev))

    assert device_of(dev).is_gone
    assert bench.failures[0].fields["hook"] == hook
