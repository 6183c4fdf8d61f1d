"""Runtime power management: counts, autosuspend on the virtual clock, and bridges that stay awake while BARs move."""

from __future__ import annotations

import errno

import pytest
from attrs import evolve

from mockbus import Machine
from movsdk.address import Span
from movsdk.bench.world import World, make_world
from movsdk.clock import NS_PER_MS
from movsdk.kernel.pcidev import view_of
from movsdk.kernel.power import UNPATCHED, PowerRules
from movsdk.kernel.runtime_pm import hold_bridges, kept_awake, pm_of, release_bridges
from movsdk.ops import FaultKind
from movsdk.pci_regs import BASE_ADDRESS_0, MEMORY_BASE, PowerState
from movsdk.rescan.rules import RULES
from movsdk.rescan.rules.record import Rules
from tests.kernel.sleepers import START, M, device, run, states, world


# --- counts ------------------------------------------------------------------------------------------------
def test_nobody_sleeps_unless_allowed() -> None:
    """A count of 0 alone means nothing."""
    made, _ = world()
    pm = pm_of(device(made, "card"))

    pm.get_sync()
    pm.put()
    run(made, 10_000)

    assert (pm.usage, pm.is_suspended) == (0, False)


def test_the_last_user_lets_it_sleep_after_its_delay() -> None:
    """Autosuspend counts from the last use; a user in between starts it anew."""
    made, driver = world()
    pm = view_of(device(made, "card")).pm
    pm.allow(delay_ms=100)
    run(made, 60)
    pm.get_sync()
    run(made, 500)
    pm.mark_last_busy()
    pm.put()

    run(made, 99)
    before = pm.is_suspended
    run(made, 12)

    assert (before, pm.is_suspended, driver.calls) == (False, True, ["suspend 3"])


def test_a_use_wakes_the_bridges_above_first() -> None:
    """The port sleeps when the last device behind it does, and wakes before it."""
    made, driver = world()
    for label in ("p1", "card"):
        pm_of(device(made, label)).allow()
    run(made, 100)
    asleep = states(made)

    assert pm_of(device(made, "card")).get_sync() == 0
    awake = states(made)
    run(made, 1000)

    assert asleep == {"p1": "D3HOT", "card": "D3HOT", "p2": "D0"}
    assert awake == states(made) == {"p1": "D0", "card": "D0", "p2": "D0"}
    assert driver.calls == ["suspend 3", "resume 0xcafe"]


def test_a_bridge_stays_awake_for_a_child() -> None:
    """Also for one that nobody uses, if it is not allowed to sleep itself; and with ``pcie_port_pm=off`` always."""
    made, _ = world()
    off, _ = world(port_pm="off")
    for each in (made, off):
        pm_of(device(each, "p1")).allow()
        pm_of(device(each, "p2")).allow()
        run(each, 1000)

    assert states(made) == {"p1": "D0", "card": "D0", "p2": "D3HOT"}
    assert states(off) == {"p1": "D0", "card": "D0", "p2": "D0"}


def test_a_driver_may_refuse() -> None:
    """It stays awake, and is asked again when it is idle again."""
    made, driver = world()
    pm = pm_of(device(made, "card"))
    driver.busy = True
    pm.allow()
    run(made, 10)
    refused = pm.is_suspended
    driver.busy = False
    pm.get_noresume()
    pm.put()
    run(made, 20)

    assert (refused, pm.is_suspended) == (False, True)


def test_forbidding_wakes() -> None:
    """``echo on > power/control``."""
    made, _ = world()
    pm = pm_of(device(made, "card"))
    pm.allow()
    run(made, 50)

    assert pm.forbid() == 0
    run(made, 1000)

    assert not pm.is_suspended


def test_counting_without_a_change_of_state() -> None:
    """`get_noresume` does not wake, `put_noidle` does not let sleep; a pulled device cannot be woken."""
    made, _ = world()
    pm = pm_of(device(made, "card"))
    pm.allow()
    run(made, 50)
    pm.get_noresume()
    asleep = (pm.usage, pm.is_suspended)
    made.machine.unplug("card")
    rc = pm.get_sync()
    pm.put_noidle()
    pm.put_noidle()

    assert (asleep, rc, pm.usage, pm.is_suspended) == ((1, True), -errno.EIO, 0, True)


# --- D3cold -----------------------------------------------------------------------------------------------------
def test_a_bridge_in_d3cold_takes_everything_below_along() -> None:
    """Nobody answers below it; waking takes 100 ms for the link, restores windows and numbers, and then wakes the children."""
    made, driver = world()
    pm_of(device(made, "card")).allow()
    pm_of(device(made, "p1")).allow(deepest=PowerState.D3COLD)
    run(made, 100)
    cold, vendor = states(made), made.system.ops.config_read(1, 0, 0, 2)
    began = made.system.ops.clock.now

    rc = pm_of(device(made, "card")).get_sync()

    assert cold == {"p1": "D3COLD", "card": "D3COLD", "p2": "D0"}
    assert (rc, vendor) == (0, 0xFFFF)
    assert made.system.ops.clock.now - began == 200 * NS_PER_MS
    assert states(made)["card"] == "D0"
    assert driver.calls == ["suspend 3", "resume 0xcafe"]


