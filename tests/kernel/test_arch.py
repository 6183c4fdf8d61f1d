"""What an architecture adds: the minimum fitted to the apertures, and hooks that say nothing by themselves."""

from __future__ import annotations

import pytest

from movsdk.kernel.arch import ArchHooks, PlatformCrash, fitted_to_apertures
from movsdk.layout.table import IO, MEM, AddressMap, Resource
from tests.kernel.board import Board

GAP = 0xEBFF_1000  # the hole in the RAM map of an H11SSL-i with an EPYC 7251
ROOTS = {
    "00": (0xEC00_0000, 0xEFFF_FFFF),
    "20": (0xEB80_0000, 0xEBEF_FFFF),
    "40": (0xEB20_0000, 0xEB5F_FFFF),
    "60": (0xE8B0_0000, 0xEAFF_FFFF),
}


@pytest.mark.parametrize(
    ("roots", "lowest"),
    [
        pytest.param("00", GAP, id="above the minimum"),
        pytest.param("20", 0xEB80_0000, id="below it"),
        pytest.param("00 20 40 60", 0xE8B0_0000, id="one after the other"),
        pytest.param("60 40 20 00", 0xE8B0_0000, id="in whatever order, if the lowest comes first it stays"),
    ],
)
def test_the_minimum_is_lowered_to_apertures_below_it(roots: str, lowest: int) -> None:
    """v9 15: each memory aperture that ends at or below the minimum lowers it to its start."""
    apertures = [Resource(n, None, *ROOTS[root], MEM) for n, root in enumerate(roots.split())]

    assert fitted_to_apertures(AddressMap(min_mem=GAP), apertures) == AddressMap(min_mem=lowest)


def test_ports_and_legacy_vga_do_not_lower_it() -> None:
    """0xa0000 is on the list of every PC and means nothing."""
    apertures = [Resource(0, None, 0x1000, 0xFFFF, IO), Resource(1, None, 0xA_0000, 0xB_FFFF, MEM)]

    assert fitted_to_apertures(AddressMap(), apertures) == AddressMap()


def test_an_architecture_may_have_nothing_to_say() -> None:
    """The default hooks take everything and change nothing."""
    board = Board()
    board.card("card", "01.0")
    board.scan()
    hooks, device = ArchHooks(), board["card"]

    for hook in (hooks.added, hooks.paused, hooks.bridge_set_up, hooks.resuming, hooks.removed):
        hook(device)
    hooks.boot_assigned()
    hooks.all_paused()
    hooks.all_placed()

    assert hooks.crashes == []
    assert str(PlatformCrash("card", 0, "BAR 0 is nowhere")) == "card: BAR 0 is nowhere"
