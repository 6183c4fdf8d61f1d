"""A verdict as lines for people and as plain values for programs."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from textwrap import wrap
from typing import Any, Final

from movsdk.kernel.actor import NOWHERE, Site, show
from movsdk.testing.conformance.kit import Judgement, Verdict
from movsdk.testing.conformance.rule import Status
from movsdk.testing.conformance.violation import Violation

WIDTH: Final = 118
_SHOWN: Final = 3
_wrap: Final = partial(wrap, width=WIDTH, break_on_hyphens=False, break_long_words=False)  # names and paths stay whole


def verdict_lines(verdict: Verdict, *, every: bool = False) -> Iterator[str]:
    """The verdict; breaches first, causes in front. `every`: also the reasons why rules were not tried."""
    yield headline(verdict)
    for judgement in verdict.broken:
        yield ""
        yield from broken_lines(judgement)
    for judgement in verdict.judgements:
        if judgement.status is Status.ADVICE:
            yield ""
            yield from advice_lines(judgement)
    yield ""
    for status in Status:
        ids = [judgement.rule.id for judgement in verdict.judgements if judgement.status is status]
        if ids:
            yield from _wrap(f"{status.value}: {' '.join(ids)}", subsequent_indent="  ")
    if verdict.subject.is_movable:
        yield f"blackout: {verdict.blackout_ms:.1f} ms of virtual time at most, in rescan_prepare and rescan_done together"
    if every:
        yield ""
        for judgement in verdict.judgements:
            if judgement.reason:
                yield f"{judgement.rule.id:<5} {judgement.status.value}: {judgement.reason}"


def headline(verdict: Verdict) -> str:
    """One line: who, whether it conforms, and what is broken."""
    subject = verdict.subject
    kind = "movable" if subject.is_movable else "immovable"
    if verdict.conforms:
        kept = sum(judgement.status is Status.KEPT for judgement in verdict.judgements)
        return f"{subject.name}: CONFORMS ({kind} BARs; {kept} rules kept)"
    if not verdict.broken:
        return f"{subject.name}: NOT CHECKED: {verdict.unchecked}"
    rest = [judgement.rule.id for judgement in verdict.broken if judgement.rule.id not in verdict.causes]
    tail = f"; follows: {', '.join(rest)}" if rest else ""
    return f"{subject.name}: DOES NOT CONFORM ({kind} BARs): {', '.join(verdict.causes)}{tail}"


def broken_lines(judgement: Judgement) -> Iterator[str]:
    """One broken rule: what it says, what was seen, what to do."""
    after = f" (follows from {', '.join(judgement.follows)})" if judgement.follows else ""
    yield f"{judgement.rule.id}  broken{after}: {judgement.rule.sentence}"
    yield from _violation_lines(judgement)
    yield from _wrap(f"remedy: {judgement.rule.remedy}", initial_indent="     ", subsequent_indent="       ")


def advice_lines(judgement: Judgement) -> Iterator[str]:
    """One rule of which something is advised."""
    yield f"{judgement.rule.id}  advice: {judgement.rule.sentence}"
    yield from _violation_lines(judgement)


def _violation_lines(judgement: Judgement) -> Iterator[str]:
    for seen in judgement.violations[:_SHOWN]:
        head, *story = seen.message.splitlines()
        yield from _wrap(f"{head}  [in: {seen.trial}]", initial_indent="   - ", subsequent_indent="     ")
        yield from (f"     {line}".rstrip() for line in story)
    if len(judgement.violations) > _SHOWN:
        yield f"   - and {len(judgement.violations) - _SHOWN} more"


def verdict_values(verdict: Verdict) -> dict[str, Any]:
    """The verdict as plain values, for JSON."""
    return {
        "driver": verdict.subject.name,
        "verdict": "conforms" if verdict.conforms else "does not conform" if verdict.broken else "not checked",
        "movable": verdict.subject.is_movable,
        "generic_model": verdict.subject.is_generic,
        "causes": list(verdict.causes),
        "blackout_ms": round(verdict.blackout_ms, 3),
        "broken": [judgement.rule.id for judgement in verdict.broken],
        "rules": [_judgement_values(judgement) for judgement in verdict.judgements],
    }


def _judgement_values(judgement: Judgement) -> dict[str, Any]:
    rule = judgement.rule
    return {
        "id": rule.id,
        "status": judgement.status.value,
        "weight": rule.weight.value,
        "sentence": rule.sentence,
        "remedy": rule.remedy,
        "reason": judgement.reason,
        "follows": list(judgement.follows),
        "violations": [_violation_values(seen) for seen in judgement.violations],
    }


def _violation_values(seen: Violation) -> dict[str, Any]:
    return {
        "message": seen.message,
        "trial": seen.trial,
        "weight": seen.weight.value,
        "follows": seen.follows,
        "at": _place(seen.site),
        "sites": {name: _place(site) for name, site in seen.sites.items()},
    }


def _place(site: Site) -> str | None:
    return None if site == NOWHERE else show(site)
