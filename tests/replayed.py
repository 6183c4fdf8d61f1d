"""Every schedule that a test is told is followed once more, in a session that knows nothing: the fixture `replayed`.

Twin: none. Folders whose tests explore import it into their conftest. A report that does not replay is a failure of that test.
"""

from __future__ import annotations

from typing import Any

import pytest

from movsdk.explore import runner, shards
from movsdk.explore.record import Drift
from movsdk.explore.run import Run
from movsdk.explore.schedule import Replay, parse
from movsdk.explore.session import Session, has, length_to
from movsdk.explore.timeline import Failure


@pytest.fixture(autouse=True)
def replayed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The schedules that were told and replayed so far."""
    schedules: list[str] = []
    report = runner.report

    def reported(session: Session, run: Run, **terms: Any) -> Failure:
        failure = report(session, run, **terms)
        text = str(failure.schedule)
        try:
            again = Session(session.program, session.oracles, session.step_limit).follow(Replay(parse(text)))
        except Drift as drift:
            raise AssertionError(f"{text} does not replay {failure.name}: {drift}") from drift
        assert has(again, failure.name), f"{text} does not replay {failure.name}"
        assert length_to(again, failure.name) == failure.operation, f"{text} fails elsewhere"
        schedules.append(text)
        return failure

    for module in (runner, shards):
        monkeypatch.setattr(module, "report", reported)
    return schedules
