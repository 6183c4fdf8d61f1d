"""The exported QEMU machine, in a real QEMU: it starts, has the same bridges, and takes every hot-plug event."""

from __future__ import annotations

import ast
import json
import subprocess
from pathlib import Path

import pytest
from attrs import evolve

from movsdk.bench import gallery
from movsdk.bench.exporters.qemu import command_text, export_qemu, script_text
from movsdk.bench.exporters.qemu_plan import make_plan
from movsdk.bench.exporters.qemu_stock import STOCK
from movsdk.bench.scenario import ROOT, Scenario
from movsdk.bench.scenario_file import load
from movsdk.errors import BadInput
from tests.bench.exporters.qemus import needs_qemu, started


def scenario(folder: Path, text: str) -> Scenario:
    """A scenario of YAML text."""
    (folder / "machine.yaml").write_text("windows: [{type: mem, start: 0x80000000, last: 0x8fffffff}]\n" + text)
    return load(folder / "machine.yaml")[0].scenario


# Every kind of bridge, a multi-function card, a name that QEMU would take for a property, comings and goings.
EVERYTHING = """
name: every "kind" of bridge
about: |
  It's $HOME `here`
devices:
  - {id: port, kind: bridge, slot: "01.0", pcie: root-port, hotplug: true}
  - {id: up, kind: bridge, on: port, slot: "00.0", pcie: upstream}
  - {id: "down,1", kind: bridge, on: up, slot: "00.0", pcie: downstream, hotplug: true}
  - {id: down2, kind: bridge, on: up, slot: "01.0", pcie: downstream}
  - {id: old, kind: bridge, slot: "02.0", prefetchable: null}
  - {id: card0, on: old, slot: "03.0", bars: [{n: 0, type: mem32, size: 1M}]}
  - {id: card1, on: old, slot: "03.1", bars: [{n: 0, type: mem64, size: 16K}]}
  - {id: onroot, slot: "03.0", present: false, bars: [{n: 0, type: mem32, size: 4K}]}
  - {id: late, on: "down,1", slot: "00.0", present: false, bars: [{n: 0, type: pref64, size: 64M}]}
  - {id: dock, kind: bridge, on: down2, slot: "00.0", pcie: upstream, present: false}
  - {id: inner, kind: bridge, on: dock, slot: "00.0", pcie: downstream, present: false}
  - {id: disk, on: inner, slot: "00.0", present: false, bars: [{n: 0, type: mem64, size: 16K}]}
  - {id: q35s, slot: "1f.0", bars: [{n: 0, type: io, size: 32}]}
events:
  - {op: boot}
  - {op: plug, id: late}
  - {op: hotadd, id: "down,1"}
  - {op: plug, id: dock}
  - {op: plug, id: onroot}
  - {op: rescan}
  - {op: remove, id: card0}
  - {op: wait, ms: 5}
"""


@needs_qemu
@pytest.mark.parametrize("name", gallery.names())
def test_every_machine_of_the_gallery_starts_and_replays(tmp_path: Path, name: str) -> None:
    """A real QEMU takes the command line and each command of the script; what is there afterwards is what was planned."""
    case = gallery.load(name).scenario
    export_qemu(case, tmp_path / "qemu")
    plan = make_plan(case)

    with started(tmp_path / "qemu") as qemu:
        before = set(qemu.tree())
        replayed = qemu.replay()
        after = set(qemu.tree())

    assert (replayed.returncode, replayed.stderr) == (0, "")
    assert before == {part.name for part in plan.cold}
    added = {command["arguments"]["id"] for step in plan.steps for command in step.commands if command["execute"] == "device_add"}
    removed = {name for step in plan.steps for name in step.leave}  # some bridges wait for a guest to let go, some do not
    assert (before | added) - removed <= after <= before | added


