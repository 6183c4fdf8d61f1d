"""The table of rules in the docs is the one that the kit prints."""

from __future__ import annotations

from pathlib import Path

import pytest

from movsdk.testing.conformance.catalogue import RULES
from movsdk.testing.conformance.rule_table import rule_lines, status_of
from tests.cli.calls import call

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "conformance.md"


def test_the_page_shows_the_table_of_the_kit() -> None:
    """`movsdk check --rules` prints it; a rule that changes takes the page with it."""
    shown = [line for line in PAGE.read_text().splitlines() if line.startswith(("| base |", "| C"))]

    assert shown == list(rule_lines())[2:]


def test_the_command_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a driver."""
    called = call(capsys, "check", "--rules")

    assert called.status == 0
    assert called.out.splitlines() == list(rule_lines())


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.missing], ids=lambda rule: rule.id)
def test_what_is_not_modelled_says_so(rule: object) -> None:
    """No rule counts as checked that no trial can break."""
    assert status_of(rule).startswith("not modelled yet: ")  # type: ignore[arg-type]  # the parameter is a Rule
