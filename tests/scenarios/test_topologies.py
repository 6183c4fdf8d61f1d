"""The machines that the series' mails name: what the mails say came out comes out here, or the scenario says what does not."""

from __future__ import annotations

import pytest
from attrs import evolve

from movsdk.address import Span
from movsdk.bench import gallery
from movsdk.bench.scenario import DEFAULT_EVENTS, Aperture
from movsdk.bench.sysfs.proc_files import address_lines
from movsdk.errors import BadInput
from movsdk.rescan.rules import by_name
from movsdk.rescan.rules.without import without
from tests.scenarios.stage import MEM_WINDOW, PREF_WINDOW, K, M, bars, driver, entry, place, places, play, play_named

CPU = 0x3FE7_8000_0000  # PHB3: what the CPU adds to a bus address


@pytest.mark.parametrize("name", gallery.names())
def test_every_scenario_of_the_gallery_tells_what_it_is(name: str) -> None:
    """Called as its file, with a paragraph, and it plays without a breach of the hook contract."""
    scenario = gallery.load(name).scenario

    assert gallery.load(name).name == name
    assert len(scenario.about.split()) > 25
    assert [outcome.breaches.broken for outcome in play_named(name).outcomes if outcome.breaches.broken] == []


def test_a_name_that_nobody_has_is_told_with_those_there_are() -> None:
    """A path is no name: the command line tries files first."""
    assert gallery.find("f1-working-bar-moves.yaml") is None
    assert gallery.find("../gallery") is None
    with pytest.raises(BadInput) as refused:
        gallery.load("f9")
    assert str(refused.value).startswith("the gallery has no scenario 'f9'; it has ")


# --- Vesnin: the numbers of the NVMe patch ----------------------------------------------------------------------------
def test_vesnin_before_and_after() -> None:
    """Bus 0b grows from 8 to 16 MiB, bus 10 takes the lower half, bus 18 and the drive move up by 8 MiB; no request is lost."""
    story = play_named("vesnin-nvme")
    before, after = story.boot, story.last
    base = 0x3FE8_0000_0000 - CPU

    assert [place(before, *one) for one in (("rp", 8), ("p18", 8))] == [(base, 8 * M)] * 2
    assert [place(before, "18:00.0", number) for number in (0, 2)] == [(base, M), (base + M, 512 * K)]
    assert place(after, "rp", MEM_WINDOW) == (base, 16 * M)
    assert place(after, "p10", MEM_WINDOW) == (base, 8 * M)
    assert place(after, "p18", MEM_WINDOW) == (base + 8 * M, 8 * M)
    assert [place(after, "18:00.0", number) for number in (0, 2)] == [(base + 8 * M, M), (base + 9 * M, 512 * K)]
    assert "0 failed, 0 outstanding, 0 lost" in after.io[0]
    assert all(entry(after, label)["bdf"] == label for label in ("10:00.0", "18:00.0"))


def test_vesnin_differs_in_the_order_of_the_newcomers_bars() -> None:
    """The mail has BAR 0 (16 KiB) at +0 and the other (64 KiB) at +64 KiB: on POWER8 both are aligned to a page of 64 KiB."""
    after = play_named("vesnin-nvme").last

    assert [place(after, "10:00.0", number) for number in (0, 2)] == [(0x8001_0000, 16 * K), (0x8000_0000, 64 * K)]


def test_vesnin_moves_nothing_unless_forced() -> None:
    """PowerNV is not on v2's list; without the option the newcomer's port has nothing and nobody is paused."""
    named = gallery.load("vesnin-nvme")
    assert "pcie_movable_bars=force" in named.scenario.cmdline
    story = play_named("vesnin-nvme", "v9")

    assert (story.last.report.moves, story.last.report.paused) == ((), ())


# --- Z370-F with an I350 ---------------------------------------------------------------------------------------------
def test_z370_keeps_the_bios_window_at_boot() -> None:
    """Everything fits in 5 MiB without VF BARs; the kernel touches nothing."""
    story = play_named("z370-i350")

    assert place(story.boot, "port", MEM_WINDOW) == (0xF700_0000, 5 * M)
    assert (story.boot.report.moves, story.boot.boot_rescan) == ((), False)


def test_z370_moves_the_whole_card_in_a_rescan_without_a_change() -> None:
    """The kernel packs from the bottom of the aperture; BIOS had packed from the top. Nothing is lost."""
    story = play_named("z370-i350")

    assert place(story.last, "port", MEM_WINDOW) == (0xC820_0000, 5 * M)
    assert len(story.last.report.moves) == 9
    assert None not in bars(story.last).values()


@pytest.mark.parametrize("rules", ["off", "v5"])
def test_z370_three_of_eight_vf_bars_fit_in_the_bios_window(rules: str) -> None:
    """02:00.0/7, 02:00.0/10 and 02:00.1/7; five have no space, as the mail's log says."""
    boot = play_named("z370-i350-vf", rules).boot
    stand_ins = {(f"02:00.{function}", number): vf for function in range(4) for number, vf in ((1, 7), (4, 10))}

    placed = [(label, vf) for (label, number), vf in stand_ins.items() if place(boot, label, number) is not None]
    assert placed == [("02:00.0", 7), ("02:00.0", 10), ("02:00.1", 7)]
    assert place(boot, "port", MEM_WINDOW) == (0xF700_0000, 5 * M)


def test_z370_boot_of_v9_lays_the_card_out_anew() -> None:
    """A BAR without a place makes v9 rescan before drivers bind: 6 MiB at 0xc8200000, everything assigned."""
    story = play_named("z370-i350-vf", "v9")

    assert story.boot.boot_rescan
    assert place(story.boot, "port", MEM_WINDOW) == (0xC820_0000, 6 * M)
    assert None not in bars(story.boot).values()
    assert story.last.report.moves == ()