@needs_qemu
def test_bridges_and_bars_are_those_of_the_scenario(tmp_path: Path) -> None:
    """Each device hangs where it hung, under the nearest bridge, with the BARs that the table of devices promises."""
    case = scenario(tmp_path, EVERYTHING)
    export_qemu(case, tmp_path / "qemu")
    with started(tmp_path / "qemu") as qemu:
        assert qemu.replay().stderr == ""
        tree = qemu.tree()
        on_root = {entry["qdev_id"]: (entry["slot"], entry["function"]) for entry in qemu.ask("query-pci")[0]["devices"]}

    above = {name: (driver, parent) for name, (driver, parent, _) in tree.items()}
    assert above == {
        "d-port": ("pcie-root-port", ""),
        "d-up": ("x3130-upstream", "d-port"),
        "d-down-1": ("xio3130-downstream", "d-up"),
        "d-down2": ("xio3130-downstream", "d-up"),
        "d-old": ("pci-bridge", ""),
        "d-card0": ("edu", "d-old"),
        "d-card1": ("nvme", "d-old"),
        "d-onroot": ("usb-ehci", ""),
        "d-late": ("pci-testdev", "d-down-1"),
        "d-dock": ("pci-bridge", "d-down2"),
        "d-inner": ("pci-bridge", "d-dock"),
        "d-disk": ("nvme", "d-inner"),
        "d-q35s": ("piix3-usb-uhci", ""),
    }
    assert ("mem", 64 << 20) in tree["d-late"][2]
    assert tree["d-card0"][2] == [("mem", 1 << 20)]
    assert tree["d-card1"][2] == [("mem", 16 << 10)]
    wanted = {f"d-{spec.id}": spec.slot for spec in case.devices if spec.on == ROOT and spec.id != "q35s"}
    assert {name: f"{slot:02x}.{number}" for name, (slot, number) in on_root.items() if name in wanted} == wanted


@needs_qemu
def test_the_table_of_devices_is_qemus(tmp_path: Path) -> None:
    """Each device that may stand for another has, in a real QEMU, the BARs that the table says: sizes, memory or ports."""
    devices = "".join(
        f"  - {{id: port{n}, slot: '{n + 1:02x}.0', kind: bridge, pcie: root-port, hotplug: true}}\n" for n in range(len(STOCK))
    )
    case = scenario(tmp_path, f"devices:\n{devices}")
    export_qemu(case, tmp_path / "qemu")
    with started(tmp_path / "qemu") as qemu:
        for number, stock in enumerate(STOCK):
            memory = {"memdev": f"d{number}-mem"} if stock.backend else {}
            if stock.backend:
                qemu.ask("object-add", **{"qom-type": "memory-backend-ram", "id": f"d{number}-mem", "size": stock.backend})
            qemu.ask("device_add", driver=stock.driver, id=f"d{number}", bus=f"d-port{number}", **stock.options, **memory)
        tree = qemu.tree()
    for number, stock in enumerate(STOCK):
        driver, _, bars = tree[f"d{number}"]
        assert driver == stock.driver
        assert sorted(bars) == sorted(("i/o" if kind.is_io else "mem", size) for kind, size in stock.bars), driver


def test_what_is_not_as_it_was_is_said(tmp_path: Path) -> None:
    """Each limit of QEMU's by the device that it concerns; a machine of stock devices has none."""
    assert set(make_plan(scenario(tmp_path, EVERYTHING)).deviations) == {
        "old: has an I/O window and a 64-bit prefetchable one",
        "old: has a hot-plug slot, because QEMU adds and removes devices in slots only",
        "onroot: there from the start; nothing can be hot-added to the root bus",
        "late: pci-testdev has mem32 4K, io 256, pref64 64M; wanted is pref64 64M",
        "down2: has a hot-plug slot, because QEMU adds and removes devices in slots only",
        "dock: pci-bridge instead of an upstream port",
        "dock: has a hot-plug slot, because QEMU adds and removes devices in slots only",
        "inner: at 01.0 instead of 00.0; the slots of pci-bridge begin with 1",
        "inner: pci-bridge instead of a downstream port",
        "inner: has a hot-plug slot, because QEMU adds and removes devices in slots only",
        "disk: at 01.0 instead of 00.0; the slots of pci-bridge begin with 1",
        "q35s: at 04.0 instead of 1f.0; q35 has its own device there",
    }
    port = "{id: a, slot: '01.0', kind: bridge, pcie: root-port, hotplug: true}"
    exact = f"devices: [{port}, {{id: b, on: a, slot: '00.0', bars: [{{n: 0, type: mem32, size: 1M}}]}}]"
    assert make_plan(scenario(tmp_path, exact)).deviations == ()


