"""The series as 21 parts: complete, and each part points to its twin."""

from __future__ import annotations

from functools import reduce
from importlib import import_module

import pytest

from movsdk.errors import BadInput
from movsdk.rescan.rules.without import PATCHES
from movsdk.rescan.series import SERIES, Patch, patch


def test_there_are_21_in_order() -> None:
    """As many as can be taken out."""
    assert [part.number for part in SERIES] == list(PATCHES) == list(range(1, 22))


@pytest.mark.parametrize("part", SERIES, ids=lambda part: str(part.number))
def test_where_a_part_stands_is_somewhere(part: Patch) -> None:
    """``module:name`` leads to an object; a renamed function takes its entry with it."""
    for place in part.where:
        module, _, name = place.partition(":")
        assert reduce(getattr, name.split("."), import_module(module)) is not None


@pytest.mark.parametrize("part", SERIES, ids=lambda part: str(part.number))
def test_a_part_says_what_breaks_and_how_it_comes_out(part: Patch) -> None:
    """In a line of a report each."""
    assert part.breaks
    assert part.alone.startswith("yes")
    assert part.later
    assert len({part.title for part in SERIES}) == len(SERIES)


@pytest.mark.parametrize("number", [0, 22, -1])
def test_there_is_no_other(number: int) -> None:
    """The message says which there are."""
    with pytest.raises(BadInput) as caught:
        patch(number)

    assert str(caught.value) == f"the series has patches 1 to 21, not {number}; `movsdk series` lists them"
