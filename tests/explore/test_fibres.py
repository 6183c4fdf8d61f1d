"""Greenlets that are used again."""

from __future__ import annotations

import pytest
from greenlet import getcurrent, greenlet

from movsdk.explore.fibres import Pool


def test_a_fibre_runs_one_body_after_the_other() -> None:
    """The second body gets the greenlet of the first."""
    pool, hub, log = Pool(), getcurrent(), []

    def body() -> greenlet:
        log.append(getcurrent())
        return hub

    for _ in range(2):
        pool.take(getcurrent()).switch(body)
    assert log[0] is log[1]


def test_a_body_that_is_left_standing_is_unwound() -> None:
    """Its `finally` runs, and the fibre can be used again."""
    pool, hub, log = Pool(), getcurrent(), []

    def standing() -> greenlet:
        try:
            hub.switch()
        finally:
            log.append("clean")
        return hub

    fibre = pool.take(getcurrent())
    fibre.switch(standing)
    pool.unwind(fibre)
    assert (log, pool.take(getcurrent()) is fibre) == (["clean"], True)


def test_two_fibres_may_take_each_other() -> None:
    """A task spawns another and ends; the other spawns a third, which gets the first one's fibre. No ring of parents."""
    pool, hub, log = Pool(), getcurrent(), []

    def first() -> greenlet:
        log.append(getcurrent())
        pool.take(hub).switch(second)
        return hub

    def second() -> greenlet:
        log.append(getcurrent())
        log[0].switch()
        pool.take(hub).switch(third)
        return hub

    def third() -> greenlet:
        log.append(getcurrent())
        return log[1]

    pool.take(hub).switch(first)
    log[1].switch()
    assert log[2] is log[0]
    assert log[0].parent is log[1].parent is hub


def test_a_fibre_that_was_torn_out_of_its_body_is_at_its_end() -> None:
    """By an alarm, say; there is nothing left to unwind."""
    pool = Pool()

    def torn() -> greenlet:
        raise KeyboardInterrupt

    fibre = pool.take(getcurrent())
    with pytest.raises(KeyboardInterrupt):
        fibre.switch(torn)
    pool.unwind(fibre)
    assert pool.take(getcurrent()) is not fibre
