"""What each patch is for: its experiment goes well with it and wrong without it."""

from __future__ import annotations

import pytest

from movsdk.bench.experiments.catalogue import EXPERIMENTS, Comparison, compare
from movsdk.bench.experiments.experiment import scenario
from movsdk.errors import BadInput
from movsdk.rescan.rules import V5, V9
from movsdk.rescan.rules.record import Rules

# What of each experiment tells: (fact, with the patch, without it).
FACTS = {
    1: ("register after waking", "0xe0000000", "0xe0200000"),
    2: ("card BAR 0 after another", "[0xe0000000-0xe0000fff]", "no place"),
    3: ("powernv force", "BARs move", "nothing moves"),
    4: ("looks during the rescan", "3 good, 0 bad", "6 good, 4 bad"),
    5: ("new BAR 0", "[0xe0000000-0xe03fffff]", "no place"),
    6: ("old BAR 0", "[0xe0000000-0xe01fffff]", "no place"),
    7: ("it stores, and reads", b"exercise".hex(), "ff" * 8),
    8: ("fix2 BAR 0", "[0xe0100000-0xe01fffff]", "no place"),
    9: ("new BAR 0", "[0xe0100000-0xe01fffff]", "no place"),
    10: ("late BAR 0 after the rescan", "[0xe0000000-0xe00fffff]", "forgotten"),
    11: ("fix BAR 0", "[0xe0200000-0xe02fffff]", "no place"),
    12: ("neighbour BAR 0", "[0xe0200000-0xe02fffff]", "no place"),
    13: ("fix BAR 0", "[0xe0500000-0xe05fffff]", "no place"),
    14: ("free BAR 0", "[0xe0200000-0xe03fffff]", "[0xe0000000-0xe01fffff]"),
    15: ("goes wrong", "nothing", "master abort, probe nvme1"),
    16: ("new reads", "0x010000ed", "0xffffffff"),
    17: ("new BAR 0", "[0xe0000000-0xe03fffff]", "no place"),
    18: ("disk BAR 0", "[0xe0300000-0xe0303fff] -> [0xe0400000-0xe0403fff]", "stays"),
    19: ("the kernel", "lives", "dies at new BAR 0"),
    20: ("register in the card", "0xe0000000", "0xe0200000"),
    21: ("new BAR 0, no option", "[0xe0000000-0xe03fffff]", "no place"),
}


@pytest.fixture(params=range(1, 22), scope="module")
def played(request: pytest.FixtureRequest) -> Comparison:
    """Each experiment, played once with and once without."""
    return compare(request.param)


def test_it_goes_well_with_the_patch(played: Comparison) -> None:
    """The promise of the patch is kept."""
    assert played.having.is_kept, played.having.facts


def test_it_goes_wrong_without_the_patch(played: Comparison) -> None:
    """Taking the patch out breaks what it is for."""
    assert not played.lacking.is_kept, played.lacking.facts


def test_the_facts_tell_the_story(played: Comparison) -> None:
    """The row that a reader looks at."""
    assert FACTS[played.experiment.number] in played.rows


def test_all_21_are_there() -> None:
    """Each patch has one."""
    assert list(EXPERIMENTS) == list(FACTS) == list(range(1, 22))


@pytest.mark.parametrize("number", [number for number, one in EXPERIMENTS.items() if one.file is not None])
def test_a_scenario_can_be_played_by_hand(number: int) -> None:
    """It is a file as anybody writes it, with a story, and ends in what the experiment looks at."""
    experiment = EXPERIMENTS[number]
    assert experiment.file is not None

    found = scenario(experiment.file)

    assert experiment.text.startswith("format: 1\n")
    assert found.about
    assert found.events[0].op == "boot"


def test_an_experiment_that_is_a_program_has_no_file() -> None:
    """And says so."""
    with pytest.raises(BadInput, match=r"experiment 15 is no scenario file: Two drivers probe below one bridge"):
        _ = EXPERIMENTS[15].text


@pytest.mark.parametrize(
    ("rules", "telling"),
    [
        (V5, {*range(2, 22)} - {3}),
        (V9, {1, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 17, 18, 20, 21}),
    ],
    ids=["v5", "v9"],
)
def test_later_versions_tell_most_of_them(rules: Rules, telling: set[int]) -> None:
    """The option has another name or default there (3), PowerNV is off (2, 19), a reserve keeps ports open (16), 12 is gone."""
    found = set()
    for number in EXPERIMENTS:
        try:
            comparison = compare(number, rules)
        except BadInput:
            continue
        if comparison.tells:
            found.add(number)

    assert found == telling
