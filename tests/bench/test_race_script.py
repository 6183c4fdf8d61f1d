"""The race as one fixed story: what the order does without a mutex, and what a mutex does to the order."""

from __future__ import annotations

import pytest

from movsdk.bench.race_script import GAP, Stage, tell


def test_the_script_without_a_mutex() -> None:
    """CPU1 sees the bridge counted, goes on, and its read is lost; then CPU0 writes back what it read before CPU1 wrote."""
    story = tell("mainline")

    assert [(finding.name, finding.task) for finding in story.findings] == [("master abort", "probe nvme1")]
    cpu1 = [text for text in story.lines if text.startswith(" " * 47)]
    assert cpu1[2].strip() == "R br0.enable_cnt = 1"
    assert [text.strip() for text in story.lines if "FAIL" in text] == ["nvme1 readl BAR 0 + 0x0  <-- FAIL"]
    assert story.lines[story.lines.index(cpu1[-1]) + 1].strip() == f"{GAP} = 2 (MEMORY)"
    assert "decode is off in COMMAND of nvme1 BAR 0 + 0x0 behind br0" in str(story)


@pytest.mark.parametrize("variant", ["v2", "v5", "v9", "v9+reenable", "all-writers"])
def test_the_script_with_a_mutex(variant: str) -> None:
    """In the same place CPU1 waits until the bits are set, and both drives work."""
    story = tell(variant)

    assert story.findings == ()
    assert [text.strip() for text in story.lines if "waits" in text] == ["(lock br0.enable_mutex: waits)"]
    assert str(story).endswith("=> both drives work")


def test_a_script_that_keeps_its_turns_is_harmless() -> None:
    """One after the other, mainline works too: it takes the gap to lose."""
    assert tell("mainline", (Stage(0), Stage(1))).findings == ()
