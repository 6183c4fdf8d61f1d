"""``movsdk agree``: how many golden vectors agree in full."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.calls import VECTORS, call, moving, plain, vector

Capsys = pytest.CaptureFixture[str]


def firsts(rules: str, count: int) -> list[dict[str, Any]]:
    """The first vectors of a file."""
    with gzip.open(VECTORS / f"{rules}.jsonl.gz", "rt") as lines:
        return [json.loads(line) for line, _ in zip(lines, range(count), strict=False)]


def test_vectors_are_counted_by_kernel_and_rules(tmp_path: Path, capsys: Capsys) -> None:
    """One table for all files; status 0 if all agree."""
    called = call(
        capsys, "agree", vector(tmp_path, *firsts("v9", 3), *firsts("off", 2)), vector(tmp_path, *firsts("v5", 1), name="b.jsonl")
    )

    assert called.status == 0
    assert called.out.splitlines() == [
        "kernel                                    rules  vectors  agree  differ",
        "linux-5.10.262+v9/x86_64/qemu-tcg         v9           3      3       0",
        "linux-5.10.262-unpatched/x86_64/qemu-tcg  off          2      2       0",
        "linux-5.10.262+v5port/x86_64/qemu-tcg     v5           1      1       0",
    ]


def test_one_that_differs_is_named_with_its_first_difference(tmp_path: Path, capsys: Capsys) -> None:
    """Status 1; the others are played all the same."""
    wrong, right = firsts("v9", 2)
    wrong["expect"][0]["state"][0]["command"] ^= 4

    called = call(capsys, "agree", vector(tmp_path, wrong, right))

    assert called.status == 1
    assert called.out.splitlines()[0] == f"{wrong['name']} [v9] [0] boot: state a command: ours 0x2, recorded 0x6"
    assert called.out.splitlines()[-1].split()[-3:] == ["2", "1", "1"]


def test_one_that_cannot_be_played_differs(tmp_path: Path, capsys: Capsys) -> None:
    """A driver that cannot be made a second time, an invariant that broke: a line, and no traceback."""
    moving(tmp_path)
    with (tmp_path / "mine.py").open("a") as file:
        file.write(
            "\nclass Once(Good):\n    made = []\n    def __init__(self):\n        self.made[:0] = [1 // (1 - len(self.made))]\n"
        )
    scenario = {**plain(), "devices": [{**plain()["devices"][0], "driver": "mine.py:Once"}]}

    called = call(capsys, "agree", vector(tmp_path, {"name": "x", "rules": "v9", "scenario": scenario, "expect": []}))

    assert (called.status, called.err) == (1, "")
    assert called.out.startswith("x [v9] HookSpecError: mine.py:Once: creating the driver raised ZeroDivisionError at ")


@pytest.mark.parametrize("lacks", ["expect", "rules"])
def test_what_was_not_recorded_is_bad_input(lacks: str, tmp_path: Path, capsys: Capsys) -> None:
    """Said before anything is played, for all files."""
    first, second = firsts("v9", 2)
    del second[lacks]

    called = call(capsys, "agree", vector(tmp_path, first), bad := vector(tmp_path, second, name="bad.jsonl"))

    assert (called.status, called.out) == (2, "")
    assert called.err == (f"movsdk agree: {bad}:1: {second['name']} has no `expect` or no `rules`; `movsdk run` plays it\n")
