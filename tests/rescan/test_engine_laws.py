"""What holds on every machine, under every version, after every event."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from movsdk.bench.player import Outcome, Player
from movsdk.bench.scenario import Scenario
from movsdk.bench.state import bar_register_value, bridge_registers
from movsdk.kernel.device import Device
from movsdk.kernel.setup import replay
from movsdk.layout.table import UNSET, BarWrite, Resource
from movsdk.rescan.rules import by_name
from tests.strategies import machines

VERSIONS = st.sampled_from(["v9", "v5", "off"])


def numbers_are_unique(player: Player) -> bool:
    """The kernel may give overlapping bus numbers below a configured bridge; the recorder dropped such runs."""
    numbers = [bus.number for bus in player.world.system.buses()]
    return len(numbers) == len(set(numbers))


def told(player: Player) -> list[Outcome]:
    """All outcomes; the referee raises at the first invariant of ours that is broken."""
    outcomes = list(player.play())
    assume(numbers_are_unique(player))
    return outcomes


@settings(max_examples=60)
@given(machines(), VERSIONS)
def test_no_two_children_of_a_window_overlap(scenario: Scenario, rules: str) -> None:
    """And each lies inside, whatever came and went."""
    player = Player(scenario, by_name(rules))
    told(player)

    windows = list(player.world.system.root.segment.windows)
    windows += [window for device in player.world.system.devices() for window in device.row.windows]
    for window in windows:
        assert all(one.last < two.start for one, two in pairwise(window.children))
        assert window.parent is None or all(window.contains(child) for child in window.children)


@settings(max_examples=60)
@given(machines(), VERSIONS)
def test_registers_equal_the_table(scenario: Scenario, rules: str) -> None:
    """Every assigned BAR stands in its register; with the series, every window of an added bridge does too."""
    player = Player(scenario, by_name(rules))
    outcomes = told(player)

    for device in player.world.system.devices():
        for index in range(6):
            resource = device.resources[index]
            if resource.flags and resource.parent is not None and not resource.flags & UNSET:
                assert bar_register_value(device, index) == resource.start
        if rules == "v9" and device.subordinate is not None and device.row.is_added and outcomes[-1].op == "rescan":
            assert_windows(device)


def assert_windows(device: Device) -> None:
    """Registers of a bridge against its windows; what is not implemented reads as it likes."""
    shown = bridge_registers(device.config_read)
    implemented = (device.row.has_io, True, device.row.has_pref)
    for name, window, is_there in zip(("io", "mem", "pref"), device.row.windows, implemented, strict=True):
        assert not is_there or shown[name] == ([window.start, window.last] if window.flags else None)


@settings(max_examples=40)
@given(machines(), VERSIONS)
def test_replaying_the_journal_again_changes_nothing(scenario: Scenario, rules: str) -> None:
    """Writing what the table says into the registers is what the engine has done already."""
    player = Player(scenario, by_name(rules))
    told(player)
    before = {function.label: bytes(function.config.data) for function in player.world.machine}

    placed = [
        BarWrite(device.row, one.index, one.start, one.flags)
        for device in player.world.system.devices()
        for one in device.resources[:6]
        if is_placed(one) and device.config_read(0, 2) != 0xFFFF
    ]
    replay([*placed])

    assert {function.label: bytes(function.config.data) for function in player.world.machine} == before


def is_placed(resource: Resource) -> bool:
    return bool(resource.flags) and resource.parent is not None and not resource.flags & UNSET


@settings(max_examples=40)
@given(machines(), VERSIONS)
def test_the_same_story_ends_the_same_way(scenario: Scenario, rules: str) -> None:
    """No clock, no memory address, no order of a set shows in an outcome."""
    one, two = ([outcome.as_expected() for outcome in Player(scenario, by_name(rules)).play()] for _ in range(2))

    assert one == two


@settings(max_examples=40)
@given(machines(), VERSIONS)
def test_hooks_come_in_pairs(scenario: Scenario, rules: str) -> None:
    """Every prepare is followed by its done, children first on the way down and last on the way up; nobody stays paused."""
    player = Player(scenario, by_name(rules))
    for outcome in told(player):
        calls = [(hook, label) for hook, label, *_ in outcome.hooks if hook in ("prepare", "done")]
        prepared, done = ([label for hook, label in calls if hook == which] for which in ("prepare", "done"))
        assert calls == [("prepare", label) for label in prepared] + [("done", label) for label in done]
        assert sorted(prepared) == sorted(done) == sorted(set(done))
    assert not any(device.is_paused for device in player.world.system.devices())


@settings(max_examples=40)
@given(machines(), st.sampled_from(["v9", "v5"]))
def test_who_must_stay_stays_or_is_lost(scenario: Scenario, rules: str) -> None:
    """A BAR that was called fixed is at its address after the rescan, or nowhere; it never moves."""
    player = Player(scenario, by_name(rules))
    for outcome in told(player):
        fixed = {(label, bar): span for label, bar, span in outcome.report.fixed}
        elsewhere = [move for move in outcome.report.moves if (move.device, move.bar) in fixed and move.new is not None]
        assert elsewhere == []


@settings(max_examples=30)
@given(machines())
def test_without_the_series_no_placed_bar_moves(scenario: Scenario) -> None:
    """The unpatched kernel takes places away now and then, but it never moves a BAR from one place to another."""
    for outcome in told(Player(scenario, by_name("off"))):
        assert outcome.op == "hotadd" or outcome.report.moves == ()
