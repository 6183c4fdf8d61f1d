"""A patch comes out of the record, not out of the engine."""

from __future__ import annotations

import pytest

from movsdk.errors import BadInput
from movsdk.rescan.rules import OFF, V2, V5, V9, by_name
from movsdk.rescan.rules.record import Rules
from movsdk.rescan.rules.without import PATCHES, without


@pytest.mark.parametrize("number", PATCHES)
def test_each_patch_of_v2_comes_out(number: int) -> None:
    """Something in the record is different, and the name says what."""
    found = without(V2, number)

    same = [getattr(found, key) == getattr(V2, key) for key in ("moves", "enable", "switch", "power", "arch", "unaware")]
    assert same.count(False) == 1
    assert (found.name, found.without) == (f"v2 without {number}", (number,))


def test_several_come_out_in_any_order() -> None:
    """Each replaces functions of its own."""
    one, other = (without(without(V2, a), b) for a, b in ((12, 13), (13, 12)))

    assert one.moves == other.moves
    assert (one.name, other.name) == ("v2 without 12, 13", "v2 without 13, 12")


@pytest.mark.parametrize(
    ("rules", "number", "message"),
    [
        (V2, 0, "the series has patches 1 to 21, not 0; `movsdk series` lists them"),
        (V2, 22, "the series has patches 1 to 21, not 22; `movsdk series` lists them"),
        (OFF, 5, "rules 'off' are the kernel without the series; take patch 5 out of v2, v5 or v9"),
        (without(V2, 5), 5, "patch 5 is out of 'v2 without 5' already; name it once"),
        (V5, 1, "rules 'v5' have no patch 1 to take out: v5 and later save the state of bridges after the move instead"),
        (V9, 12, "rules 'v9' have no patch 12 to take out: v9 does without, its windows do not look at their neighbours"),
        (V9, 19, "rules 'v9' have no patch 19 to take out: v7 and later leave powerpc out and turn the feature off there"),
    ],
)
def test_what_is_not_there_cannot_be_taken_out(rules: Rules, number: int, message: str) -> None:
    """The message says which patches there are, or why there is none."""
    with pytest.raises(BadInput) as caught:
        without(rules, number)

    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("name", "taken"),
    [("v2", ()), ("v2 without 6", (6,)), ("v2 without 6, 14", (6, 14)), ("v9 without 13,14", (13, 14))],
)
def test_rules_are_found_by_the_name_they_print(name: str, taken: tuple[int, ...]) -> None:
    """What a report calls its rules can be asked for."""
    assert by_name(name).without == taken
    assert by_name(by_name(name).name).without == taken


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("v3", "rules 'v3' are not known; use one of v9, v5, v2, off"),
        ("v3 without 6", "rules 'v3' are not known; use one of v9, v5, v2, off"),
        ("v2 without six", "'six' is no patch of the series; `movsdk series` lists them by number"),
        ("v2 without -1", "'-1' is no patch of the series; `movsdk series` lists them by number"),
    ],
)
def test_a_wrong_name_is_refused(name: str, message: str) -> None:
    """With what there is."""
    with pytest.raises(BadInput) as caught:
        by_name(name)

    assert str(caught.value) == message
