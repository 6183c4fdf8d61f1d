"""Registers that no write changes."""

from __future__ import annotations

import pytest

from mockbus import BarKind, BarSpec
from tests.kernel.board import PREF_START, Board


@pytest.mark.parametrize(
    "spec",
    [
        BarSpec(0, BarKind.MEM32, 0x1000, is_readonly=True, start=0xFED0_0000),
        BarSpec(0, BarKind.PREF64, 0x1000, is_readonly=True, start=PREF_START),
        BarSpec(0, BarKind.IO, 0x20, is_readonly=True, start=0x1040),
        BarSpec(6, BarKind.ROM, 0x800, is_readonly=True, start=0xFED0_0000),
    ],
    ids=lambda spec: spec.kind.value,
)
def test_a_hard_wired_bar_is_no_resource(spec: BarSpec) -> None:
    """Writing ones changes nothing, so it has no size (``pci_size()``); the kernel leaves it out and never moves it."""
    board = Board()
    board.card("card", "01.0", [spec], firmware={spec.n: spec.start})
    board.scan()

    assert [one.flags for one in board["card"].resources] == [0] * 11