@pytest.mark.parametrize(("rules", "lost", "attempts"), [("v5", 12, 1), ("v2", 12, 1), ("v9", 0, 3)])
def test_z370_rescan_without_room_for_the_vf_bars(rules: str, lost: int, attempts: int) -> None:
    """Observable 42, in the BIOS window alone: v5 wants all BARs or none, v9 at last those that worked (triple rescan)."""
    bios = (Aperture("mem", Span(0xF700_0000, 0xF74F_FFFF)),)
    story = play(evolve(gallery.load("z370-i350-vf").scenario, windows=bios), rules)
    report = story.last.report

    assert (len(report.lost), len(report.attempts)) == (lost, attempts)
    assert report.attempts[-1].is_accepted is (lost == 0)
    assert len([found for found in bars(story.last).values() if found is not None]) == 12 - lost


# --- the deep chain of qla2xxx -------------------------------------------------------------------------------------------
CHAIN = ("80:03.0", "83:00.0", "84:04.0", "85:00.0", "86:0c.0", "8b:00.0", "8c:10.0")


def test_qla2xxx_windows_are_rebuilt_round_the_unaware_card() -> None:
    """Seven windows are released and made anew, and all are what they were: 3 MiB from the first fixed BAR on."""
    story = play_named("deep-qla2xxx")
    window = (0xF900_0100_000, 3 * M)

    for outcome in story.outcomes[:2]:
        assert {place(outcome, label, PREF_WINDOW) for label in CHAIN} == {window}
    assert places(story.outcomes[1]) == places(story.boot)
    assert story.outcomes[1].hooks == []


def test_qla2xxx_chain_grows_downwards_for_a_newcomer() -> None:
    """Six bridges up a window of 4 MiB starts 1 MiB lower; the card and its own port stay."""
    story = play_named("deep-qla2xxx")

    assert {place(story.last, label, PREF_WINDOW) for label in CHAIN[:-1]} == {(0xF900_0000_000, 4 * M)}
    assert place(story.last, CHAIN[-1], PREF_WINDOW) == (0xF900_0100_000, 3 * M)
    assert place(story.last, "new") == (0xF900_0000_000, M)
    assert (story.last.report.moves, driver(story.last, "92:00.0")) == ((), "fixed")


def test_qla2xxx_without_the_series_is_cut_off_by_the_newcomer() -> None:
    """Where the newcomer does not fit, the unpatched kernel releases the windows of the whole bus, and gives them to nobody."""
    story = play_named("deep-qla2xxx", "off")

    assert (place(story.last, "new"), place(story.last, "92:00.0", 4)) == (None, None)
    assert {finding.rule for finding in story.last.findings} == {"E03"}
    assert driver(story.last, "92:00.0") == "fixed"


@pytest.mark.parametrize(("rules", "deepest"), [("off", 5), ("v9", 8)])
def test_qla2xxx_nesting_in_iomem(rules: str, deepest: int) -> None:
    """Five levels print the card as deep as a bridge above it; the series shows every level."""
    story = play(evolve(gallery.load("deep-qla2xxx").scenario, events=DEFAULT_EVENTS), rules)
    lines = address_lines(story.player.world, io=False).splitlines()

    card = next(line for line in lines if line.endswith(": 0000:92:00.0"))
    assert (len(card) - len(card.lstrip())) // 2 == deepest
    assert card.strip().startswith("f9000100000-f90001fffff")


# --- EPYC: the minimum above the aperture ---------------------------------------------------------------------------------
STARTS = {"00": 0xEC00_0000, "20": 0xEB80_0000, "40": 0xEB20_0000, "60": 0xE8B0_0000}


@pytest.mark.parametrize("root", STARTS)
@pytest.mark.parametrize(("rules", "usable"), [("v9", "00 20 40 60"), ("v5", "00"), ("v2", "00"), ("off", "00 20 40 60")])
def test_epyc_roots_below_the_minimum(root: str, rules: str, usable: str) -> None:
    """The series made PCIBIOS_MIN_MEM count where a window starts above 0; v9 15 lowers it again, root by root."""
    after = play_named(f"epyc-{root}", rules).last

    expected = (STARTS[root], M) if root in usable.split() else None
    assert place(after, "new") == expected
    assert driver(after, "new") == ("movable" if expected else None)


# --- PowerNV: a bridge that was enabled while nothing was behind it -----------------------------------------------------------
def test_powernv_chain_opens_for_the_newcomer() -> None:
    """02:04.0 goes from COMMAND 0545 to 0547; the new switch from 0540 to 0542, and bus master."""
    story = play_named("powernv-closed-chain")

    assert [entry(outcome, "02:04.0")["command"] for outcome in story.outcomes] == [0x545, 0x547]
    log = [event.text for event in story.last.report.timeline]
    assert "pcieport 0020:03:00.0: enabling device (0540 -> 0542)" in log
    assert entry(story.last, "03:00.0")["command"] == 0x546
    assert [entry(story.last, label)["bdf"] for label in ("03:00.0", "04:09.0")] == ["03:00.0", "04:09.0"]
    assert (driver(story.last, "card"), story.last.findings) == ("edu", ())


def test_powernv_chain_stays_closed_without_patch_16() -> None:
    """The kernel thinks the port is enabled; it is, but for I/O only."""
    story = play_named("powernv-closed-chain", without(by_name("v2"), 16), faults="hardware")

    assert entry(story.last, "02:04.0")["command"] == 0x545
    assert [(finding.rule, finding.device) for finding in story.last.findings] == [("E02", "card")]
