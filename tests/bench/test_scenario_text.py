"""Scenarios written and read back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from movsdk.address import Span
from movsdk.bench.scenario import (
    Aperture,
    BarDecl,
    BridgeFirmware,
    BridgeSpec,
    EndpointSpec,
    EventSpec,
    FunctionSpec,
    Load,
    RamRange,
    Reserved,
    Scenario,
)
from movsdk.bench.scenario_schema import parse
from movsdk.bench.scenario_text import dump_scenario, quoted
from movsdk.bench.yaml_text import read_yaml
from movsdk.layout.table import Reserve
from movsdk.pci_regs import BarKind, PcieType

FULL = Scenario(
    name="all of it",
    about="two\nlines: and é odd ones",
    domain=3,
    windows=(Aperture("io", Span(0, 0xCF7)), Aperture("pref64", Span(0x100000000, 0x8FFFFFFFF))),
    reserve=Reserve(io=0, mem=1 << 20, pref=3, buses=8),
    min_mem=0x200000,
    min_io=0x2000,
    ram=(RamRange(Span(0, 0xFFF), "PCI MMCONFIG 0000 [bus 00-ff]"), RamRange(Span(0x1000, 0x1FFF))),
    reserved=(Reserved("io", Span(0x3F8, 0x3FF), "serial"), Reserved("mem", Span(0x100000000, 0x100000FFF))),
    devices=(
        BridgeSpec(
            id="02:01.0",
            slot="01.0",
            hotplug=True,
            prefetchable=None,
            io=False,
            pcie=PcieType.DOWNSTREAM,
            driver="port",
            vendor=0x104C,
            bars=(BarDecl(0, BarKind.MEM32, 4096, 0xFEA00000),),
            firmware=BridgeFirmware(bus=(0, 1, 4), io=(0x1000, 0), mem=(0, 0xFFFFF), pref=(1 << 40, 2 << 40)),
        ),
        EndpointSpec(
            id="on",
            on="02:01.0",
            present=False,
            class_code=0x030000,
            device=1,
            revision=2,
            subsystem=(3, 4),
            driver="../mine.py:Driver",
            model="pkg.mod:Model",
            fixed_bars=(1, 2),
            pci_fixed=(0,),
            load=Load(1, 2, 512),
            bars=(BarDecl(0, BarKind.PREF64, 64 << 30), BarDecl(6, BarKind.ROM, 2048)),
        ),
        EndpointSpec(id="x", slot="02.0", config=b"\x36\x1b\x10".ljust(4096, b"\0")),
    ),
    events=(EventSpec("boot"), EventSpec("plug", "on"), EventSpec("io", "on", Load(5, 0, 4096)), EventSpec("hotadd", "02:01.0")),
)

names = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=12).filter(lambda name: name != "root")
bars = st.builds(
    BarDecl,
    st.just(0),
    st.sampled_from([BarKind.MEM32, BarKind.PREF64]),
    st.integers(4, 31).map(lambda order: 1 << order),
    st.none() | st.integers(0, 0xFFFFFFFF),
)
endpoints = st.builds(
    EndpointSpec,
    id=names,
    present=st.booleans(),
    class_code=st.none() | st.integers(0, 0xFFFFFF),
    bars=st.lists(bars, max_size=1).map(tuple),
    load=st.none() | st.builds(Load, st.integers(0, 99), st.integers(0, 99), st.integers(1, 1 << 20)),
)


def read_back(text: str, style: str) -> Scenario:
    value: Any = json.loads(text) if style == "json" else read_yaml(text, "x.yaml")[0]
    return parse(value, "x")


@pytest.mark.parametrize("style", ["yaml", "json"])
def test_every_key_reads_back_equal(style: str) -> None:
    """What `movsdk import -o` writes is what it imported."""
    assert read_back(dump_scenario(FULL, style), style) == FULL


@given(st.lists(endpoints, max_size=4, unique_by=lambda spec: spec.id), st.sampled_from(["yaml", "json"]), names)
def test_any_scenario_reads_back_equal(specs: list[EndpointSpec], style: str, name: str) -> None:
    """Whatever the names: quotes, colons, words that YAML takes for something else."""
    devices: tuple[FunctionSpec, ...] = tuple(
        EndpointSpec(
            **{field: getattr(spec, field) for field in ("id", "present", "class_code", "bars", "load")}, slot=f"{n:02x}.0"
        )
        for n, spec in enumerate(specs)
    )
    scenario = Scenario(name=name, windows=(), devices=devices)

    assert read_back(dump_scenario(scenario, style), style) == scenario


def test_yaml_is_written_for_people() -> None:
    """Addresses in hex, sizes with units, one BAR a line, config bytes as rows."""
    text = dump_scenario(FULL)

    assert "  - {type: io, start: 0x0, last: 0xcf7}\n" in text
    assert "      - {n: 0, type: pref64, size: 64G}\n" in text
    assert "    config:\n      size: 4096\n      0x00: 36 1b 10 00" in text
    assert '  - {op: hotadd, id: "02:01.0"}\n' in text


@pytest.mark.parametrize(
    "text", ["on", "No", "null", "1", "0x1", "01.0", "a: b", "# c", "-", "'", '"', "\\", "é", "[", "a,b", " a"]
)
def test_what_another_reader_could_mistake_is_quoted(text: str) -> None:
    """The file means the same to every YAML reader."""
    import yaml

    assert quoted(text).startswith('"')
    assert yaml.safe_load(quoted(text)) == text
