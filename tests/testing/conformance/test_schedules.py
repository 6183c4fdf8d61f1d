"""Deep trials: acts side by side, in every order with one preemption."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from drivers.edu import regs as r
from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from movsdk import PciDev
from movsdk.bench import alarm
from movsdk.testing.conformance.kit import Examination, Played
from movsdk.testing.conformance.rule import Weight
from movsdk.testing.conformance.subject import Subject
from movsdk.testing.conformance.trial import Trial
from movsdk.testing.conformance.trials import moves, schedules
from tests.testing.conformance.test_python_locks import UnderLock

BY_NAME = {trial.name: trial for trial in schedules.TRIALS}


def played(driver: type[Any], trial: Trial) -> Played:
    return Examination(Subject.of(driver, EduModel), (*moves.FIRST, trial)).play(trial)


@pytest.mark.parametrize("trial", schedules.TRIALS, ids=lambda trial: trial.name)
def test_edu_survives(trial: Trial) -> None:
    """Its callers wait at a gate."""
    result = played(Edu, trial)

    assert (result.violations, result.reason) == ((), "")


class Ungated(Edu):
    """Callers walk past the gate."""

    name = "ungated"

    def exercise(self, dev: PciDev) -> None:
        if dev.drvdata is not None:
            dev.drvdata.readl(r.STATUS)


def test_a_call_that_passes_the_gate_is_found() -> None:
    """With both columns, the pair of operations that matters, and the driver's line."""
    (violation,) = played(Ungated, BY_NAME["a move beside a user call"]).violations

    assert violation.rule == "C42"
    assert "readl of BAR 0 + 0x20 at tests/testing/conformance/test_schedules.py:" in violation.message
    assert "CPU0 move" in violation.message
    assert "The order that matters:" in violation.message


class Slow(Edu):
    """Does not cancel its work before it unmaps."""

    name = "slow-work"

    def probe(self, dev: PciDev, id: object) -> None:
        super().probe(dev, id)  # type: ignore[arg-type]  # the row, handed on
        dev.queue_work(lambda: dev.drvdata.readl(r.STATUS), delay_ms=0.001)


def test_work_that_outlives_a_removal_is_found() -> None:
    """It runs into a card that is gone."""
    violations = [seen for name in BY_NAME for seen in played(Slow, BY_NAME[name]).violations]

    assert "C41" in {seen.rule for seen in violations}


class PythonLock(Edu):
    """Locks out others with what the explorer cannot see."""

    name = "python-lock"

    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()

    def rescan_prepare(self, dev: PciDev) -> None:
        with self.lock:
            super().rescan_prepare(dev)

    def exercise(self, dev: PciDev) -> None:
        with self.lock:
            super().exercise(dev)


def test_a_lock_that_stops_all_tasks_is_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not a deadlock of the driver's: the explorer could not let the other task go on."""
    monkeypatch.setattr(alarm, "ASLEEP", 1)

    (violation,) = played(PythonLock, BY_NAME["a move beside a user call"]).violations

    assert (violation.rule, violation.weight) == ("C42", Weight.ADVICE)
    assert "test_schedules.py:" in violation.message
    assert "At the locks of movsdk (Mutex, Gate) another task may go on" in violation.message


def test_an_rlock_that_stops_no_task_is_advice() -> None:
    """All tasks are one thread and pass it: nobody can tell whether it would have kept the move out."""
    (seen,) = played(UnderLock, BY_NAME["a move beside a user call"]).violations

    assert (seen.rule, seen.weight) == ("C42", Weight.ADVICE)
    assert "driver.locks[<PciDev under-lock0 (0000:01:00.0)>] is an RLock, which stops no task of its thread" in seen.message