def test_the_children_of_a_woken_bridge_wake_when_time_passes() -> None:
    """``pci_wakeup_bus()``: to give them a chance to sleep again."""
    made, driver = world()
    pm_of(device(made, "card")).allow(delay_ms=5000)
    pm_of(device(made, "p1")).allow(deepest=PowerState.D3COLD)
    run(made, 5100)

    pm_of(device(made, "p1")).get_sync()
    at_once = states(made)["card"]
    run(made, 200)

    assert (at_once, states(made)["card"], driver.calls[-1]) == ("D3COLD", "D0", "resume 0xcafe")


# --- a rescan ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("rules", ["v2", "v5", "v9"])
def test_bridges_are_awake_from_prepare_to_done(rules: str) -> None:
    """Patch 20 (observables 11 and 12): held, though their delay runs out in the middle; let go afterwards, and asleep again."""
    made, driver = world(rules, gap=8)
    for label in ("p1", "p2"):
        pm_of(device(made, label)).allow(delay_ms=100)
    during: dict[str, dict[str, str]] = {}

    def look(step: str) -> None:
        during[step] = states(made)

    made.engine.before_step = look
    made.engine.rescan()
    counts = [pm_of(device(made, label)).usage for label in ("p1", "p2")]
    run(made, 1000)

    assert driver.calls == ["prepare", "done"]
    assert {step: found["p2"] for step, found in during.items()}["attempts"] == "D0"
    assert (counts, states(made)["p2"]) == ([0, 0], "D3HOT")


def asleep_then_rescanned(rules: str | Rules) -> World:
    """The second port sleeps; a card is put behind it by hand, and somebody rescans. The first card takes a second to stop."""
    made, _ = world(rules, gap=8)
    pm_of(device(made, "p2")).allow(delay_ms=100)
    run(made, 1000)
    assert states(made)["p2"] == "D3HOT"
    made.machine.plug("late")
    made.engine.rescan()
    return made


def test_v9_wakes_a_sleeping_bridge_and_saves_its_new_windows() -> None:
    """What would be restored later is what was programmed now."""
    made = asleep_then_rescanned("v9")
    port, late = device(made, "p2"), device(made, "late")
    span = late.bar_span(0)
    assert span is not None

    assert late.config_read(BASE_ADDRESS_0, 4) == span.start
    assert port.saved_config is not None
    assert port.saved_config[MEMORY_BASE] == port.config_read(MEMORY_BASE, 4) == span.start >> 16 | span.start & 0xFFF0_0000
    assert pm_of(port).usage == 0


@pytest.mark.parametrize(("power", "lost"), [(PowerRules(), 0), (UNPATCHED, 1)], ids=["with patch 20", "without"])
def test_a_bar_that_moves_behind_a_sleeping_bridge(power: PowerRules, lost: int) -> None:
    """Without the patch the scan wakes the bridge for itself only; it sleeps again before registers behind it are written."""
    made, _ = world(evolve(RULES["v9"], power=power), gap=8)
    for label in ("card", "p1"):
        pm_of(device(made, label)).allow()
    run(made, 100)
    made.engine.before_step = lambda step: run(made, 1) if step == "attempts" else None
    faults = len(made.machine.fabric.faults)

    made.engine.rescan()

    kinds = {fault.kind for fault in made.machine.fabric.faults[faults:]}
    assert (FaultKind.ASLEEP in kinds) is bool(lost)


def test_v5_wakes_only_what_cuts_config_space_off() -> None:
    """``pci_config_pm_runtime_get()``: D3hot stays, D3cold is woken."""
    made, _ = world("v5")
    ports = device(made, "p1"), device(made, "p2")
    pm_of(device(made, "card")).allow()
    for port, deepest in zip(ports, (PowerState.D3COLD, PowerState.D3HOT), strict=True):
        pm_of(port).allow(deepest=deepest)
    run(made, 100)

    held = hold_bridges(made.system)
    during = states(made)
    release_bridges(made.system)

    assert held == list(ports)
    assert (during["p1"], during["p2"]) == ("D0", "D3HOT")
    assert [pm_of(port).usage for port in ports] == [0, 0]


@pytest.mark.parametrize(("rules", "count"), [("v5", -1), ("v9", 0)])
def test_the_count_of_a_bridge_that_the_rescan_found(rules: str, count: int) -> None:
    """v5 lets go of what it never held; v9 asks whether the bridge is new."""
    machine = Machine([("mem", Span(START, START + 64 * M - 1))])
    machine.add_bridge("port", slot="01.0", present=False)
    made = make_world(machine, [("mem", Span(START, START + 64 * M - 1))], RULES[rules])
    made.engine.boot()
    machine.plug("port")

    made.engine.rescan()

    assert pm_of(device(made, "port")).usage == count


def test_an_unpatched_kernel_holds_nobody() -> None:
    """Its rescan only wakes each bridge while it looks behind it."""
    made, _ = world("off")

    assert hold_bridges(made.system) == []
    release_bridges(made.system)

    assert device(made, "p1").saved_config is None


def test_the_scan_keeps_a_bridge_awake_while_it_looks() -> None:
    """``pci_scan_bridge_extend()``: something plugged behind a sleeping bridge is found by hand."""
    made, _ = world("off")
    port = device(made, "p2")
    pm_of(port).allow()
    run(made, 100)
    asleep = states(made)["p2"]
    made.machine.plug("late")

    made.engine.rescan()
    with kept_awake(port):
        inside = pm_of(port).usage

    assert (asleep, inside, pm_of(port).usage) == ("D3HOT", 1, 0)
    assert made.find("late") is not None
