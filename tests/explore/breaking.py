"""Loads a broken copy of the explorer beside the good one, and lets the oracle judge it.

Twin: none. ``python -m tests.explore.breaking --table`` prints the table of seeded bugs; ``[--start S] [--stop S] [--limit L]
[words]`` finds the programs that show them anew, and prints their seeds.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from inspect import signature
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType

import pytest
from attrs import define

import movsdk
from tests.explore import oracle
from tests.explore.mutants import MUTANTS, Mutant
from tests.explore.mutants_beside import BESIDE, Beside
from tests.explore.programs import KEPT, Source, generate
from tests.explore.reference import Truth, truth

ROOM = "movsdk.explore"
TESTS = "tests.explore"


@define
class _Patched(Loader):
    """Loads a module from patched source."""

    spec: ModuleSpec
    mutant: Mutant

    def exec_module(self, module: ModuleType) -> None:
        assert self.spec.origin is not None
        source = Path(self.spec.origin).read_text()
        if module.__name__ == f"{ROOM}.{self.mutant.module}":
            assert source.count(self.mutant.old) == 1, f"{self.mutant} fits {source.count(self.mutant.old)} times"
            source = source.replace(self.mutant.old, self.mutant.new)
        exec(compile(source, self.spec.origin, "exec"), module.__dict__)


@define
class _Finder(MetaPathFinder):
    mutant: Mutant

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if not fullname.startswith(f"{ROOM}."):
            return None
        spec = PathFinder.find_spec(fullname, path)
        if spec is not None:
            spec.loader = _Patched(spec, self.mutant)
        return spec


def _forget(*rooms: str) -> dict[str, ModuleType]:
    """Unload rooms; return what was loaded."""
    loaded = {name: module for name, module in sys.modules.items() if any(f"{name}.".startswith(f"{room}.") for room in rooms)}
    for name in loaded:
        del sys.modules[name]
    return loaded


@contextmanager
def broken(mutant: Mutant) -> Iterator[oracle.Explorer]:
    """Load a broken copy of the room; the good one is back afterwards."""
    good, package = _forget(ROOM), getattr(movsdk, "explore", None)
    finder = _Finder(mutant)
    sys.meta_path.insert(0, finder)
    try:
        importlib.import_module(f"{ROOM}.{mutant.module}")
        yield oracle.explorer()
    finally:
        sys.meta_path.remove(finder)
        _forget(ROOM)
        sys.modules.update(good)
        if package is not None:
            movsdk.explore = package  # type: ignore[attr-defined]  # the import system sets it


def is_shown(bug: Beside) -> bool:
    """Whether the test of a bug fails, in a copy that uses the explorer as it is loaded now."""
    module, function = bug.test.split(".")
    good = _forget(TESTS)
    try:
        test = getattr(importlib.import_module(f"{TESTS}.{module}"), function)
        with TemporaryDirectory() as folder:
            test(*bug.args, **({"tmp_path": Path(folder)} if "tmp_path" in signature(test).parameters else {}))
    except (Exception, pytest.fail.Exception):  # whatever makes a test fail
        return True
    finally:
        _forget(TESTS)
        sys.modules.update(good)
    return False


def judge(parts: oracle.Explorer, seed: int, limit: int) -> list[str]:
    """What is wrong with an explorer, as the program of `seed` shows it: DPOR first, which is what most mutants break."""
    source = generate(seed)
    real = truth(source, limit)
    if not real.is_whole:
        return []
    found = oracle.differences(source, parts, limit, naive=False) or _shards(source, parts, real)
    return found or oracle.differences(source, parts, limit) or []


def _shards(source: Source, parts: oracle.Explorer, real: Truth) -> list[str]:
    try:
        return oracle.shard_differences(source, parts, real, 8)
    except Exception as error:  # a broken explorer may break in any way
        return [f"shards: {type(error).__name__}: {error}"]


def table() -> list[str]:
    """The seeded bugs: what is broken, where, and what shows it."""
    shown = [(one, f"random program {one.seed}") for one in MUTANTS] + [(bug.mutant, bug.test) for bug in BESIDE]
    lines = [f"{one.name:<45} {one.module:<11} {by}" for one, by in shown]
    return [f"{'bug':<45} {'module':<11} shown by", *lines, f"{len(lines)} bugs"]


def main() -> None:
    """Find, for each mutant, the first program that shows it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--stop", type=int, default=4000)
    parser.add_argument("--limit", type=int, default=60)
    parser.add_argument("--table", action="store_true")
    parser.add_argument("words", nargs="*")
    given = parser.parse_args()
    if given.table:
        print("\n".join(table()))
        return
    for mutant in MUTANTS:
        if given.words and not any(word in mutant.name for word in given.words):
            continue
        with broken(mutant) as parts:
            seed = next(
                (seed for seed in range(min(given.start, -len(KEPT)), given.stop) if judge(parts, seed, given.limit)), None
            )
            found = "survives" if seed is None else judge(parts, seed, given.limit)
        print(f"{seed}\t{mutant.name}\t{found}", flush=True)


if __name__ == "__main__":
    main()
