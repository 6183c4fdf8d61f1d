"""The table of life cycles: explored row by row, printed as text or JSON."""

from __future__ import annotations

from movsdk.bench import lifecycle_table
from movsdk.bench.lifecycle import LifeCycle
from movsdk.explore.runner import Result


def test_a_row_tells_verdict_and_runs() -> None:
    """A plus says that the runs ended before the schedules."""
    row = [
        (LifeCycle("nvme", "remove"), Result("bounded", 300, note="the budget ended after 300 runs")),
        (LifeCycle("gpu", "remove"), Result("proved", 2)),
    ]

    assert lifecycle_table.heading().split() == ["a", "rescan", "against", "nvme", "gpu"]
    assert lifecycle_table.line(row).split() == ["remove", "bounded", "300+", "proved", "2"]
    assert lifecycle_table.as_json(*row[1]) == {
        "driver": "gpu",
        "against": "remove",
        "verdict": "proved",
        "runs": 2,
        "first_bug": None,
        "schedule": None,
        "message": "",
    }


def test_every_act_has_its_row() -> None:
    """Explored when asked for, not before."""
    first = next(lifecycle_table.rows(runs=1))

    assert [(cycle.driver, cycle.against) for cycle, _ in first] == [("nvme", "user I/O"), ("gpu", "user I/O")]
    assert [result.runs for _, result in first] == [1, 1]
