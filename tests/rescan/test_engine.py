"""The events of a machine's life, and the rescan transaction."""

from __future__ import annotations

import errno

import pytest

from movsdk.bench.player import Player
from movsdk.bench.scenario import EventSpec
from movsdk.errors import InvariantBroken
from movsdk.kernel.device import Device
from movsdk.rescan.report import RescanReport
from movsdk.trace import What
from tests.rescan.stories import B, M, card, late, places, played, player, port

BOTH = pytest.mark.parametrize("rules", ["v9", "v5"])
ALL = pytest.mark.parametrize("rules", ["v9", "v5", "off"])


def report_of(table: Player, op: str, device: str | None = None) -> RescanReport:
    """What one more event came to."""
    outcome = table.step(EventSpec(op, device))
    assert outcome is not None
    return outcome.report


# --- the transaction -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("rules", "steps"),
    [
        pytest.param("v9", "wake pause ranges scan release attempts bridges resume bind", id="v9"),
        pytest.param("v5", "wake pause scan ranges release attempts bridges resume bind", id="v5: ranges after the scan"),
        pytest.param("off", "", id="off: none"),
    ],
)
@pytest.mark.parametrize("event", ["rescan", "hotadd hp"])
def test_the_steps_of_a_rescan(rules: str, steps: str, event: str) -> None:
    """Numbered in the timeline, in the order of the rules; a tester hears of each before it happens."""
    table = player(rules, port(), card("a"), late(card("b", slot="01.0")), events="boot")
    list(table.play())
    table.world.machine.plug("b")
    heard: list[str] = []
    table.world.engine.before_step = heard.append

    report = report_of(table, *event.split())

    told = [entry.text for entry in report.timeline if entry.what is What.STEP]
    assert (heard, told) == (steps.split(), [f"{number} {name}" for number, name in enumerate(steps.split(), 1)])


@BOTH
def test_drivers_are_paused_while_anything_moves(rules: str) -> None:
    """No register of a BAR or window is written before the last prepare or after the first done."""
    table, _ = played(rules, port(), card("a"), card("b", slot="01.0"), late(card("new", 4 * M, slot="02.0")))
    table.world.machine.plug("new")

    timeline = report_of(table, "hotadd", "hp").timeline

    hooks = [index for index, entry in enumerate(timeline) if entry.what is What.HOOK]
    prepares = [index for index in hooks if timeline[index].text == "rescan_prepare"]
    dones = [index for index in hooks if timeline[index].text == "rescan_done"]
    writes = [index for index, entry in enumerate(timeline) if entry.what is What.WRITE]
    assert (len(prepares), len(dones)) == (2, 2)
    assert max(prepares) < min(writes)
    assert max(writes) < min(dones)
    assert timeline[hooks[-1]].text.startswith("probe")  # newcomers last of all


@ALL
def test_the_rescan_lock_is_held_during_an_event(rules: str) -> None:
    """And given back, also if something breaks inside."""
    table, _ = played(rules, port(), card("a"), late(card("b", slot="01.0")), late(card("c", slot="02.0")))
    system, seen = table.world.system, list[bool]()
    system.hook_observer = lambda _hook, _device, _rc: seen.append(system.rescan_locked)
    table.world.machine.plug("b")
    report_of(table, "hotadd", "hp")
    assert seen
    assert all(seen)
    assert not system.rescan_locked

    def break_it(_hook: str, device: Device, _rc: str | None) -> None:
        raise InvariantBroken(f"{device} broken on purpose")

    system.hook_observer = break_it
    table.world.machine.plug("c")
    with pytest.raises(InvariantBroken):
        report_of(table, "hotadd", "hp")
    assert not system.rescan_locked


@BOTH
def test_a_mapping_is_stale_before_the_driver_wakes(rules: str) -> None:
    """By the time of `rescan_done` the generation of a moved BAR has changed; that of others has not."""
    table, _ = played(rules, port(), card("a"), card("b", slot="01.0"), late(card("new", 4 * M, slot="02.0")))
    table.world.machine.plug("new")
    devices = {label: table.world.find(label) for label in ("a", "b")}
    seen: dict[str, list[int]] = {}
    table.world.system.hook_observer = lambda hook, device, _rc: (
        seen.update({device.label: list(device.generation)}) if hook == "rescan_done" else None
    )

    report = report_of(table, "hotadd", "hp")

    moved = {move.device for move in report.moves}
    assert moved
    assert {label for label, generation in seen.items() if generation[0]} == moved
    assert all(devices[label] is not None for label in seen)


def test_moves_and_losses_are_reported() -> None:
    """Old and new place of each BAR that is elsewhere; None for one that has none any more."""
    table, _ = played("v9", port(), card("a"), late(card("new", 4 * M, slot="01.0")))
    table.world.machine.plug("new")

    report = report_of(table, "hotadd", "hp")

    assert [str(move) for move in report.moves] == ["a BAR 0: [0x80000000-0x800fffff] -> [0x80400000-0x804fffff]"]
    assert (report.lost, report.found, report.paused) == ((), ("new",), ("a",))
    told = [entry.text for entry in report.timeline if entry.what is What.MOVE]
    assert told == ["BAR 0: [0x80000000-0x800fffff] -> [0x80400000-0x804fffff]"]


