"""Where a mistake is."""

from __future__ import annotations

import pytest

from movsdk.bench.place import Place, show


def test_a_place_tells_file_line_and_path() -> None:
    """One line holds all that is needed to find the value."""
    place = Place("m.yaml", lines={"": 1, "devices": 3}).at("devices").at(2).at("bars").at(0)

    error = place.bad("is\n odd")

    assert str(error) == "m.yaml:3: devices[2].bars[0]: is odd"
    assert error.fields == {"where": "m.yaml", "path": "devices[2].bars[0]", "line": 3}


def test_an_unknown_word_names_the_nearest() -> None:
    """Most unknown words are misspelt ones."""
    assert str(Place("m").unknown("sise", ["size", "n"])) == "m: unknown key \"sise\"; did you mean 'size'?"
    assert str(Place("m").unknown("xyz", ["size", "n"])) == 'm: unknown key "xyz"; known: n, size'


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("x" * 500, '"' + "x" * 56 + "..."),
        ([1] * 500, "a list of 500"),
        (dict.fromkeys(map(str, range(9))), "an object of 9 keys"),
        ({"a": "\n"}, '{"a": "\\n"}'),
    ],
)
def test_a_shown_value_is_short_and_on_one_line(value: object, shown: str) -> None:
    """A message stays a line, whatever stands in the file."""
    assert show(value) == shown
