"""The story of slots-and-sleep: what each event of a slot, and sleep, comes to with the series and without."""

from __future__ import annotations

import pytest

from movsdk.bench.player import Outcome
from tests.scenarios.stage import M, Story, driver, place, play_named

B = 0xE000_0000
CLEAN = "0 failed, 0 outstanding, 0 lost, 0 twice, 0 out of order, 0 corrupt"


def event(story: Story, op: str, number: int = 0) -> Outcome:
    """What the so-manyth event of this kind did."""
    return [outcome for outcome in story.outcomes if outcome.op == op][number]


@pytest.mark.parametrize("rules", ["v9", "v2"])
def test_a_drive_that_slept_while_it_was_moved_works_at_its_new_address(rules: str) -> None:
    """v9 as modelled and v2 restore the address it has now (patch 1); its driver was told of the move while it slept."""
    story = play_named("slots-and-sleep", rules)

    assert place(event(story, "suspend"), "drive") == (B + 2 * M, 0x4000)
    assert place(event(story, "rescan"), "drive") == (B, 0x4000)
    assert event(story, "rescan").hooks == [["prepare", "drive"], ["prepare", "card"], ["done", "drive"], ["done", "card"]]
    assert (event(story, "resume").rc, CLEAN in event(story, "io").io[0]) == (0, True)
    assert [outcome.findings for outcome in story.outcomes] == [()] * len(story.outcomes)


@pytest.mark.parametrize("faults", ["raise", "hardware"])
def test_without_patch_1_it_wakes_at_the_old_one(faults: str) -> None:
    """v5 has lost the patch: its register says where the drive was, no request arrives, and its driver is not to blame."""
    story = play_named("slots-and-sleep", "v5", faults)

    assert {finding.rule for finding in event(story, "resume").findings} == {"C45", "E02"}
    assert CLEAN not in event(story, "io").io[0]
    assert [outcome.breaches.broken for outcome in story.outcomes] == [()] * len(story.outcomes)
    assert event(story, "resume").breaches.reported != ()


@pytest.mark.parametrize("rules", ["v9", "v5", "v2", "off"])
def test_buttons_links_and_faults(rules: str) -> None:
    """Who comes and who goes at each event of a slot is the same under all rules."""
    story = play_named("slots-and-sleep", rules, "hardware")
    told = [(outcome.op, outcome.report.found, outcome.report.removed) for outcome in story.outcomes[1:]]

    assert [one for one in told if one[0] in ("button", "link", "pull", "power_fault")] == [
        ("button", ("first",), ()),
        ("link", ("drive",), ()),
        ("button", (), ("first",)),
        ("pull", (), ("drive",)),
        ("button", ("first",), ()),
        ("power_fault", (), ("first",)),
    ]
    assert driver(event(story, "button", 2), "first") == "movable"
    assert {device["id"] for device in story.last.state} == {"slot0", "slot1", "port2", "card"}
