"""A scenario file played to a point."""

from __future__ import annotations

from pathlib import Path

import pytest

from movsdk.bench.sysfs.export_tree import export_tree
from movsdk.bench.sysfs.stage import staged
from movsdk.errors import BadInput

_SCENARIO = """
about: a card is plugged later
windows: [{type: mem, start: 0x80000000, last: 0x8fffffff}]
devices:
  - {id: port, kind: bridge, on: root, slot: "01.0", hotplug: true}
  - {id: card, on: port, slot: "00.0", driver: movable, present: false, bars: [{n: 0, type: mem32, size: 1M}]}
events: [{op: boot}, {op: plug, id: card}, {op: hotadd, id: port}]
"""


@pytest.mark.parametrize(("events", "names"), [(None, ["0000:00:01.0", "0000:01:00.0"]), (1, ["0000:00:01.0"])])
def test_a_stage_is_the_machine_after_so_many_events(tmp_path: Path, events: int | None, names: list[str]) -> None:
    """All of them, or the first few."""
    (tmp_path / "machine.yaml").write_text(_SCENARIO)
    stage = staged(tmp_path / "machine.yaml", events=events)
    assert export_tree(stage.world, tmp_path / "tree", around=stage.around) == len(names)
    assert sorted(path.name for path in (tmp_path / "tree" / "devices").iterdir()) == names


def test_a_name_that_is_not_there(tmp_path: Path) -> None:
    """Says which there are."""
    (tmp_path / "machine.yaml").write_text(_SCENARIO)
    with pytest.raises(BadInput, match=r"holds no scenario 'other'; there are"):
        staged(tmp_path / "machine.yaml", name="other")
