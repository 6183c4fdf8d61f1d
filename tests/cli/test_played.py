"""One scenario played to its end: users' own drivers, and what they break."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.calls import DRIVERS, call, moving, plain, vector

Capsys = pytest.CaptureFixture[str]


def test_a_users_driver_is_played_with_io(tmp_path: Path, capsys: Capsys) -> None:
    """``file.py:Class`` beside the scenario; `load: true` uses its `exercise`."""
    called = call(capsys, "run", moving(tmp_path, '"mine.py:Good"', more="    load: true\n"))

    assert called.status == 0
    assert "  I/O on card: rounds of exercise: 2, in vain: 0\n" in called.out


@pytest.mark.parametrize(
    ("driver", "source", "message"),
    [
        (
            "Raises",
            'raise KeyError("ring")',
            "  contract broken: card (0000:01:00.0): rescan_prepare raised KeyError at mine.py:{line}: 'ring'; "
            "its BARs stay where they are in this rescan\n",
        ),
        (
            "Stale",
            "        dev.drvdata.readl(0)",
            "rescan_done raised StaleMapping at mine.py:{line}: card (0000:01:00.0): readl of BAR 0 + 0x0 at mine.py:{line}",
        ),
        ("Exits", "raise SystemExit(3)", "contract broken, played no further: SystemExit: 3 at mine.py:{line}\n"),
    ],
)
def test_a_driver_that_breaks_the_contract_is_status_1(
    driver: str, source: str, message: str, tmp_path: Path, capsys: Capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The user's own line is named, nothing is a traceback, and what was played is written."""
    path = moving(tmp_path, f'"mine.py:{driver}"')
    monkeypatch.chdir(tmp_path)

    called = call(capsys, "run", path, "--json", "out")

    assert (called.status, called.err) == (1, "")
    line = next(number for number, text in enumerate(DRIVERS.splitlines(), 1) if text.endswith(source) or source in text[:24])
    assert message.format(line=line) in called.out
    written = json.loads((tmp_path / "out").read_text())
    assert any(event["broken"] for event in written["events"]) or written["stopped"]


@pytest.mark.parametrize(
    ("driver", "message"),
    [
        ("Unmade", "mine.py:Unmade: creating the driver raised ValueError at mine.py:50: no\n"),
        (
            "Misspelt",
            "mine.py:Misspelt: driver 'good' (Misspelt): rescan_prepair() looks like the hook rescan_prepare() misspelt",
        ),
        ("Greedy", "mine.py:Greedy: driver class Greedy cannot be created without arguments ("),
    ],
)
def test_what_is_no_driver_is_bad_input(
    driver: str, message: str, tmp_path: Path, capsys: Capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused where the file names it, before anything is played or written."""
    path = moving(tmp_path, f'"mine.py:{driver}"')
    with (tmp_path / "mine.py").open("a") as file:
        file.write("\n\nclass Greedy(Good):\n    def __init__(self, bars):\n        pass\n")
    monkeypatch.chdir(tmp_path)

    called = call(capsys, "run", path.name, "--json", "out")

    assert (called.status, called.out, called.err.count("\n")) == (2, "", 1)
    assert called.err.startswith(f"movsdk run: moving.yaml:15: devices[1].driver: {message}")
    assert not (tmp_path / "out").exists()


def test_a_bad_access_counts_where_nobody_raises_it(tmp_path: Path, capsys: Capsys) -> None:
    """`--faults hardware` lets the driver go on with all-ones; the breach is told and the status is 1 all the same."""
    called = call(capsys, "run", moving(tmp_path, '"mine.py:Stale"'), "--faults", "hardware")

    assert called.status == 1
    assert "contract broken: card (0000:01:00.0): readl of BAR 0 + 0x0 at " in called.out
    assert "address 0xe8000000 hit nobody" in called.out


def test_the_other_scenarios_are_played_all_the_same(tmp_path: Path, capsys: Capsys) -> None:
    """One driver that breaks its contract does not hide what the others do."""
    moving(tmp_path)
    card = plain()["devices"][0] | {"driver": "mine.py:Exits", "model": "edu", "bars": []}
    broken = plain(devices=[card], events=[{"op": "boot"}, {"op": "rescan"}])
    path = vector(tmp_path, plain(), broken, plain(), plain())

    called = call(capsys, "run", path, "--json", tmp_path / "out")

    assert called.status == 1
    assert called.out.splitlines()[-1] == "4 scenarios played, 0 with 0 findings, 1 with a broken contract"
    assert [len(json.loads(line)["events"]) for line in (tmp_path / "out").read_text().splitlines()] == [1, 1, 1, 1]
    assert json.loads((tmp_path / "out").read_text().splitlines()[1])["stopped"].startswith("SystemExit")


def test_what_was_played_in_part_equals_nothing(tmp_path: Path, capsys: Capsys) -> None:
    """The state before it stopped may well be as recorded; that is no agreement."""
    path = moving(tmp_path, '"mine.py:Exits"')
    expected = vector(tmp_path, {"name": "moving", "scenario": plain(), "expect": []})

    called = call(capsys, "run", path, "--expect", expected)

    assert called.status == 1
    assert "equals" not in called.out
    assert called.out.splitlines()[-1].startswith("contract broken, played no further: SystemExit: 3 at ")
