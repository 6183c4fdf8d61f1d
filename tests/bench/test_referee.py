"""The judge: our invariants raise, the kernel's promises become findings."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from movsdk.bench.player import Player
from movsdk.bench.referee import Finding, Referee
from movsdk.bench.scenario import EventSpec
from movsdk.errors import InvariantBroken
from movsdk.kernel.device import Device
from movsdk.layout.table import UNSET
from movsdk.rescan.report import RescanReport
from movsdk.trace import BarMove, Event, What
from tests.rescan.stories import B, M, card, late, played, port

REPORT = RescanReport("rescan", "v9", 0)


def three_cards(rules: str = "v9") -> Player:
    """A port with three cards of 1 MiB, from B on, booted: movable, movable, fixed."""
    return played(rules, port(), card("a"), card("b", slot="01.0"), card("f", slot="02.0", driver="fixed"))[0]


def device(table: Player, label: str) -> Device:
    found = table.world.find(label)
    assert found is not None
    return found


def judged(table: Player, report: RescanReport = REPORT) -> list[Finding]:
    return Referee(table.world).check(report)


def test_a_settled_machine_is_in_order() -> None:
    """Nothing broken, nothing found."""
    assert judged(three_cards()) == []


# --- invariants ------------------------------------------------------------------------------------------
def count_below_zero(table: Player) -> None:
    device(table, "a").row.enable_cnt = -1


def still_paused(table: Player) -> None:
    device(table, "a").is_paused = True


def wrong_register(table: Player) -> None:
    table.world.machine.function("a").config_write(0x10, 4, B + 7 * M)


def unknown_to_its_parent(table: Player) -> None:
    bar = device(table, "a").resources[0]
    assert bar.parent is not None
    bar.parent.children.remove(bar)


def outside_its_window(table: Player) -> None:
    window = device(table, "hp").row.windows[1]
    window.last -= M


def on_its_neighbour(table: Player) -> None:
    device(table, "a").resources[0].last += M


@pytest.mark.parametrize(
    ("spoil", "breach"),
    [
        pytest.param(count_below_zero, "a (0000:01:00.0): enable count is -1", id="count"),
        pytest.param(still_paused, "a (0000:01:00.0): still paused", id="pause"),
        pytest.param(
            wrong_register,
            "a (0000:01:00.0): memory BAR 0 register holds 0x80700000, the kernel believes 0x80000000",
            id="register",
        ),
        pytest.param(unknown_to_its_parent, "a (0000:01:00.0): resource 0 has a parent that does not know it", id="tree"),
        pytest.param(on_its_neighbour, "a (0000:01:00.0): resource 0 overlaps its neighbour in the table", id="overlap"),
    ],
)
def test_a_broken_invariant_is_our_bug(spoil: Callable[[Player], None], breach: str) -> None:
    """It raises, names object and values, and asks for the scenario."""
    table = three_cards()
    spoil(table)

    with pytest.raises(InvariantBroken) as caught:
        judged(table)

    assert str(caught.value) == f"after rescan with rules v9: {breach}; please report this with the scenario"


@pytest.mark.parametrize("excuse", ["pulled", "unset", "detached"])
def test_registers_count_where_the_kernel_believes_in_them(excuse: str) -> None:
    """Not of a card that is gone, nor of a BAR without a place."""
    table = three_cards()
    wrong_register(table)
    bar = device(table, "a").resources[0]
    if excuse == "pulled":
        table.world.machine.unplug("a")
    if excuse == "unset":
        bar.flags |= UNSET
    if excuse == "detached":
        bar.detach()

    assert [finding for finding in judged(table) if finding.rule == "E03"] == []


PREPARE, DONE = "rescan_prepare", "rescan_done"


@pytest.mark.parametrize(
    ("calls", "pauses", "is_broken"),
    [
        pytest.param([PREPARE, DONE], 1, False, id="as it should be"),
        pytest.param([], 1, False, id="nobody told"),
        pytest.param([PREPARE, DONE, PREPARE, DONE], 2, False, id="two pauses in one event"),
        pytest.param([PREPARE], 1, True, id="no done"),
        pytest.param([DONE], 1, True, id="no prepare"),
        pytest.param([DONE, PREPARE], 1, True, id="the wrong way round"),
        pytest.param([PREPARE, DONE, DONE], 1, True, id="done twice"),
        pytest.param([PREPARE, PREPARE, DONE], 1, True, id="prepare twice"),
        pytest.param([PREPARE, DONE, PREPARE, DONE], 1, True, id="twice in one pause"),
    ],
)
def test_hooks_come_in_pairs(calls: list[str], pauses: int, is_broken: bool) -> None:
    """Once a pause, prepare before done."""
    table = three_cards()
    timeline = [Event(0, What.STEP, "kernel", "2 pause") for _ in range(pauses)]
    timeline += [Event(0, What.HOOK, "a", text) for text in calls]
    report = RescanReport("rescan", "v9", 0, timeline=tuple(timeline))

    if is_broken:
        with pytest.raises(InvariantBroken, match=r"a: heard rescan_\w+.* in one rescan, expected rescan_prepare, rescan_done"):
            judged(table, report)
    else:
        assert judged(table, report) == []


def test_who_is_bound_between_two_pauses_hears_the_second() -> None:
    """A slot event may be several rescans; a driver that came with the first of them missed nothing."""
    table = three_cards()
    pause = Event(0, What.STEP, "kernel", "2 pause")
    told = [Event(0, What.HOOK, "a", text) for text in ("probe by movable: rc=0", PREPARE, DONE)]
    once = RescanReport("link", "v9", 0, timeline=(pause, told[0], pause, *told[1:]))
    missed = RescanReport("link", "v9", 0, timeline=(pause, told[0], pause, pause, *told[1:]))

    assert judged(table, once) == []
    with pytest.raises(InvariantBroken, match=r"a: heard rescan_prepare, rescan_done in one link, expected .* 2 times"):
        judged(table, missed)


# --- promises --------------------------------------------------------------------------------------------
def lost(label: str) -> RescanReport:
    table = three_cards()
    span = device(table, "a").bar_span(0)
    assert span is not None
    return RescanReport("rescan", "v9", 0, moves=(BarMove(label, 0, span, None),))


def test_a_working_bar_that_is_lost_is_a_finding() -> None:
    """E03 names driver, BAR and old place; the run goes on."""
    (finding,) = judged(three_cards(), lost("a"))

    assert str(finding) == (
        "E03 a: bound to movable, lost BAR 0 at [0x80000000-0x800fffff]: its bridge was re-assigned without asking the driver"
    )


def test_an_unbound_device_may_lose_its_bar() -> None:
    """Nobody used it."""
    table = three_cards()
    device(table, "a").driver = None

    assert judged(table, lost("a")) == []


def decode_over(table: Player, label: str, address: int) -> None:
    """Let a card answer somewhere else, and the kernel not care."""
    table.world.machine.function(label).config_write(0x10, 4, address)
    device(table, label).resources[0].flags |= UNSET


def test_two_live_decoders_are_a_finding() -> None:
    """E01, once for each pair, judged by silicon: both decode, every bridge on the way passes the address."""
    table = three_cards()
    decode_over(table, "b", B)

    assert [str(finding) for finding in judged(table) if finding.rule == "E01"] == [
        "E01 a: two live decoders at mem 0x80000000: a BAR 0 and b BAR 0"
    ]


@pytest.mark.parametrize("spoil", ["decode off", "window closed", "other address"])
def test_who_is_not_reached_collides_with_nobody(spoil: str) -> None:
    """A register alone is no decoder."""
    table = three_cards()
    decode_over(table, "b", B + 8 * M if spoil == "other address" else B)
    if spoil == "decode off":
        table.world.machine.function("b").config_write(4, 2, 0)
    if spoil == "window closed":
        table.world.machine.function("hp").config_write(0x20, 4, 0x0000_FFF0)

    assert [finding for finding in judged(table) if finding.rule == "E01"] == []


def test_a_bound_device_that_nothing_reaches_is_a_finding() -> None:
    """E02 for the device, and for the bridge whose registers are not what the kernel believes."""
    table = three_cards()
    table.world.machine.function("hp").config_write(0x20, 4, 0x0000_FFF0)

    assert [str(finding) for finding in judged(table)] == [
        "E02 a: bound, but no access to BAR 0 at 0x80000000 arrives: a bridge above does not pass it",
        "E02 b: bound, but no access to BAR 0 at 0x80100000 arrives: a bridge above does not pass it",
        "E02 f: bound, but no access to BAR 0 at 0x80200000 arrives: a bridge above does not pass it",
        "E02 hp: mem window is closed in its registers, the kernel believes [0x80000000-0x802fffff]",
    ]


def test_who_turned_its_decode_off_is_not_looked_for() -> None:
    """A driver may have done so."""
    table = three_cards()
    table.world.machine.function("a").config_write(4, 2, 0)

    assert judged(table) == []


def test_a_window_elsewhere_is_shown_with_both_ranges() -> None:
    """What registers say and what the kernel believes."""
    table = three_cards()
    table.world.machine.function("hp").config_write(0x20, 4, 0x8030_8000)

    (finding,) = judged(table)
    assert finding.text == "mem window is [0x80000000-0x803fffff] in its registers, the kernel believes [0x80000000-0x802fffff]"


def test_a_resource_outside_its_window_is_a_finding() -> None:
    """E02: the tables of recorded kernels may come to this, by mainline's hot-add and by subtractive bridges under v5."""
    table = three_cards()
    outside_its_window(table)

    told = [str(finding) for finding in judged(table)]

    assert "E02 f: resource 0 is at [0x80200000-0x802fffff], the kernel counts it to a window at [0x80000000-0x801fffff]" in told


def test_who_was_given_up_is_a_finding() -> None:
    """E12: it stays visible, without its BARs."""
    (finding,) = judged(three_cards(), RescanReport("hotadd", "v9", 0, given_up=("new",)))

    assert str(finding) == "E12 new: given up: with its BARs a device that worked before would have lost its own"


def test_findings_add_up() -> None:
    """`findings` grows with every event, `check` returns the new ones."""
    table = three_cards()
    referee = Referee(table.world)

    first, second = referee.check(lost("a")), referee.check(lost("b"))

    assert (len(first), len(second), referee.findings) == (1, 1, first + second)


def test_recorded_losses_name_their_cause() -> None:
    """With the series an attempt went wrong; without it nobody was asked."""
    devices = [port(), card("a"), late(card("new", 64 * M, slot="01.0"))]
    for rules, cause in (("v9", "given up"), ("off", "its bridge was re-assigned without asking the driver")):
        table, _ = played(rules, *devices)
        table.world.machine.plug("new")
        outcome = table.step(EventSpec("hotadd", "hp"))
        assert outcome is not None
        assert outcome.findings
        assert all(cause in finding.text for finding in outcome.findings)
