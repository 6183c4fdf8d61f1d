"""The oracle notices bugs in the explorer: an oracle that cannot fail proves nothing."""

from __future__ import annotations

import sys

import pytest

from tests.explore import oracle
from tests.explore.breaking import ROOM, broken, judge
from tests.explore.mutants import MUTANTS, Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_oracle_notices(mutant: Mutant) -> None:
    """A bug put into the explorer shows on one program; without the bug the same program shows nothing."""
    with broken(mutant) as parts:
        found = judge(parts, mutant.seed, mutant.limit)

    assert found
    assert not judge(oracle.explorer(), mutant.seed, mutant.limit)


def test_the_good_explorer_is_back() -> None:
    """A broken copy leaves nothing behind."""
    before = {name: module for name, module in sys.modules.items() if name.startswith(ROOM)}
    with broken(MUTANTS[0]):
        pass
    assert {name: module for name, module in sys.modules.items() if name.startswith(ROOM)} == before


def test_there_are_enough() -> None:
    """The issue asks for twenty."""
    assert len(MUTANTS) >= 20
