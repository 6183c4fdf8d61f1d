"""Observables of kernel-facts §4 about bridges: who is opened first, who is awake, and how far a slot's word reaches.

docs/reference/observables.md names the test of each of the 64.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from itertools import pairwise
from typing import Any

import pytest
from attrs import define, field

from mockbus.fabric import Fabric
from movsdk import points
from movsdk.kernel.runtime_pm import pm_of
from movsdk.pci_regs import COMMAND
from movsdk.rescan.rules import RULES
from tests.kernel.sleepers import device, run, states, world
from tests.rescan.stories import B, M, card, late, played, player, port
from tests.scenarios.stage import entry, place

SERIES = ("v9", "v5", "v2")
IO, MEMORY, MASTER = 1, 2, 4
LOCKDEP_SUBCLASSES = 8


@define(eq=False)
class CommandOps:
    """The fabric, and each COMMAND that was written: (bus, devfn) -> values in order; `order` of all writes."""

    fabric: Fabric
    order: list[tuple[int, int]] = field(factory=list)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.fabric, name)

    def config_write(self, bus: int, devfn: int, offset: int, size: int, value: int) -> None:
        """Pass it on; note the bus of whom it opens."""
        if offset == COMMAND and size == 2:
            opened = value & ~self.fabric.config_read(bus, devfn, COMMAND, 2) & (IO | MEMORY | MASTER)
            self.order += [(bus, bit) for bit in (IO, MEMORY, MASTER) if opened & bit]
        self.fabric.config_write(bus, devfn, offset, size, value)


@pytest.mark.parametrize("rules", SERIES)
def test_a_chain_of_ports_is_opened_from_above(rules: str) -> None:
    """Observable 43: memory, I/O where the newcomer has ports, and bus mastering, on each port before the one below it."""
    bars = [{"n": 0, "type": "mem32", "size": M}, {"n": 1, "type": "io", "size": 256}]
    buses = [{"bus": [number, number + 1, 3]} for number in range(3)]
    table = player(
        rules,
        port("top", io=True, firmware=buses[0]),
        port("mid", on="top", slot="00.0", io=True, firmware=buses[1]),
        port("hp", on="mid", slot="00.0", io=True, firmware=buses[2]),
        late(card("new", on="hp", bars=bars)),
        windows=[{"type": "io", "start": 0x1000, "last": 0xFFFF}, {"type": "mem", "start": B, "last": B + 64 * M - 1}],
        events="boot, plug new, hotadd hp",
    )
    *first, hotadd = table.scenario.events
    for event in first:
        table.step(event)
    ops = table.world.system.ops = CommandOps(table.world.machine.fabric)
    outcome = table.step(hotadd)

    assert outcome is not None
    for bit in (IO, MEMORY, MASTER):
        opened = [bus for bus, what in ops.order if what == bit and bus < 3]
        assert opened == sorted(opened), bit
    ports = [entry(outcome, label)["command"] & (IO | MEMORY | MASTER) for label in ("top", "mid", "hp")]
    assert ports == [IO | MEMORY | MASTER] * 3
    assert [bus for bus, what in ops.order if what == MEMORY] == [0, 1, 2, 3]
    assert entry(outcome, "new")["command"] & (IO | MEMORY) == IO | MEMORY


@pytest.mark.parametrize(("rules", "moved"), [*((rules, ["old"]) for rules in SERIES), ("off", [])])
def test_the_word_of_a_slot_moves_cards_behind_other_ports(rules: str, moved: list[str]) -> None:
    """Observable 58: a link event below one root port is a rescan of the domain; unpatched it stays below that port."""
    express: dict[str, Any] = {"pcie": "root-port"}
    _, outcomes = played(
        rules,
        port("rp0", **express),
        card("old", on="rp0"),
        port("rp1", slot="02.0", **express),
        late(card("new", 2 * M, on="rp1")),
        events="boot, plug new, link rp1",
    )
    boot, link = outcomes

    assert [move.device for move in link.report.moves] == moved
    assert link.report.paused == tuple(moved)
    assert place(boot, "old") == (B, M)
    assert place(link, "old") == ((B + 2 * M, M) if moved else (B, M))
    assert link.report.found == ("new",)


def test_a_sleeping_bridge_is_awake_at_every_step_from_pause_to_resume() -> None:
    """Observable 12: v9 wakes it first and lets it go last, however long the drivers take; nobody wakes the endpoint."""
    made, _ = world("v9", gap=8)
    pm_of(device(made, "p2")).allow(delay_ms=100)
    run(made, 1000)
    seen: dict[str, str] = {}

    def look(step: str) -> None:
        run(made, 200)  # more than its delay
        seen[step] = states(made)["p2"]

    look("before")
    made.engine.before_step = look
    made.engine.rescan()

    moves = RULES["v9"].moves
    assert moves is not None
    awake = moves.order[moves.order.index("wake") + 1 : moves.order.index("resume") + 1]
    assert {seen[step] for step in awake} == {"D0"}
    assert (seen["before"], seen["wake"]) == ("D3HOT", "D3HOT")
    run(made, 1000)
    assert (states(made)["p2"], pm_of(device(made, "p2")).usage) == ("D3HOT", 0)


def nesting(rules: str, bridges: int) -> int:
    """How many enable mutexes are held at once when a card is hot-added below a chain of so many bridges that nobody enabled."""
    names = ["root", *(f"p{number}" for number in range(bridges))]
    chain = [
        port(name, on=on, slot="00.0", firmware={"bus": [number, number + 1, bridges]})
        for number, (on, name) in enumerate(pairwise(names))
    ]
    table = player(rules, *chain, late(card("new", on=names[-1])), events=f"boot, plug new, hotadd {names[-1]}")
    *first, hotadd = table.scenario.events
    for event in first:
        table.step(event)
    held: list[int] = [0]

    def listen(label: str, reads: Iterable[Hashable], writes: Iterable[Hashable], guard: Callable[[], bool] | None) -> None:
        if label.endswith(".enable_mutex") and not label.startswith(("lock new", "unlock new")):
            held.append(held[-1] + (1 if label.startswith("lock ") else -1))

    before = points.install(listen)
    try:
        table.step(hotadd)
    finally:
        points.install(before)
    assert held[-1] == 0
    return max(held)


@pytest.mark.parametrize(("bridges", "overflows"), [(1, False), (LOCKDEP_SUBCLASSES, False), (LOCKDEP_SUBCLASSES + 1, True)])
@pytest.mark.parametrize("rules", ["v9", "v5"])
def test_a_deep_chain_needs_more_subclasses_than_lockdep_has(rules: str, bridges: int, overflows: bool) -> None:
    """Observable 48: a bridge's mutex is taken as many levels deep as bridges are above it, and all are held at once."""
    assert nesting(rules, bridges) == bridges
    assert (nesting(rules, bridges) > LOCKDEP_SUBCLASSES) is overflows
