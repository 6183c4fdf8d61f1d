"""Experiments with a card that comes: 5 room, 6 theft, 9 reserves, 16 a closed bridge, 17 a slot event, 18 a drive in the way.

Twin: the reason of the series, in its cover letter.
"""

from __future__ import annotations

from typing import Final

from movsdk.bench.experiments.experiment import NO_PLACE, Experiment, Run, Seen, played
from movsdk.kernel.pcidev import view_of
from movsdk.pci_regs import COMMAND, COMMAND_MEMORY
from movsdk.rescan.rules.record import Rules

_MEM_WINDOW: Final = 8
EDU_ID: Final = 0x0100_00ED  # the first register of the teaching device


def _room(rules: Rules) -> Seen:
    run = played("05-room.yaml", rules)
    return _fits(run, "old", "other")


def _slot_event(rules: Rules) -> Seen:
    run = played("17-slot-event.yaml", rules)
    paused = ", ".join(run.last.report.paused) or "nobody"
    seen = _fits(run, "old", "other")
    return Seen((*seen.facts, ("paused by the event", paused)), seen.is_kept)


def _fits(run: Run, *others: str) -> Seen:
    """The newcomer has a place, and so have the others."""
    labels = ("new", *others)
    return Seen(tuple(run.place(label) for label in labels), all(run.span(label) for label in labels))


def _theft(rules: Rules) -> Seen:
    run = played("06-theft.yaml", rules)
    facts = (run.place("old"), run.driver("old"), run.place("new"), run.driver("new"))
    return Seen(facts, run.span("old") is not None)


def _reserves(rules: Rules) -> Seen:
    run = played("09-reserves.yaml", rules)
    facts = (*(run.place(label, _MEM_WINDOW) for label in ("empty1", "empty2", "b")), run.place("new"))
    return Seen(facts, run.span("new") is not None)


def _closed_bridge(rules: Rules) -> Seen:
    run = played("16-closed-bridge.yaml", rules)
    port, new = run.find("a"), run.find("new")
    if port is None or new is None or new.driver is None:
        return Seen((run.place("new"), run.driver("new")), False)
    is_open = bool(port.config_read(COMMAND, 2) & COMMAND_MEMORY)
    value = view_of(new).iomap(0).readl(0)
    facts = (
        run.place("new"),
        run.driver("new"),
        ("port a passes memory", "yes" if is_open else "no"),
        ("new reads", f"{value:#010x}"),
    )
    return Seen(facts, value == EDU_ID)


def _nvme(rules: Rules) -> Seen:
    run = played("18-nvme.yaml", rules)
    move = next((f"{move.old} -> {move.new or NO_PLACE}" for move in run.last.report.moves if move.device == "disk"), "stays")
    requests = run.last.io[0].partition(": ")[2].partition(" requests")[0] if run.last.io else "0"
    broken = str(len(run.last.breaches.broken))
    is_clean = not run.last.breaches.broken
    return Seen(
        (run.place("new"), ("disk BAR 0", move), ("requests, lost", f"{requests}, {broken}")),
        run.span("new") is not None and is_clean,
    )


NEWCOMERS: Final = (
    Experiment(5, "A 4 MiB card comes to a port with 1 MiB; there is room, but in pieces.", _room, "05-room.yaml"),
    Experiment(6, "A card wants all the space there is; half of it belongs to a working device.", _theft, "06-theft.yaml"),
    Experiment(9, "A 1 MiB card comes to 5 MiB, of which empty hot-plug ports claim four.", _reserves, "09-reserves.yaml"),
    Experiment(16, "A card comes to a port that was enabled with nothing behind it.", _closed_bridge, "16-closed-bridge.yaml"),
    Experiment(17, "A slot reports a card that fits only if other ports make room.", _slot_event, "17-slot-event.yaml"),
    Experiment(18, "A card fits only if a busy NVMe drive lets its BAR move.", _nvme, "18-nvme.yaml"),
)
