"""Greenlets that are used again."""

from __future__ import annotations

from greenlet import getcurrent, greenlet

from movsdk.explore.fibres import Pool


def test_a_fibre_runs_one_body_after_the_other() -> None:
    """The second body gets the greenlet of the first."""
    pool, hub, log = Pool(), getcurrent(), []

    def body() -> greenlet:
        log.append(getcurrent())
        return hub

    for _ in range(2):
        pool.take().switch(body)
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

    fibre = pool.take()
    fibre.switch(standing)
    pool.unwind(fibre)
    assert (log, pool.take() is fibre) == (["clean"], True)
