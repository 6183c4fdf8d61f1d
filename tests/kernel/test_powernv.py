"""POWER8: segments, a PE for each bus, the address cache of EEH, and the crash that patch 19 prevents."""

from __future__ import annotations

import pytest
from attrs import evolve

from movsdk.bench.player import Outcome, Player
from movsdk.bench.scenario import Scenario
from movsdk.bench.scenario_schema import parse
from movsdk.kernel.powernv import EEH_CACHE, RENEWS_PES, SKIPS_UNSET, Phb, segment_granules, segment_size
from movsdk.layout.table import IO, MEM, MEM_64, PREF, Resource
from movsdk.rescan.rules import RULES
from movsdk.rescan.rules.record import Rules

M, G = 1 << 20, 1 << 30
M32 = Resource(0, None, 0x8000_0000, 0xFFFF_FFFF, MEM)
M64 = Resource(1, None, 0x3B_0000_0000, 0x3B_0000_0000 + 64 * G - 1, MEM | PREF | MEM_64)
SEG32, SEG64 = 8 * M, 256 * M


def scenario(**changes: object) -> Scenario:
    """Two ports with a card each; a third card comes to the second port, a fourth to an empty third one."""
    ports = [{"id": f"p{n}", "slot": f"0{n}.0", "kind": "bridge", "hotplug": True, "io": False} for n in (1, 2, 3)]
    bars = [{"n": 0, "type": "mem32", "size": "1M"}, {"n": 2, "type": "pref64", "size": "16M"}]
    cards = [{"id": f"c{n}", "on": f"p{n}", "slot": "00.0", "driver": "movable", "bars": bars} for n in (1, 2)]
    late = {"on": "p1", "slot": "01.0", "driver": "movable", "present": False, "bars": [{"n": 0, "type": "mem32", "size": "16M"}]}
    plain = {
        "platform": "powernv",
        "reserve": {"io": 0, "mem": 0, "pref": 0},
        "windows": [
            {"type": "mem", "start": M32.start, "last": M32.last},
            {"type": "pref64", "start": M64.start, "last": M64.last},
        ],
        "devices": [*ports, *cards, {"id": "late", **late}, {"id": "big", **late, "on": "p3"} | {"slot": "00.0"}],
        **changes,
    }
    return parse(plain)


def play(rules: str | Rules = "v5", **changes: object) -> tuple[Player, list[Outcome], Phb]:
    """Everything that happened, and the books of the host bridge."""
    player = Player(scenario(**changes), RULES[rules] if isinstance(rules, str) else rules)
    outcomes = list(player.play())
    phb = player.world.system.arch
    assert isinstance(phb, Phb)
    return player, outcomes, phb


def pes(player: Player, phb: Phb) -> dict[str, int]:
    """PE of the bus behind each bridge."""
    return {bus.bridge.label if bus.bridge is not None else "root": pe for bus, pe in phb.pes.items()}


def spans(player: Player, bar: int = 0) -> dict[str, int]:
    """Where BAR `bar` of each card is."""
    found = {device.label: device.bar_span(bar) for device in player.world.system.devices()}
    return {label: span.start for label, span in found.items() if span is not None}


HOT = [{"op": "boot"}, {"op": "plug", "id": "late"}, {"op": "hotadd", "id": "p1"}]
with_patches = {name: evolve(RULES["v5"], arch=frozenset(words)) for name, words in {
    "v2": [SKIPS_UNSET], "v5": [SKIPS_UNSET, EEH_CACHE], "v6": [SKIPS_UNSET, EEH_CACHE, RENEWS_PES], "none": [],
}.items()}  # fmt: skip


# --- segments ---------------------------------------------------------------------------------------------
def test_an_aperture_has_256_segments() -> None:
    """2 GiB of M32 make 8 MiB each (Vesnin), 64 GiB of M64 make 256 MiB."""
    assert [segment_size(aperture) for aperture in (M32, M64)] == [SEG32, SEG64]
    assert segment_granules([M32, M64]) == (0x1000, SEG32, SEG64)
    assert segment_granules([Resource(0, None, 0, 16 * M - 1, IO)]) == (0x1_0000, M, M)


def test_windows_are_as_coarse_as_segments() -> None:
    """Each bus has its own segments: the second card lies a whole segment behind the first."""
    player, _, phb = play(events=[{"op": "boot"}])

    assert spans(player) == {"c1": M32.start, "c2": M32.start + SEG32}
    assert spans(player, 2) == {"c1": M64.start, "c2": M64.start + SEG64}
    assert phb.misled() == []


def test_a_pe_is_the_64_bit_segment_or_a_free_number() -> None:
    """M64: segment i is PE i. Else the highest that is free; the root bus, without a BAR, takes the first."""
    player, _, phb = play(events=[{"op": "boot"}, {"op": "plug", "id": "big"}, {"op": "hotadd", "id": "p3"}])

    assert pes(player, phb) == {"root": 255, "p1": 0, "p2": 1, "p3": 254}
    owners = phb.segments[0].owners
    # The newcomer has the largest alignment and goes to the bottom; its PE is made then, the others keep what they had.
    assert owners[0] == owners[1] == 254


