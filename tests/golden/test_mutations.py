"""The recordings notice: any one rule field or step of placing that is broken makes a recorded run differ."""

from __future__ import annotations

import json

import attrs
import pytest

from movsdk.bench.player import Player
from movsdk.bench.scenario_schema import parse
from movsdk.errors import InvariantBroken
from movsdk.layout import fit, release, sizing
from movsdk.layout.table import M64, TYPE_BITS
from movsdk.rescan.rules import by_name, v9, v9_placing
from movsdk.rescan.rules.record import Moves, Rules
from tests.golden.mutants import MUTANTS, UNTOLD, mutant
from tests.golden.recordings import vector

# For each mistake one recorded run that tells it; small ones where there is a choice.
TELLING = {
    "v9": {
        "opt_in: nobody moves": "h12_vga",
        "mark: a device given up stays so": "h33_new_partially",
        "mark: BARs without a place count": "h33_new_partially",
        "fixed: VGA moves": "w12_vga",
        "ranges: none": "h14_mixed_driver",
        "release: nothing": "w23_boot_incomplete",
        "release: the way of v5": "h23_boot_incomplete",
        "forget: sizes of windows too": "w16_hpsize_retry",
        "forget: not the types of windows": "f00101",
        "size: no reserve": "r00046",
        "size: I/O span under the small ones": "w22_io",
        "size: range by window number": "f00115",
        "size: no fixed span": "h09_fixed_far_edges",
        "size: what is given up counts": "h33_new_partially",
        "size: fixed BARs raise the alignment": "h28_fixed_unaligned_span",
        "place: what is given up too": "h33_new_partially",
        "place: nobody first": "r00022",
        "place: fixed ones as they come": "w29_fixed_block_impossible",
        "place: no minimum": "h28_fixed_unaligned_span",
        "place: windows begin at their range": "r00022",
        "place: no check afterwards": "h14_mixed_driver",
        "place: failed BARs are wiped": "h23_boot_incomplete",
        "accept: always": "h33_new_partially",
        "accept: if nothing is lost": "h16_hpsize_retry",
        "fallback: release before each": "r00097",
        "fallback: no second attempt": "r00097",
        "fallback: bridges first": "r00241",
        "programmed: nobody": "h12_vga",
        "order: ranges after the release": "h14_mixed_driver",
        "order: probe before done": "h19_nopref_bridge",
        "on_slot_event: stays local": "h33_new_partially",
        "tells: nobody": "h01_two_eps",
        "boot_rescans: not": "h23_boot_incomplete",
        "reserves: never asked for": "w15_hpsize_default",
        "stops_at_subtractive: not": "h35_transparent",
    },
    "v5": {
        "mark: a device given up gets another chance": "h33_new_partially",
        "fixed: the way of v9": "h12_vga",
        "release: the way of v9": "h23_boot_incomplete",
        "forget: no second alignment flag": "w18_pref32_bridge",
        "size: the right range for memory": "h09_fixed_far_edges",
        "size: I/O given up does not count": "w12_vga",
        "size: fixed BARs raise the alignment": "h28_fixed_unaligned_span",
        "place: pinned BARs too": "h13_pcifixed",
        "place: one walk": "h12_vga",
        "place: no minimum": "h28_fixed_unaligned_span",
        "place: no look at the neighbours": "h28_fixed_unaligned_span",
        "accept: always": "h33_new_partially",
        "fallback: deepest first": "r00283",
        "programmed: what is given up too": "r00283",
    },
}


_gaps = fit._gaps
# Steps that all versions share: where the function is used, what stands in its place, and a run of v9 that tells it.
SHARED = {
    "fit: lenient types at once": (fit, "_type_masks", lambda _flags: (TYPE_BITS,), "f00206"),
    "fit: not above 4 GiB first": (fit, "_HIGH", (0, M64), "f00201"),
    "fit: last gap first": (fit, "_gaps", lambda *terms: reversed(list(_gaps(*terms))), "r00097"),
    "sizing: old sizes forgotten": (sizing, "_old_size", lambda _window: 0, "f00037"),
    "sizing: never half an alignment": (sizing, "_window_alignment", lambda _buckets, order: 1 << (order + 20), "h12_vga"),
    "release: prefetchable windows first": (
        v9,
        "windows_to_give_up",
        lambda root: (each for kind in (2, 1, 0) for each in release._windows_of_kind(root, kind)),
        "w16_hpsize_retry",
    ),
    "placing: fixed BARs find no window": (v9_placing, "insert_fixed", lambda _segment, _bar: False, "h13_pcifixed"),
    "placing: closed bridges wait": (v9_placing, "program_if_closed", lambda _row, _placing: None, "h02_bridge"),
}


def agrees(rules: Rules, name: str) -> bool:
    """Whether these rules do what the kernel of that vector did; a run that breaks an invariant of ours does not."""
    recorded = vector(rules.name, name)
    try:
        ours = [outcome.as_expected() for outcome in Player(parse(recorded["scenario"]), rules).play()]
    except InvariantBroken:
        return False
    return bool(json.loads(json.dumps(ours)) == recorded["expect"])


@pytest.mark.parametrize(
    ("rules", "mistake", "name"),
    [(rules, mistake, name) for rules, table in TELLING.items() for mistake, name in table.items()],
)
def test_a_recorded_run_tells_the_mistake(rules: str, mistake: str, name: str) -> None:
    """The run agrees as the rules stand and differs with one thing wrong."""
    right = by_name(rules)

    assert (agrees(right, name), agrees(mutant(right, mistake), name)) == (True, False)


@pytest.mark.parametrize("mistake", SHARED)
def test_a_recorded_run_tells_a_wrong_step(mistake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same for the steps of layout that no version has for itself."""
    module, name, wrong, run = SHARED[mistake]
    right = agrees(by_name("v9"), run)

    monkeypatch.setattr(module, name, wrong)

    assert (right, agrees(by_name("v9"), run)) == (True, False)


def test_every_mistake_has_a_run() -> None:
    """A mutant without a telling vector would be a rule that nobody checks."""
    assert {rules: set(table) for rules, table in TELLING.items()} == {rules: set(table) for rules, table in MUTANTS.items()}


def test_every_field_is_broken_once() -> None:
    """All fields of the record, the answers of pass 1 and the steps of pass 2; what no run tells is named with a reason."""
    right = by_name("v9")
    assert right.moves is not None
    broken = [mutant(right, mistake).moves for mistake in MUTANTS["v9"]]

    changed = {name for moves in broken for name in _changed(right.moves, moves)}
    steps = {f"size.{name}" for moves in broken if moves is not None for name in _changed(right.moves.size, moves.size)}
    steps |= {f"place.{name}" for moves in broken if moves is not None for name in _changed(right.moves.place, moves.place)}

    assert changed | UNTOLD.keys() == {field.name for field in attrs.fields(Moves)}
    assert steps == {
        *(f"size.{field.name}" for field in attrs.fields(type(right.moves.size))),
        *(f"place.{name}" for name in ("wanted", "anchor", "minimum", "covers", "failed")),
    }


def _changed(right: object, wrong: object) -> set[str]:
    """Names of the fields that differ between two records of one class."""
    names = [field.name for field in getattr(type(right), "__attrs_attrs__", ())]
    return {name for name in names if getattr(right, name) is not getattr(wrong, name)}
