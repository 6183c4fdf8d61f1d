"""The exported dmesg: today's wording, in the order in which the machine went, and nothing that did not happen."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from movsdk.bench.exporters.kernel_log import KernelLog
from movsdk.bench.sysfs.stage import Stage, staged
from movsdk.layout.table import UNSET
from movsdk.layout.wording import resource_text
from tests.bench.exporters.machines import NAMES, scenario_of

_MACHINE = """
windows:
  - {type: io, start: 0x1000, last: 0xffff}
  - {type: mem, start: 0x80000000, last: 0x8fffffff}
  - {type: pref64, start: 0x400000000, last: 0x4ffffffff}
reserve: {io: 0, mem: 0, pref: 0}
devices:
  - {id: port, slot: "02.0", kind: bridge, pcie: root-port, hotplug: true, io: false,
     firmware: {bus: [0, 1, 3], mem: [0x80000000, 0x800fffff]}}
  - {id: card, on: port, slot: "00.0", class: 0x010802, vendor: 0x1b36, device: 0x10, present: false,
     bars: [{n: 0, type: mem64, size: 16K}, {n: 2, type: pref64, size: 64M}, {n: 6, type: rom, size: 64K}]}
  - {id: huge, slot: "05.0", class: 0x030000, bars: [{n: 0, type: mem32, size: 1G}, {n: 1, type: io, size: 32}]}
events: [{op: boot}, {op: plug, id: card}, {op: hotadd, id: port}]
"""


def dmesg(path: Path | str, rules: str | None = None) -> tuple[str, Stage]:
    """The log without its time stamps, and the machine it tells of."""
    log = KernelLog()
    stage = staged(path, rules, watch=log.watch)
    lines = log.text().splitlines()
    assert all(re.match(r"\[ {0,4}\d+\.\d{6}\] \S", line) for line in lines)
    return "".join(line[15:] + "\n" for line in lines), stage


def test_every_kind_of_line(tmp_path: Path) -> None:
    """Apertures, headers, BARs as firmware left them, bridges, what was assigned, what failed, and what each bus has."""
    (tmp_path / "machine.yaml").write_text(_MACHINE)
    text, _ = dmesg(tmp_path / "machine.yaml", "off")
    boot, hotadd = text.split("pci 0000:01:00.0: [1b36:0010]")
    assert boot.splitlines() == [
        "PCI host bridge to bus 0000:00",
        "pci_bus 0000:00: root bus resource [io  0x1000-0xffff window]",
        "pci_bus 0000:00: root bus resource [mem 0x80000000-0x8fffffff window]",
        "pci_bus 0000:00: root bus resource [mem 0x400000000-0x4ffffffff 64bit pref window]",
        "pci_bus 0000:00: root bus resource [bus 00-ff]",
        "pci 0000:00:02.0: [1b36:000c] type 01 class 0x060400 PCIe Root Port",
        "pci 0000:00:02.0: PCI bridge to [bus 01-03]",
        "pci 0000:00:02.0:   bridge window [mem 0x80000000-0x800fffff]",
        "pci 0000:00:02.0:   bridge window [mem 0x00000000-0x000fffff 64bit pref]",
        "pci 0000:00:05.0: [6d76:0003] type 00 class 0x030000 conventional PCI endpoint",
        "pci 0000:00:05.0: BAR 0 [mem 0x00000000-0x3fffffff]",
        "pci 0000:00:05.0: BAR 1 [io  0x0000-0x001f]",
        "pci 0000:00:05.0: BAR 0 [mem size 0x40000000]: can't assign; no space",
        "pci 0000:00:05.0: BAR 0 [mem size 0x40000000]: failed to assign",
        "pci 0000:00:05.0: BAR 1 [io  0x1000-0x101f]: assigned",
        "pci 0000:00:02.0: PCI bridge to [bus 01-03]",
        "pci 0000:00:02.0:   bridge window [mem 0x80000000-0x800fffff]",
        "pci_bus 0000:00: resource 4 [io  0x1000-0xffff window]",
        "pci_bus 0000:00: resource 5 [mem 0x80000000-0x8fffffff window]",
        "pci_bus 0000:00: resource 6 [mem 0x400000000-0x4ffffffff 64bit pref window]",
        "pci_bus 0000:01: resource 1 [mem 0x80000000-0x800fffff]",
    ]
    assert hotadd.splitlines()[:4] == [
        " type 00 class 0x010802 conventional PCI endpoint",
        "pci 0000:01:00.0: BAR 0 [mem 0x00000000-0x00003fff 64bit]",
        "pci 0000:01:00.0: BAR 2 [mem 0x00000000-0x03ffffff 64bit pref]",
        "pci 0000:01:00.0: ROM [mem 0x00000000-0x0000ffff pref]",
    ]
    assert "pci 0000:01:00.0: BAR 2 [mem 0x400000000-0x403ffffff 64bit pref]: assigned\n" in hotadd
    assert hotadd.endswith("pci 0000:00:02.0:   bridge window [mem 0x400000000-0x403ffffff 64bit pref]\n")


@pytest.mark.parametrize("name", NAMES)
def test_the_last_word_on_each_bar_is_where_it_is(name: str) -> None:
    """Of every machine: each function that was found has its header line, and the last line that gives a BAR a place tells
    where the kernel has it now, unless the kernel gave it up without a word or moved a whole window."""
    text, stage = dmesg(scenario_of(name))
    for device in stage.world.system.devices():
        assert re.search(rf"^pci {device.bdf}: \[{device.vendor:04x}:{device.device_id:04x}\] type", text, re.MULTILINE), device
        for resource in device.resources[:6]:
            if not resource.flags or resource.flags & UNSET or resource.parent is None:
                continue
            said = re.findall(rf"^[\w-]+ {device.bdf}: BAR {resource.index} (\[.*?\])(?:$|: assigned)", text, re.MULTILINE)
            assert said[-1] == resource_text(resource.flags, resource.start, resource.size, has_place=True)


@pytest.mark.parametrize("name", ["nested-docks", "powernv-closed-chain", "z370-i350-vf"])
def test_watching_changes_nothing(name: str) -> None:
    """The machine goes the same way, also where the kernel believes no windows; what is exported contains the model's own log."""
    path = scenario_of(name)
    text, watched = dmesg(path)
    alone = staged(path).world
    here = [(d.label, r.index, r.start, r.last, r.flags) for d in watched.world.system.devices() for r in d.resources]
    assert here == [(d.label, r.index, r.start, r.last, r.flags) for d in alone.system.devices() for r in d.resources]
    told = [event.text for event in alone.system.trace.events if event.what.value == "log"]
    rest = iter(text.splitlines())
    assert told
    assert all(line in rest for line in told), "in the same order"


def test_a_line_begins_with_the_driver_once_there_is_one() -> None:
    """``pci`` while a device is found, the driver's name from its probe on, as ``dev_driver_string()``; ports say pcieport."""
    log, _ = dmesg(scenario_of("f1-working-bar-moves"))
    dock, _ = dmesg(scenario_of("user-01-rtx2070-sonnet"))

    assert "pci 0000:01:00.0: BAR 0 [mem 0xe0000000-0xe0003fff]\n" in log
    assert "nvme 0000:01:00.0: BAR 0 [mem 0xe0200000-0xe0203fff]: assigned\n" in log
    assert "pci 0000:04:00.0: [" in dock
    assert "pcieport 0000:04:00.0: enabling device (0000 -> 000" in dock