# --- what moves -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("patches", "is_misled"), [("v5", True), ("v6", False)])
def test_pes_follow_the_bars_only_if_they_are_renewed(patches: str, is_misled: bool) -> None:
    """v5 keeps a PE with the segments it had: after a move an error in one BAR freezes somebody else (v6 23)."""
    player, _, phb = play(with_patches[patches], events=HOT)

    assert spans(player)["c2"] != M32.start + SEG32
    assert bool(phb.misled()) is is_misled
    assert set(pes(player, phb)) == {"root", "p1", "p2"}


@pytest.mark.parametrize(("patches", "is_stale"), [("v2", True), ("v5", False)])
def test_eeh_blames_the_right_device_only_if_its_cache_follows(patches: str, is_stale: bool) -> None:
    """v5 18 takes each device out when it is quiet and puts it back before it resumes (observable 64)."""
    player, _, phb = play(with_patches[patches], events=HOT)

    place = spans(player)["c2"]
    found = phb.eeh.find(place)
    assert bool(phb.eeh.stale()) is is_stale
    assert (found is not None and found.label == "c2") is not is_stale
    newcomer = phb.eeh.find(spans(player)["late"])
    assert is_stale or (newcomer is not None and newcomer.label == "late")


def test_a_removed_card_takes_its_pe_and_its_entries_along() -> None:
    """The last device on a bus."""
    player, _, phb = play(events=[{"op": "boot"}, {"op": "remove", "id": "c2"}])

    assert set(pes(player, phb)) == {"root", "p1"}
    assert 1 not in phb.segments[0].owners
    assert phb.eeh.find(M32.start + SEG32) is None
    first = phb.eeh.find(M32.start)
    assert first is not None
    assert first.label == "c1"


# --- the crash ------------------------------------------------------------------------------------------------------
TOO_BIG = {
    "devices": [
        {"id": "p", "slot": "01.0", "kind": "bridge", "hotplug": True, "io": False},
        {"id": "c", "on": "p", "slot": "00.0", "driver": "movable", "present": False, "bars": [
            {"n": 0, "type": "mem32", "size": "1M"}, {"n": 1, "type": "mem32", "size": "2G"}]},
    ],
    "events": [{"op": "boot"}, {"op": "plug", "id": "c"}, {"op": "hotadd", "id": "p"}],
}  # fmt: skip


def test_an_unset_bar_crashes_the_kernel_without_patch_19() -> None:
    """Its address is 0, far below the aperture: a store beyond the segment table. Recorded, a finding, and the model goes on."""
    _, outcomes, phb = play(with_patches["none"], **TOO_BIG)

    text = (
        "BAR {} at 0x0 is in no aperture (it is unset): mapping it to PE#fe writes beyond the segment table, "
        "and the kernel crashes (patch 19 leaves unset BARs out)"
    )
    assert [str(crash) for crash in phb.crashes] == [f"c: {text.format(bar)}" for bar in (0, 1)]
    assert outcomes[-1].report.crashes == tuple(phb.crashes)
    assert [str(finding) for finding in outcomes[-1].findings] == [f"P19 {crash}" for crash in phb.crashes]
    assert outcomes[-1].breaches.broken == ()


@pytest.mark.parametrize("rules", ["v2", "v5", "v9", "off"])
def test_it_lives_with_patch_19_or_without_movable_bars(rules: str) -> None:
    """v2 and v5 skip the BAR; v9 is off on this platform, and an unpatched kernel has wiped it."""
    _, outcomes, phb = play(rules, cmdline="pcie_movable_bars=force", **TOO_BIG)

    assert phb.crashes == []
    assert outcomes[-1].findings == ()


def test_v9_moves_nothing_here() -> None:
    """The feature is off (v7 on); the newcomer takes what its port has left."""
    player, outcomes, _ = play("v9", events=HOT)

    assert not player.world.system.can_move_bars
    assert outcomes[-1].hooks == [["probe", "late", "rc=0"]]
    assert outcomes[-1].report.paused == ()


def test_a_bus_for_which_no_pe_is_left_goes_without() -> None:
    """One BAR takes all 256 segments, and so all numbers: the root bus had the first choice, the other port gets none."""
    windows = [
        {"type": "mem", "start": M32.start, "last": M32.last},
        {"type": "pref64", "start": M64.start, "last": M64.start + 256 * M - 1},
    ]
    ports = [{"id": f"p{n}", "slot": f"0{n}.0", "kind": "bridge", "io": False} for n in (1, 2)]
    whole, plain = ({"n": 0, "type": kind, "size": size} for kind, size in (("pref64", "256M"), ("mem32", "1M")))
    cards = [
        {"id": "whole", "on": "p1", "slot": "00.0", "driver": "movable", "bars": [whole]},
        {"id": "plain", "on": "p2", "slot": "00.0", "driver": "movable", "bars": [plain]},
    ]

    player, outcomes, phb = play(windows=windows, devices=[*ports, *cards], events=[{"op": "boot"}, {"op": "rescan"}])

    assert pes(player, phb)["p1"] == 0
    assert "p2" not in pes(player, phb)
    notes = [event.text for outcome in outcomes for event in outcome.report.timeline if event.who == "p2"]
    assert any(note.startswith("bus 02: no PE is left") for note in notes)
