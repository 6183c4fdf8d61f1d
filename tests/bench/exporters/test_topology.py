"""The tree of buses for Graphviz and Mermaid."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from movsdk.bench.exporters.topology import dot, mermaid
from movsdk.bench.sysfs.stage import staged
from tests.bench.exporters.machines import NAMES, scenario_of

_MACHINE = """
windows: [{type: mem, start: 0x80000000, last: 0x8fffffff}]
reserve: {io: 0, mem: 0, pref: 0}
devices:
  - {id: port, slot: "02.0", kind: bridge, hotplug: true}
  - {id: 'a "b" \\ <c>', on: port, slot: "00.0", driver: movable, bars: [{n: 0, type: mem32, size: 1M}]}
  - {id: b, slot: "03.0", bars: [{n: 1, type: io, size: 32}]}
"""


def test_a_small_tree(tmp_path: Path) -> None:
    """Names are counted, labels escaped; a BAR without a place has its size."""
    (tmp_path / "machine.yaml").write_text(_MACHINE)
    world = staged(tmp_path / "machine.yaml").world
    assert mermaid(world).splitlines() == [
        "flowchart LR",
        '  n0["host bridge 0000:00"]',
        '  n1[["00:02.0 port<br/>to bus 01<br/>window [mem 0x80000000-0x800fffff]"]]',
        "  n0 -->|bus 00| n1",
        '  n2("01:00.0 a &quot;b&quot; \\ &lt;c&gt;<br/>driver movable<br/>BAR 0 [mem 0x80000000-0x800fffff]")',
        "  n1 -->|bus 01| n2",
        '  n3("00:03.0 b<br/>BAR 1 [io  size 0x0020]")',
        "  n0 -->|bus 00| n3",
    ]
    lines = dot(world).splitlines()
    assert '  n1 [label="00:02.0 port\\lto bus 01\\lwindow [mem 0x80000000-0x800fffff]\\l", peripheries=2];' in lines
    assert lines[-5].startswith('  n2 [label="01:00.0 a \\"b\\" \\\\ <c>\\ldriver movable\\l')
    assert lines[-4:-2] == [
        '  n1 -> n2 [label="bus 01"];',
        '  n3 [label="00:03.0 b\\lBAR 1 [io  size 0x0020]\\l", style=rounded];',
    ]


@pytest.mark.parametrize("name", NAMES)
def test_every_function_is_there_once_below_its_bus(name: str) -> None:
    """A tree: as many edges as functions, and an edge for each from its own bridge."""
    world = staged(scenario_of(name)).world
    for text, edge in ((dot(world), r"(n\d+) -> (n\d+)"), (mermaid(world), r"(n\d+) -->\|.*\| (n\d+)")):
        edges = re.findall(edge, text)
        assert len(edges) == len({child for _, child in edges}) == sum(1 for _ in world.system.devices())
        for device in world.system.devices():
            assert text.count(f'"{device.bdf.short}') == 1


@pytest.mark.skipif(shutil.which("dot") is None, reason="needs Graphviz: apt-get install graphviz")
def test_graphviz_reads_it() -> None:
    """No complaint."""
    text = dot(staged(scenario_of("nested-docks")).world)
    done = subprocess.run(["dot", "-Tsvg"], input=text, capture_output=True, text=True, check=True, timeout=60)
    assert done.stderr == ""
