"""The judge on BAR registers that hold something else than the kernel believes, by nobody's bug, and on consoles left behind."""

from __future__ import annotations

import pytest

from movsdk import Bench
from movsdk.bench.player import Player
from movsdk.bench.scenario import EventSpec
from movsdk.bench.scenario_schema import parse
from movsdk.errors import InvariantBroken
from movsdk.layout.table import PCI_FIXED
from movsdk.pci_regs import PowerState
from movsdk.rescan.rules import by_name
from tests.bench.test_referee import device, judged, three_cards, wrong_register


def test_a_card_that_came_back_unnoticed_is_a_finding() -> None:
    """C43, and nobody's bug: its BAR is as at power-on until a rescan writes it anew."""
    table = three_cards()
    outcomes = [table.step(EventSpec(*event)) for event in (("unplug", "a"), ("plug", "a"), ("hotadd", "hp"), ("rescan",))]

    before, after = ([str(finding) for finding in outcome.findings] for outcome in outcomes if outcome is not None)

    assert "C43 a: pulled and put back unnoticed: BAR 0 holds 0x0, the kernel believes [0x80000000-0x800fffff]" in before
    assert not [line for line in after if line.startswith("C43")]


def test_a_sleeper_without_power_that_was_changed_is_a_finding() -> None:
    """Whom the kernel believes in D3cold answers nothing anyhow: that another card came in meanwhile is found when it does."""
    table = three_cards()
    table.step(EventSpec("suspend", "a", state=PowerState.D3COLD))
    for op in ("unplug", "plug"):
        table.step(EventSpec(op, "a"))

    told = [str(finding) for finding in judged(table)]

    assert "C43 a: pulled and put back unnoticed: BAR 0 holds 0x0, the kernel believes [0x80000000-0x800fffff]" in told


def test_a_pin_that_the_kernel_forgot_is_a_finding() -> None:
    """E04: the platform's mark excuses a register; a mark of the rules (v2, patch 7) does not."""
    table = three_cards()
    wrong_register(table)
    device(table, "a").resources[0].flags |= PCI_FIXED

    told = [str(finding) for finding in judged(table)]

    assert "E04 a: pinned: BAR 0 holds 0x80700000, the kernel believes [0x80000000-0x800fffff]" in told
    device(table, "a").row.pinned = 1
    with pytest.raises(InvariantBroken):
        judged(table)


# --- consoles ---------------------------------------------------------------------------------------------------
def lit_machine(rules: str = "v9", driver: str = "movable") -> Player:
    """A display of 1 MiB, lit by firmware, below a port with room to move; a big card comes to the port before it."""
    value = {
        "format": 1,
        "windows": [{"type": "mem", "start": 0x8000_0000, "last": 0x807F_FFFF}],
        "devices": [
            {"id": "early", "slot": "01.0", "kind": "bridge", "hotplug": True},
            {"id": "port", "slot": "02.0", "kind": "bridge", "hotplug": True},
            {
                "id": "screen",
                "on": "port",
                "slot": "00.0",
                "driver": driver,
                "bars": [{"n": 0, "type": "mem32", "size": "1M"}],
                "lit": 0,
            },
            {"id": "big", "on": "early", "slot": "00.0", "bars": [{"n": 0, "type": "mem32", "size": "4M"}], "present": False},
        ],
        "events": [{"op": "boot"}, {"op": "plug", "id": "big"}, {"op": "hotadd", "id": "early"}],
    }
    return Player(parse(value, "lit"), by_name(rules))


def test_a_console_whose_bar_has_moved_is_a_finding() -> None:
    """C27: the display was lit by firmware, its driver did not take it over and let it move; told where it draws now."""
    boot, hotadd = lit_machine().play()

    assert [finding.rule for finding in boot.findings] == []
    (told,) = [str(finding) for finding in hotadd.findings if finding.rule == "C27"]
    assert told.startswith("C27 screen: efifb, the console on the display that firmware lit, draws at 0x80")
    assert "where BAR 0 was; it is at [0x80" in told


def test_a_console_whose_bar_stays_is_none() -> None:
    """A driver without the hooks keeps the BAR where it is."""
    assert [finding.rule for outcome in lit_machine(driver="fixed").play() for finding in outcome.findings] == []


def test_a_driver_that_takes_the_display_over_has_no_console() -> None:
    """The reference driver of the gpu does; it says so in the log."""
    from drivers.gpu.driver import Gpu
    from drivers.gpu.model import GpuModel

    bench = Bench()
    with bench.lit_by_firmware(bar=2):
        dev = bench.plug(Gpu, GpuModel)

    assert bench.world.system.framebuffers == []
    assert any("gpu: display taken over from efifb" in event.text for event in bench.trace.events)
    bench.force_move(dev, bar=2)
    assert [finding.rule for finding in bench.referee.findings] == []
