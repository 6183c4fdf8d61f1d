"""Room for large BARs: a bench that has it, and no blame where there can be none."""

from __future__ import annotations

import re

import pytest

from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from mockbus.bar import BarSpec
from movsdk.bench.bench import Bench
from movsdk.errors import BadInput
from movsdk.pci_regs import BarKind
from movsdk.testing.conformance.kit import examine
from movsdk.testing.conformance.room import windows_for

M, G = 1 << 20, 1 << 30


def _card(*bars: BarSpec) -> type[EduModel]:
    return type("Card", (EduModel,), {"bars": bars})


def test_most_cards_need_no_bench_of_their_own() -> None:
    """The usual windows serve them."""
    assert windows_for(EduModel.bars) == {}
    assert windows_for([BarSpec(0, BarKind.MEM32, 128 * M), BarSpec(2, BarKind.PREF64, 32 * G)]) == {}


@pytest.mark.parametrize(("kind", "size"), [(BarKind.MEM32, 256 * M), (BarKind.MEM32, G), (BarKind.PREF64, 128 * G)])
def test_a_bench_for_large_bars(kind: BarKind, size: int) -> None:
    """A card of that size fits twice at least, so that it can move; I/O stays as it was."""
    terms = windows_for([BarSpec(0, kind, size)])
    windows = dict(terms["windows"])
    window = windows["mem" if kind is BarKind.MEM32 else "pref64"]

    assert window.last + 1 - window.start >= 3 * size - size // 2
    assert windows["io"] == dict(Bench().windows)["io"]


def test_a_large_bar_moves() -> None:
    """1 GiB below 4 GiB: two places, and the driver is checked."""
    verdict = examine(Edu, bars="0:mem32:1G", only=["every BAR moves"])

    assert verdict.conforms
    assert verdict.of("C02").status.value == "kept"


@pytest.mark.parametrize(
    ("bar", "why"),
    [
        (BarSpec(0, BarKind.MEM32, 2 * G), "of 2G fits into none of its windows: io [0x1000-0xffff], mem [0x40000000-"),
        (BarSpec(0, BarKind.PREF64, 256 * G), "(pref64) of 256G is more than 128G; Linux 5.10 leaves out what is larger"),
        (
            BarSpec(0, BarKind.MEM32, 4096, is_readonly=True, start=0xFED0_0000),
            "(mem32) of 4K is hard-wired to 0xfed00000; Linux cannot size such a register and leaves it out",
        ),
    ],
)
def test_a_bar_without_a_place_is_no_fault_of_the_drivers(bar: BarSpec, why: str) -> None:
    """Not checked, with the BAR and the reason; no rule is broken."""
    verdict = examine(Edu, _card(bar))

    assert (verdict.broken, verdict.conforms) == ((), False)
    assert verdict.unchecked.startswith("no place on the bench: BAR 0 ")
    assert why in verdict.unchecked


def test_a_model_that_makes_no_sense_is_blamed_itself() -> None:
    """Before anything is played."""
    card = _card(BarSpec(0, BarKind.MEM64, 4096), BarSpec(1, BarKind.MEM32, 4096))

    with pytest.raises(BadInput, match=re.escape("Card: BAR 1 (mem32) needs register 1, which BAR 0 has taken")):
        examine(Edu, card)
