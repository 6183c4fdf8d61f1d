"""docs/reference/observables.md: 64 rows, each with a test that exists, a vector that was recorded, or a reason."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from tests.golden.recordings import lines

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = (ROOT / "docs" / "reference" / "observables.md").read_text()
ROWS = {int(number): cell for number, cell in re.findall(r"^\| (\d+) \| .*? \| (.*) \|$", PAGE, re.MULTILINE)}
EVERYWHERE = ("laws", "vectors", "fixtures")
CITED = re.compile(r"`((?:drivers/)?[\w/]+\.py)(?:::(test_\w+))?`")
RECORDED = re.compile(r"`(v9|v5|off) (\w+)`")


@cache
def functions_of(path: str) -> frozenset[str]:
    """Names of the tests in a file."""
    file = ROOT / path if path.startswith(("drivers/", "tests/")) else ROOT / "tests" / path
    return frozenset(re.findall(r"^def (test_\w+)\(", file.read_text(), re.MULTILINE))


def test_there_are_64() -> None:
    """None left out, none twice."""
    assert list(ROWS) == list(range(1, 65))


@pytest.mark.parametrize("number", ROWS)
def test_an_observable_is_asserted_refuted_or_excused(number: int) -> None:
    """At least one of the three; what is named exists."""
    cell = ROWS[number]
    cited, recorded = CITED.findall(cell), RECORDED.findall(cell)

    assert cited or recorded or any(re.search(rf"\b{word}\b", cell) for word in EVERYWHERE) or cell.startswith("Not yet: ")
    for path, name in cited:
        assert not name or name in functions_of(path), f"{path}::{name}"
        assert functions_of(path)
    for rules, name in recorded:
        assert name in lines(rules), f"{rules} {name}"


def test_the_tests_used_often_exist() -> None:
    """The short names of the page."""
    head = PAGE.partition("## ")[0]

    found = re.findall(r"\*\*(\w+)\*\* =\s+`([\w/]+\.py)::(test_\w+)`", head)
    assert tuple(short for short, _, _ in found) == EVERYWHERE
    assert [name for _, path, name in found if name not in functions_of(path)] == []
