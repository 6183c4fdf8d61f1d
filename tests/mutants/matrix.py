"""Rule by mutant: what the kit says of each small broken driver. Printed by ``python -m tests.mutants.matrix``."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from attrs import frozen

from mockbus.model import DeviceModel
from movsdk.testing.conformance.kit import Verdict, examine
from movsdk.testing.conformance.rule import Status


@frozen
class Mutant:
    """One broken driver with its silicon, the rule it breaks and the rules that may follow."""

    name: str
    driver: type[Any]
    model: type[DeviceModel]
    rule: str
    consequences: tuple[str, ...]


def _load(path: Path) -> Mutant:
    module = import_module(f"tests.mutants.{path.stem}")
    classes = [value for value in vars(module).values() if inspect.isclass(value) and value.__module__ == module.__name__]
    (driver,) = (found for found in classes if hasattr(found, "id_table"))
    return Mutant(path.stem, driver, module.MODEL, module.RULE, module.CONSEQUENCES)


MUTANTS: Final = tuple(_load(path) for path in sorted(Path(__file__).parent.glob("c[0-9]*.py")))


def first_of(verdict: Verdict) -> str:
    """The cause that stands first; without a breach, the first advice."""
    advice = [judgement.rule.id for judgement in verdict.judgements if judgement.status is Status.ADVICE]
    return (*verdict.causes, *advice, "-")[0]


def rows(mutants: Iterable[Mutant]) -> Iterator[str]:
    """One line a mutant."""
    for mutant in mutants:
        verdict = examine(mutant.driver, mutant.model)
        first = first_of(verdict)
        rest = [judgement.rule.id for judgement in verdict.broken if judgement.rule.id != first]
        mark = "ok " if first == mutant.rule and set(rest) <= set(mutant.consequences) else "BAD"
        yield f"{mark} {mutant.name:<28} breaks {mutant.rule:<4} first: {first:<4} follows: {' '.join(rest) or '-'}"


if __name__ == "__main__":
    for row in rows(MUTANTS):
        print(row)
