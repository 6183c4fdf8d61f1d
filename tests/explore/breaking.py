"""Loads a broken copy of the explorer beside the good one, and lets the oracle judge it.

Twin: none. ``python -m tests.explore.breaking [--start S] [--stop S] [--limit L] [words]`` finds the programs that show the
mutants of the table, and prints their seeds.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

from attrs import define

import movsdk
from tests.explore import oracle
from tests.explore.mutants import MUTANTS, Mutant
from tests.explore.programs import KEPT, Source, generate
from tests.explore.reference import Truth, truth

ROOM = "movsdk.explore"


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


def _forget() -> dict[str, ModuleType]:
    """Unload the room; return what was loaded."""
    loaded = {name: module for name, module in sys.modules.items() if name == ROOM or name.startswith(f"{ROOM}.")}
    for name in loaded:
        del sys.modules[name]
    return loaded


@contextmanager
def broken(mutant: Mutant) -> Iterator[oracle.Explorer]:
    """Load a broken copy of the room; the good one is back afterwards."""
    good, package = _forget(), getattr(movsdk, "explore", None)
    finder = _Finder(mutant)
    sys.meta_path.insert(0, finder)
    try:
        importlib.import_module(f"{ROOM}.{mutant.module}")
        yield oracle.explorer()
    finally:
        sys.meta_path.remove(finder)
        _forget()
        sys.modules.update(good)
        if package is not None:
            movsdk.explore = package  # type: ignore[attr-defined]  # the import system sets it


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


def main() -> None:
    """Find, for each mutant, the first program that shows it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--stop", type=int, default=4000)
    parser.add_argument("--limit", type=int, default=60)
    parser.add_argument("words", nargs="*")
    given = parser.parse_args()
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
