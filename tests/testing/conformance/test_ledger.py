"""The ledger of requests: exactly once, in order where promised, not failed."""

from __future__ import annotations

import pytest

from movsdk.testing.conformance.ledger import Ledger


def told(*answers: tuple[int, object], in_order: bool = False, requests: int = 2) -> list[str]:
    ledger = Ledger(in_order)
    for tag in range(requests):
        ledger.opens(tag)
    for tag, error in answers:
        ledger.closes(tag, error)
    return ledger.settle()


@pytest.mark.parametrize(
    ("answers", "in_order", "complaints"),
    [
        ([(0, None), (1, None)], True, []),
        ([(1, None), (0, None)], False, []),
        ([(1, None), (0, None)], True, ["request 1 was answered before request 0; the driver promises order"]),
        ([(0, None)], False, ["request 1 was never answered"]),
        ([(0, None), (0, None), (1, None)], False, ["request 0 was answered twice"]),
        ([(0, None), (1, None), (7, None)], False, ["request 7 was answered, but never asked for"]),
        ([(0, "EIO"), (1, None)], False, ["request 0 failed: EIO; hold it during the pause and serve it afterwards"]),
    ],
)
def test_what_the_ledger_complains_of(answers: list[tuple[int, object]], in_order: bool, complaints: list[str]) -> None:
    """One line for each request that went wrong."""
    assert told(*answers, in_order=in_order) == complaints


def test_a_refused_request_is_not_owed() -> None:
    """The driver said so at once."""
    ledger = Ledger()
    ledger.opens(1)
    ledger.refused(1)

    assert ledger.settle() == []


def test_a_request_that_sleeps_until_others_come_is_told() -> None:
    """Nothing woke it after the move; one that is never answered stays a lost one."""
    ledger = Ledger()
    for tag in range(3):
        ledger.opens(tag)
    ledger.closes(0)
    ledger.overdue()
    ledger.closes(1)

    assert ledger.settle() == [
        "request 1 was answered only when others came, long after the move; wake it",
        "request 2 was never answered",
    ]
