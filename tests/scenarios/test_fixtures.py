"""Fixtures F1-F8, derived by hand from the rules of v9 before there was an engine: ours gives the same numbers.

The engine agrees with every recorded run, so where it and the hand had differed, measurement would have won. They do not differ.
"""

from __future__ import annotations

import pytest

from tests.scenarios.stage import MEM_WINDOW, K, M, Place, Story, driver, place, play_named

B = 0xE000_0000  # where the root aperture of all eight begins


def at(start: float, size: float) -> Place:
    """A place in MiB above B."""
    return B + int(start * M), int(size * M)


# name, rules, attempts of the last event, who was given up, where everything is then (window of a port: number 8)
TABLE = [
    (
        "f1-working-bar-moves",
        "v9",
        1,
        (),
        {("rp1", 8): at(0, 2), ("new", 0): at(0, 2), ("rp0", 8): at(2, 1), ("nvme", 0): at(2, 1 / 64)},
    ),
    (
        "f2-fixed-obstacle",
        "v9",
        1,
        (),
        {("nvme", 0): at(0, 1 / 64), ("nic", 0): at(1, 1), ("new", 0): at(2, 2), ("rp1", 8): at(2, 2)},
    ),
    ("f3-newcomer-given-up", "v9", 4, ("new",), {("old", 0): at(0, 2), ("new", 0): None, ("rp1", 8): None}),
    ("f3-newcomer-given-up", "v5", 2, ("new",), {("old", 0): at(0, 2), ("new", 0): None, ("rp1", 8): None}),
    ("f4-window-too-small", "v9", 3, (), {("rp0", 8): at(0, 4), ("a", 0): at(0, 1), ("c", 0): at(3, 1), ("x", 0): None}),
    ("f5-two-newcomers", "v9", 5, ("a", "b"), {("old", 0): at(0, 1), ("a", 0): None, ("b", 0): None}),
    ("f6-window-slides-below", "v9", 1, (), {("rp0", 8): at(0, 4), ("a", 0): at(1, 1), ("x", 0): at(2, 2)}),
    (
        "f7-between-two-fixed",
        "v9",
        1,
        (),
        {
            **{("left", 0): at(0, 1), ("right", 0): at(8, 1), ("rp1", 8): at(1, 7)},
            **{("i", 0): at(1, 1), ("ii", 0): at(2, 1), ("iii", 0): at(3, 1), ("new", 0): at(4, 4)},
        },
    ),
    ("f8-unaware-cut-off", "v9", 3, (), {("rp0", 8): None, ("a", 0): None, ("c", 0): None, ("x", 0): None}),
]


@pytest.mark.parametrize(("name", "rules", "attempts", "given_up", "expected"), TABLE, ids=lambda value: str(value)[:24])
def test_the_numbers_of_the_table(
    name: str, rules: str, attempts: int, given_up: tuple[str, ...], expected: dict[tuple[str, int], Place]
) -> None:
    """Attempts, who was given up, and every address that the table names."""
    story = play_named(name, rules)
    report = story.last.report

    assert {key: place(story.last, *key) for key in expected} == expected
    assert (len(report.attempts), report.given_up) == (attempts, given_up)
    assert [outcome.breaches.broken for outcome in story.outcomes] == [()] * len(story.outcomes)


def moved(story: Story) -> list[str]:
    """BARs that the last event moved."""
    return [f"{move.device}:{move.bar}" for move in story.last.report.moves]


@pytest.mark.parametrize(
    ("name", "with_series", "without"),
    [
        pytest.param("f1-working-bar-moves", ["nvme:0"], [], id="F1: nothing had to move"),
        pytest.param("f2-fixed-obstacle", [], [], id="F2: the obstacle keeps the drive where it is"),
        pytest.param("f6-window-slides-below", [], [], id="F6: only the window grows"),
        pytest.param("f7-between-two-fixed", ["i:0", "ii:0", "iii:0"], ["i:0", "ii:0", "iii:0"], id="F7: unpatched too, unasked"),
    ],
)
def test_what_moves_with_the_series_and_without(name: str, with_series: list[str], without: list[str]) -> None:
    """F1 is Laight's objection: the unpatched kernel has room for the newcomer and moves nothing."""
    assert (moved(play_named(name, "v9")), moved(play_named(name, "off"))) == (with_series, without)


def test_the_drive_of_f1_loses_no_request_while_it_moves() -> None:
    """Its BAR is elsewhere afterwards; what was in flight was answered once."""
    story = play_named("f1-working-bar-moves")

    assert story.last.hooks == [["prepare", "nvme"], ["done", "nvme"], ["probe", "new", "rc=0"]]
    assert "0 failed, 0 outstanding, 0 lost, 0 twice, 0 out of order, 0 corrupt" in story.last.io[0]
    assert place(story.last, "nvme") == (B + 2 * M, 16 * K)


def test_f3_unpatched_the_newcomer_takes_it_all() -> None:
    """What the guarantee is against: the neighbour's window is released to make room, and its working card is cut off."""
    story = play_named("f3-newcomer-given-up", "off")

    assert (place(story.last, "new"), place(story.last, "old")) == (at(0, 4), None)
    assert [finding.rule for finding in story.last.findings] == ["E03"]
    assert driver(story.last, "old") == "movable"


def test_f4_costs_a_working_device_its_bar_though_nothing_changed() -> None:
    """The log says that no attempt was accepted and nobody is left to be given up."""
    story = play_named("f4-window-too-small")
    report = story.last.report

    assert [str(move) for move in report.lost] == ["x BAR 0: [0xe0400000-0xe05fffff] -> unassigned"]
    assert [attempt.is_accepted for attempt in report.attempts] == [False] * 3
    assert any("no newcomer left to give up" in event.text for event in report.timeline)


def test_f5_the_first_newcomer_alone_would_have_fitted() -> None:
    """It is given up first and not tried again, though 3 MiB stay free."""
    story = play_named("f5-two-newcomers")

    failed = [[failure.device for failure in attempt.failed] for attempt in story.last.report.attempts]
    assert [attempt.is_accepted for attempt in story.last.report.attempts] == [False, False, False, False, True]
    assert "old" in failed[3], "with b alone the old card loses"
    assert place(story.last, "rp1", MEM_WINDOW) is None


def test_f8_cuts_off_unaware_drivers_whose_registers_are_untouched() -> None:
    """The BARs still say where they were; the port's window is closed, so no access arrives."""
    story = play_named("f8-unaware-cut-off")
    system = story.player.world.system

    registers = {
        device.label: [entry["register"] for entry in state["resources"]]
        for device in system.devices()
        for state in story.last.state
        if state["id"] == device.label and state["driver"] == "fixed"
    }
    assert registers == {"a": [B + M], "c": [B + 4 * M]}
    assert next(state["registers"]["mem"] for state in story.last.state if state["id"] == "rp0") is None
    assert [(finding.rule, finding.device) for finding in story.last.findings] == [("E03", "a"), ("E03", "c"), ("E03", "x")]
    assert story.last.hooks == [["prepare", "x"], ["done", "x"]], "nobody tells a and c"
