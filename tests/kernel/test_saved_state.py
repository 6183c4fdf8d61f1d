"""A saved configuration: what comes back is where things are now, with patch 1, or where they were."""

from __future__ import annotations

import pytest
from attrs import evolve

from movsdk.kernel.power import PowerRules
from movsdk.kernel.runtime_pm import pm_of
from movsdk.kernel.saved_state import restore_state, save_state
from movsdk.pci_regs import BASE_ADDRESS_0, COMMAND, INTERRUPT_LINE, MEMORY_BASE, PRIMARY_BUS
from movsdk.rescan.rules import RULES
from tests.kernel.sleepers import START, M, device, run, world


@pytest.mark.parametrize(
    ("power", "is_stale"),
    [
        pytest.param(PowerRules(), False, id="with patch 1"),
        pytest.param(PowerRules(restores_now=False), True, id="without"),
    ],
)
def test_a_device_that_slept_while_its_bar_moved(power: PowerRules, is_stale: bool) -> None:
    """C45: with the patch the register equals the resource; without, the saved address is back and the referee says whose."""
    made, driver = world(evolve(RULES["v9"], power=power), gap=8)
    card = device(made, "card")
    pm_of(card).allow()
    run(made, 100)
    made.engine.rescan()
    span = card.bar_span(0)
    assert span is not None
    assert span.start == START
    assert card.config_read(BASE_ADDRESS_0, 4) == START

    made.system.faults = "hardware"
    assert pm_of(card).forbid() == 0

    assert card.config_read(BASE_ADDRESS_0, 4) == (START + 8 * M if is_stale else START)
    assert card.stale_bars == ({0} if is_stale else set())
    assert driver.calls[-1] == ("resume 0xffffffff" if is_stale else "resume 0xcafe")


def test_a_second_move_heals_a_stale_register() -> None:
    """The kernel writes the register whenever it places the BAR."""
    made, _ = world(evolve(RULES["v9"], power=PowerRules(restores_now=False)), gap=8)
    card = device(made, "card")
    pm_of(card).allow()
    run(made, 100)
    made.engine.rescan()
    made.system.faults = "hardware"
    pm_of(card).forbid()
    made.engine.rescan()

    assert card.stale_bars == set()
    assert card.config_read(BASE_ADDRESS_0, 4) == START
    restore_state(card)
    assert card.config_read(BASE_ADDRESS_0, 4) == START


@pytest.mark.parametrize("restores_now", [True, False])
def test_what_did_not_move_comes_back_either_way(restores_now: bool) -> None:
    """COMMAND, numbers and windows of a bridge, and the interrupt line; once."""
    made, _ = world(evolve(RULES["v9"], power=PowerRules(restores_now=restores_now)))
    port = device(made, "p1")
    before = {offset: port.config_read(offset, 4) for offset in (COMMAND, PRIMARY_BUS, MEMORY_BASE, INTERRUPT_LINE)}
    save_state(port)
    made.machine.function("p1").reset()

    restore_state(port)
    after = {offset: port.config_read(offset, 4) for offset in before}
    made.machine.function("p1").reset()
    restore_state(port)

    assert after == before
    assert port.config_read(PRIMARY_BUS, 4) == 0
