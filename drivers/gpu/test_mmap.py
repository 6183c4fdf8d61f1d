"""Tests of the movgpu driver's user mappings: zapped before a move, faulted in again at the new place."""

from __future__ import annotations

import pytest

from movsdk import Bench
from movsdk.errors import UserBusError

from . import regs as r
from .testcard import card_with_picture

WHERE = 16 << 20  # behind the picture


def test_a_user_sees_what_the_driver_draws(bench: Bench) -> None:
    """Both look at the same VRAM."""
    dev = card_with_picture(bench)
    mapping = bench.driver(dev).mmap(dev, WHERE, 4096)

    bench.driver(dev).draw(dev, b"\x01\x02\x03\x04", WHERE)
    mapping.write(5, 8)

    assert mapping.read(0) == 0x04030201
    assert bench.model(dev).ram(r.VRAM_BAR)[WHERE + 8] == 5


def test_what_a_user_wrote_is_there_after_a_move(bench: Bench) -> None:
    """At another address; the user has not noticed."""
    dev = card_with_picture(bench)
    mapping = bench.driver(dev).mmap(dev, WHERE, 4096)
    mapping.write(0xC0FFEE, 0)
    old = mapping.address

    bench.force_move(dev, bar=r.VRAM_BAR)

    assert mapping.read(0) == 0xC0FFEE
    assert mapping.address != old
    assert bench.failures == []


def test_a_fault_while_paused_is_refused(bench: Bench) -> None:
    """Where nobody can wait; with an explorer it waits for rescan_done."""
    dev = card_with_picture(bench)
    mapping = bench.driver(dev).mmap(dev, WHERE, 4096)
    mapping.read(0)
    told: list[str] = []

    def touch() -> None:
        with pytest.raises(UserBusError, match="is frozen") as refused:
            mapping.read(0)
        told.append(str(refused.value))

    with bench.before_step("ranges", touch):
        bench.force_move(dev, bar=r.VRAM_BAR)

    assert len(told) == 1
    assert bench.failures == []


def test_a_removed_card_has_no_users(bench: Bench) -> None:
    """They get SIGBUS."""
    dev = card_with_picture(bench)
    mapping = bench.driver(dev).mmap(dev, WHERE, 4096)

    bench.remove(dev)

    with pytest.raises(UserBusError, match="outside of the mapping"):
        mapping.read(0)
