"""The oracle notices bugs in the explorer: an oracle that cannot fail proves nothing."""

from __future__ import annotations

import sys

import pytest

from tests.explore import oracle
from tests.explore.breaking import ROOM, broken, is_shown, judge
from tests.explore.mutants import MUTANTS, Mutant
from tests.explore.mutants_beside import BESIDE, Beside


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_oracle_notices(mutant: Mutant) -> None:
    """A bug put into the explorer shows on one program; without the bug the same program shows nothing."""
    with broken(mutant) as parts:
        found = judge(parts, mutant.seed, mutant.limit)

    assert found
    assert not judge(oracle.explorer(), mutant.seed, mutant.limit)


@pytest.mark.parametrize("bug", BESIDE, ids=str)
def test_a_test_notices(bug: Beside) -> None:
    """A bug put into what stands beside the search fails the test that the table names."""
    with broken(bug.mutant):
        assert is_shown(bug)


@pytest.mark.parametrize("test", sorted({(bug.test, bug.args) for bug in BESIDE}), ids=str)
def test_a_named_test_holds_without_a_bug(test: tuple[str, tuple[object, ...]]) -> None:
    """Called in the same way it passes: what fails above fails because of the bug."""
    assert not is_shown(Beside(MUTANTS[0], *test))


def test_the_good_explorer_is_back() -> None:
    """A broken copy leaves nothing behind."""
    before = {name: module for name, module in sys.modules.items() if name.startswith(ROOM)}
    with broken(MUTANTS[0]):
        pass
    assert {name: module for name, module in sys.modules.items() if name.startswith(ROOM)} == before


def test_there_are_enough() -> None:
    """The issue asks for twenty; no two are the same."""
    patches = [(one.module, one.old, one.new) for one in (*MUTANTS, *(bug.mutant for bug in BESIDE))]
    assert len(MUTANTS) >= 20
    assert len(patches) == len(set(patches))
