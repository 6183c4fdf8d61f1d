"""The rules as a table for people: what `movsdk check --rules` prints and docs/reference/conformance.md shows."""

from __future__ import annotations

from collections.abc import Iterator

from movsdk.testing.conformance.catalogue import RULES
from movsdk.testing.conformance.rule import Rule, Weight
from movsdk.testing.conformance.trials import TRIALS


def rule_lines() -> Iterator[str]:
    """A Markdown table, one line a rule."""
    yield "| rule | what a driver must do | how the kit sees it | status |"
    yield "|---|---|---|---|"
    for rule in RULES:
        yield f"| {rule.id} | {rule.sentence} | {rule.detector} | {status_of(rule)} |"


def status_of(rule: Rule) -> str:
    """Whether the kit tries the rule, and what it needs for that."""
    if rule.missing:
        return f"not modelled yet: {rule.missing}"
    if not any(rule.id in trial.rules for trial in TRIALS):
        return "not modelled yet"
    weight = "advice" if rule.weight is Weight.ADVICE else "checked"
    return f"{weight}, needs a model" if rule.needs_model else weight
