"""Platforms: x86 is the recorded machine, generic keeps nothing of firmware's; what the numbers do in a scan and a layout."""

from __future__ import annotations

import pytest
from attrs import evolve

from mockbus import BarKind, BarSpec
from movsdk import pci_regs as regs
from movsdk.errors import BadInput
from movsdk.kernel.adding import add_devices
from movsdk.kernel.arch import Platform
from movsdk.kernel.cmdline import read_command_line
from movsdk.kernel.platform import GENERIC, PLATFORMS, X86, platform_by_name
from movsdk.kernel.powernv import POWERNV
from movsdk.kernel.system import System
from movsdk.layout.fit import Search, find_place
from movsdk.layout.table import IO, MEG, MEM, PAGE_4K, SIZEALIGN, UNSET, AddressMap, Resource, Segment
from movsdk.pci_regs import ROM_RESOURCE
from movsdk.rescan.engine import Engine
from movsdk.rescan.rules import RULES
from tests.kernel.board import FLAGS, MEM_START, Board

RAM = ((0, 0x3FFF_FFFF),)


def system_of(board: Board, platform: Platform, text: str = "") -> System:
    """The board's silicon under a kernel of another platform."""
    windows = [Resource(n, None, span.start, span.last, FLAGS[kind]) for n, (kind, span) in enumerate(board.apertures)]
    line = read_command_line(text, platform, RULES["v9"].switch)
    system = System(board.machine.fabric, windows, label_of=board.machine.label_at, platform=platform, command_line=line)
    system.address_map = platform.address_map(RAM) if not text else system.address_map
    board.system = system
    return system


def test_x86_is_the_recorded_machine() -> None:
    """The defaults of layout and of `System` are x86's: nothing changes for who does not ask."""
    assert X86.address_map(RAM) == AddressMap()
    assert X86.granules([]) == (PAGE_4K, MEG, MEG)
    assert Board().system.platform is X86


def test_platforms_have_names() -> None:
    """An unknown one is told with the known ones."""
    assert {name: str(platform) for name, platform in PLATFORMS.items()} == {name: name for name in ("x86", "powernv", "generic")}
    assert platform_by_name("powernv") is POWERNV
    with pytest.raises(BadInput, match=r"platform 'sparc' is not known; use one of x86, powernv, generic"):
        platform_by_name("sparc")


def test_the_machine_may_have_other_minima() -> None:
    """Given ones replace the platform's; RAM counts on x86 only."""
    assert GENERIC.address_map(RAM) == AddressMap(0x1000, 0, (), False, 0)
    assert POWERNV.address_map(RAM, min_io=0, min_mem=MEG) == AddressMap(0, MEG, (), False, 0)
    assert X86.address_map([(0xC000_0000, 0xC0FF_FFFF), (0, 0xFFFF)], min_mem=0).reserved == (
        (0, 0xFFFF),
        (0xC000_0000, 0xC0FF_FFFF),
        (0xFFE0_0000, 0xFFFF_FFFF),
    )


@pytest.mark.parametrize(
    ("platform", "io", "mem"),
    [pytest.param(X86, 0x1400, 0x8000_0000, id="x86"), pytest.param(GENERIC, 0x1100, 0, id="generic")],
)
def test_where_the_first_place_is(platform: Platform, io: int, mem: int) -> None:
    """x86 leaves out the aliases of ISA devices above the first 256 bytes of a KiB, RAM and the first MiB; others nothing."""
    search = Search(platform.address_map(RAM))
    ports, memory = Resource(0, None, 0x1100, 0x1FFF, IO), Resource(1, None, 0, 0x8FFF_FFFF, MEM)
    segment = Segment(windows=[ports, memory])
    port, bar = Resource(0, None, 0, 0xFF, IO | SIZEALIGN), Resource(1, None, 0, 0xFFF, MEM | SIZEALIGN)

    found = [find_place(segment, each, each.size, each.size, search) for each in (port, bar)]

    assert [place and place.start for place in found] == [io, 0x4000_0000 if platform is X86 else mem]


def test_skip_isa_align() -> None:
    """``pci=skip_isa_align`` makes x86 use all ports."""
    assert system_of(Board(), X86, "pci=skip_isa_align").address_map == evolve(AddressMap(), avoids_isa_aliases=False)


def machine() -> Board:
    """A numbered bridge with a window, a card behind it, a VGA card; firmware has set up all of them."""
    board = Board()
    window = {"bus": (0, 5, 7), "mem": (MEM_START, MEM_START + 0x3F_FFFF)}
    board.bridge("bridge", "01.0", firmware=window, prefetchable=None, io=False)
    board.card("card", "00.0", [BarSpec(0, BarKind.MEM32, 0x10_0000)], on="bridge", firmware={0: MEM_START + 0x20_0000})
    board.card("vga", "02.0", [BarSpec(0, BarKind.MEM32, 0x10_0000)], class_code=0x030000, firmware={0: MEM_START + 0x80_0000})
    return board


@pytest.mark.parametrize(
    ("platform", "numbers", "window", "bar", "rom"),
    [
        pytest.param(X86, (5, 7), (MEM_START, 0x40_0000), (MEM_START + 0x20_0000, 0), True, id="x86"),
        pytest.param(GENERIC, (1, 1), None, (MEM_START + 0x20_0000, 0), False, id="generic"),
        pytest.param(POWERNV, (5, 7), None, (0, UNSET), False, id="powernv"),
    ],
)
def test_what_a_scan_believes(
    platform: Platform, numbers: tuple[int, int], window: tuple[int, int] | None, bar: tuple[int, int], rom: bool
) -> None:
    """Bus numbers, bridge windows, addresses and the shadow of a VGA ROM: whose word counts differs."""
    board = machine()
    system_of(board, platform)

    board.scan()
    add_devices(board.system.root, binds=False)

    found = board["bridge"].resources[regs.MEM_WINDOW]
    resource = board["card"].resources[0]
    assert board.numbers == {"bridge": numbers}
    assert (found.start, found.size) == (window or (0, 1))
    assert (resource.start, resource.flags & UNSET) == bar
    assert bool(board["vga"].resources[ROM_RESOURCE].flags) is rom


def test_generic_assigns_anew_what_x86_keeps() -> None:
    """No claims: the first fit from the bottom, whatever firmware left; registers follow."""
    board = machine()
    engine = Engine(system_of(board, GENERIC), RULES["off"])

    engine.boot()

    spans = {label: board[label].bar_span(0) for label in ("card", "vga")}
    assert {label: span and span.start for label, span in spans.items()} == {"card": MEM_START, "vga": MEM_START + 0x10_0000}
    assert board.registers("card", regs.BASE_ADDRESS_0, 4) == MEM_START


def test_assign_busses_numbers_anew_on_x86() -> None:
    """``pci=assign-busses``: the numbers of firmware do not count, in no scan."""
    board = machine()
    system_of(board, X86, "pci=assign-busses")

    board.scan()
    first = board.numbers
    board.scan()

    assert first == board.numbers == {"bridge": (1, 1)}
    assert board.registers("bridge", regs.PRIMARY_BUS, 4) & 0xFF_FFFF == 0x01_01_00