def test_attempts_are_logged_in_the_kernels_words() -> None:
    """A place is `assigned`; none is `can't assign; no space` and `failed to assign`."""
    table, _ = played("v9", port(), card("a"), late(card("new", 128 * M, slot="01.0")))
    table.world.machine.plug("new")

    report = report_of(table, "hotadd", "hp")

    log = [entry.text for entry in report.timeline if entry.what is What.LOG]
    assert "pci 0000:00:01.0: bridge window [mem size 0x0c000000]: can't assign; no space" in log
    assert "pci 0000:01:01.0: BAR 0 [mem size 0x08000000]: can't assign; no space" in log
    assert "pci 0000:01:01.0: BAR 0 [mem size 0x08000000]: failed to assign" in log
    assert log.count("movable 0000:01:00.0: BAR 0 [mem 0x80000000-0x800fffff]: assigned") == 1


def test_when_nobody_is_left_to_give_up_the_rescan_ends() -> None:
    """The log says so, and the state stays as the last attempt left it."""
    table, _ = played("v9", port(), card("a", 32 * M))
    table.world.system.root.segment.windows[0].last -= 48 * M  # the host bridge has less to give than at boot

    outcome = table.step(EventSpec("rescan"))

    assert outcome is not None
    assert [attempt.is_accepted for attempt in outcome.report.attempts] == [False, False, False]
    assert places(outcome) == {"a:0": None}
    log = [entry.text for entry in outcome.report.timeline if entry.what is What.LOG]
    assert "pci_bus 0000:00: BAR assignment failed, no newcomer left to give up" in log


# --- boot ------------------------------------------------------------------------------------------------
@ALL
def test_boot_binds_last_and_by_driver(rules: str) -> None:
    """Drivers register when everything has its place: movable, fixed, portlike, mixed, each in the order of discovery."""
    devices = [card(name, slot=f"{n:02x}.0", driver=driver) for n, (name, driver) in enumerate(KINDS)]
    _, (boot,) = played(rules, port(), *devices)

    assert boot.hooks == [["probe", name, "rc=0"] for name in ("b", "d", "a", "e", "c", "f")]
    assert (boot.report.paused, boot.boot_rescan) == ((), False)


KINDS = [("a", "fixed"), ("b", "movable"), ("c", "portlike"), ("d", "movable"), ("e", "fixed"), ("f", "mixed")]


@pytest.mark.parametrize(
    ("rules", "boot_rescan", "attempts"),
    [
        pytest.param("v9", True, 4, id="v9: a rescan follows"),
        pytest.param("v5", False, 1, id="v5: one attempt"),
        pytest.param("off", False, 0, id="off: one try"),
    ],
)
def test_a_boot_that_finds_no_place_for_all(rules: str, boot_rescan: bool, attempts: int) -> None:
    """Only v9 tries again at once; nobody is bound yet, so nobody is paused and no newcomer can be given up."""
    _, (boot,) = played(rules, port(), card("a"), card("big", 128 * M, slot="01.0"))

    assert (boot.boot_rescan, len(boot.report.attempts), boot.report.paused) == (boot_rescan, attempts, ())
    assert boot.report.given_up == ()


def test_firmware_values_are_kept_at_boot() -> None:
    """What can be claimed is not assigned anew."""
    bars = [{"n": 0, "type": "mem32", "size": M, "firmware": B + 5 * M}]
    _, (boot,) = played("v9", card("a", on="root", bars=bars), card("b", on="root", slot="01.0"))

    assert places(boot) == {"a:0": B + 5 * M, "b:0": B}


# --- hot-add and rescan ----------------------------------------------------------------------------------
@ALL
@pytest.mark.parametrize(
    ("event", "rc"),
    [
        pytest.param(("hotadd", "hp"), -errno.ENODEV, id="nothing new"),
        pytest.param(("hotadd", "empty"), -errno.ENODEV, id="nothing there"),
        pytest.param(("hotadd", "a"), -errno.ENODEV, id="no bridge"),
        pytest.param(("hotadd", "late"), -errno.ENODEV, id="nobody the kernel knows"),
        pytest.param(("rescan", None), 0, id="a rescan by hand"),
        pytest.param(("remove", "late"), 0, id="removing nobody"),
    ],
)
def test_return_codes(rules: str, event: tuple[str, str | None], rc: int) -> None:
    """A hot-add that finds nothing is ENODEV, and pauses nobody."""
    table, _ = played(rules, port(), port("empty", "02.0"), card("a"), late(card("late", slot="01.0")))

    report = report_of(table, *event)

    assert report.rc == rc
    assert rc == 0 or (report.paused, report.attempts) == ((), ())


@BOTH
def test_who_was_found_elsewhere_waits_for_a_rescan_from_the_root(rules: str) -> None:
    """A hot-add scans the whole domain but binds only what is below its bridge; the others keep counting as new."""
    table, _ = played(rules, port("p1"), port("p2", "02.0"), late(card("here", on="p1")), late(card("there", on="p2")))
    for label in ("here", "there"):
        table.world.machine.plug(label)

    report_of(table, "hotadd", "p1")
    there = table.world.find("there")
    assert there is not None
    assert (there.row.is_added, there.driver, there.bar_span(0) is not None) == (False, None, True)

    report_of(table, "rescan")
    assert (there.row.is_added, str(there.driver)) == (True, "movable")
