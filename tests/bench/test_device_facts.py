"""Facts of a device: kept, written, read back, and played by nobody."""

from __future__ import annotations

from typing import Any

import pytest

from movsdk.bench.device_facts import plain_facts
from movsdk.bench.scenario import BarDecl, EndpointSpec, Facts, Scenario
from movsdk.bench.scenario_schema import parse
from movsdk.bench.scenario_text import dump_scenario, to_plain
from movsdk.errors import BadInput
from movsdk.pci_regs import BarKind

FACTS = Facts("e1000e", (BarDecl(0, BarKind.MEM64, 1 << 14),), ((0, (1 << 28, 1 << 29)),))


def scenario(facts: Any) -> dict[str, Any]:
    return {"windows": [], "devices": [{"id": "a", "slot": "00.0", "facts": facts}]}


def test_facts_are_written_and_read_back_equal() -> None:
    """And a device without has no such key."""
    with_facts = Scenario(windows=(), devices=(EndpointSpec(id="a", facts=FACTS),))

    assert parse(to_plain(with_facts)) == with_facts
    assert "facts: {driver: e1000e, vf_bars: [{n: 0, type: mem64, size: 16K}], resizable:" in dump_scenario(with_facts)
    assert plain_facts(Facts()) == {}


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"speed": 1}, 'devices[0].facts.speed: unknown key "speed"; known: driver, resizable, vf_bars'),
        ({"vf_bars": [{"n": 6, "type": "mem64", "size": 16}]}, "devices[0].facts.vf_bars[0].n: 6 is out of range"),
        ({"vf_bars": [{"n": 0, "type": "io", "size": 16}]}, 'devices[0].facts.vf_bars[0].type: unknown value "io"'),
        ({"vf_bars": [{"n": 0, "type": "mem64", "size": 24}]}, "devices[0].facts.vf_bars[0].size: 24 is not a size"),
        ({"resizable": [{"n": 0, "sizes": [3]}]}, "devices[0].facts.resizable[0].sizes: 3 is not a size that a BAR can have"),
        ({"driver": 3}, "devices[0].facts.driver: 3 is not text"),
    ],
)
def test_what_is_no_fact_is_refused_by_its_place(facts: Any, message: str) -> None:
    """A typing error is not kept as a fact."""
    with pytest.raises(BadInput) as caught:
        parse(scenario(facts))

    assert str(caught.value).startswith(message)