def test_events_become_steps(tmp_path: Path) -> None:
    """Additions parents first, removals from the top; what only the guest can do is said."""
    steps = make_plan(scenario(tmp_path, EVERYTHING)).steps
    did = [(step.title, [f"{c['execute']} {c['arguments']['id']}" for c in step.commands], step.note) for step in steps]
    assert did == [
        ("plug late", ["device_add d-late"], ""),
        ("hotadd down,1", [], "the guest does this by itself when a card is added"),
        (
            "plug dock, plug onroot",
            ["device_add d-dock", "device_add d-inner", "device_add d-disk"],
            "not all of it: ports, and what is on the root bus, stay; see the deviations",
        ),
        ("rescan", [], "in the guest: echo 1 > /sys/bus/pci/rescan"),
        ("remove card0", ["device_del d-card0"], ""),
        ("wait", [], "wait"),
    ]
    assert steps[4].leave == ("d-card0",)


def test_what_hangs_from_a_port_goes_when_the_port_goes(tmp_path: Path) -> None:
    """QEMU keeps its ports: the event is played on what is below them."""
    text = """
devices:
  - {id: port, slot: "01.0", kind: bridge, pcie: root-port, hotplug: true}
  - {id: up, on: port, slot: "00.0", kind: bridge, pcie: upstream}
  - {id: down, on: up, slot: "00.0", kind: bridge, pcie: downstream}
  - {id: card, on: down, slot: "00.0"}
events: [{op: boot}, {op: remove, id: up}]
"""
    (step,) = make_plan(scenario(tmp_path, text)).steps
    assert [command["arguments"]["id"] for command in step.commands] == ["d-card"]
    assert step.leave == ("d-card",)
    assert step.note.startswith("not all of it")


def test_functions_are_added_with_the_first_one_last(tmp_path: Path) -> None:
    """Function 0 is what tells the guest that a card is there."""
    text = """
devices:
  - {id: port, slot: "01.0", kind: bridge, pcie: root-port, hotplug: true}
  - {id: f0, on: port, slot: "00.0", present: false}
  - {id: f1, on: port, slot: "00.1", present: false}
events: [{op: boot}, {op: plug, id: f0}, {op: plug, id: f1}, {op: hotadd, id: port}, {op: remove, id: f0}]
"""
    steps = make_plan(scenario(tmp_path, text)).steps
    assert [command["arguments"]["id"] for command in steps[0].commands] == ["d-f1", "d-f0"]
    assert steps[0].commands[1]["arguments"]["multifunction"] is True


def test_hostile_text_stays_a_comment(tmp_path: Path) -> None:
    """Names and remarks cannot become shell or Python."""
    case = evolve(
        scenario(tmp_path, 'devices: [{id: "$(reboot)", slot: "01.0"}]'), name='x"""\nos.system(1)', about="a\nrm -rf /\r b"
    )
    plan = make_plan(case)

    shell = command_text(case, plan)
    head = shell.split('here=$(cd "$(dirname "$0")" && pwd)')[0]
    assert all(not line or line.startswith("#") for line in head.splitlines())
    assert "id=d---reboot-," in shell
    assert subprocess.run(["sh", "-n"], input=shell, text=True, check=False).returncode == 0
    ast.parse(script_text(case, plan))
    (steps,) = [node for node in ast.walk(ast.parse(script_text(case, plan))) if isinstance(node, ast.Assign)][:1]
    assert isinstance(steps.value, ast.Call)
    assert json.loads(ast.literal_eval(steps.value.args[0])) == []


def test_only_a_new_folder_is_written(tmp_path: Path) -> None:
    """What is there stays; both files or none."""
    (tmp_path / "mine").write_text("x")
    with pytest.raises(BadInput, match="is not empty; name a new folder"):
        export_qemu(gallery.load("f4-window-too-small").scenario, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
