"""The kernel's command line: what is read, what the kernel complains about, and what this model only knows by name."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from movsdk.kernel.cmdline import CommandLine, FeatureSwitch, memparse, read_command_line
from movsdk.kernel.platform import GENERIC, PLATFORMS, X86
from movsdk.kernel.powernv import POWERNV
from movsdk.layout.table import Reserve
from movsdk.rescan.rules import RULES

V5, V9 = RULES["v5"].switch, RULES["v9"].switch
K, M, G = 1 << 10, 1 << 20, 1 << 30


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("4096", 4096),
        ("64M", 64 * M),
        ("64m", 64 * M),
        ("0x10K", 16 * K),
        ("010", 8),
        ("2G", 2 * G),
        ("1T", 1 << 40),
        ("1P", 1 << 50),
        ("1E", 1 << 60),
        ("16E", 0),
        ("8Mbyte", 8 * M),
        ("8 M", 8),
        ("", 0),
        ("M", 0),
        ("-1", 0),
        ("0x", 0),
        ("08", 0),
    ],
)
def test_sizes_are_read_as_memparse_does(text: str, value: int) -> None:
    """A number with a suffix; what follows is not looked at, what is none is 0, all modulo 2^64."""
    assert memparse(text) == value


@given(st.integers(0, (1 << 54) - 1), st.sampled_from(["", "k", "K"]))
def test_a_size_printed_in_any_base_reads_back(number: int, suffix: str) -> None:
    """Decimal, hex and octal."""
    expected = number << (10 if suffix else 0)
    assert {memparse(f"{text}{suffix}") for text in (str(number), hex(number), f"0{number:o}")} == {expected}


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        pytest.param("", {}, id="nothing"),
        pytest.param("pci=hpiosize=1K", {"io": K}, id="hpiosize"),
        pytest.param("pci=hpmmiosize=16M,hpmmioprefsize=1G", {"mem": 16 * M, "pref": G}, id="both memory sizes"),
        pytest.param("pci=hpmemsize=8M", {"mem": 8 * M, "pref": 8 * M}, id="hpmemsize is both"),
        pytest.param("pci=hpmmiosize=16M,hpmemsize=8M", {"mem": 8 * M, "pref": 8 * M}, id="the later word wins"),
        pytest.param("pci=hpbussize=0x10", {"buses": 16}, id="hpbussize"),
        pytest.param("pci=hpbussize=8M", {"buses": 8}, id="a bus count has no suffix"),
        pytest.param("pci=hpbussize=256", {"buses": 1}, id="too many buses: the default"),
        pytest.param("pci=hpmemsize=junk", {"mem": 0, "pref": 0}, id="junk is 0"),
        pytest.param("pci=realloc", {"realloc": True}, id="realloc"),
        pytest.param("pci=realloc=on", {"realloc": True}, id="realloc=on"),
        pytest.param("pci=realloc=off", {"realloc": False}, id="realloc=off"),
        pytest.param("pci=realloc=maybe", {}, id="realloc=maybe says nothing"),
        pytest.param("pci=reallocate", {"realloc": True}, id="seven letters are enough"),
        pytest.param("pci=realloc,assign-busses,use_crs", {"realloc": True, "assigns_buses": True}, id="the v2 test machine"),
        pytest.param("pci=realloc pci=assign-busses", {"realloc": True, "assigns_buses": True}, id="twice pci="),
        pytest.param('"pci=realloc,assign-busses"', {"realloc": True, "assigns_buses": True}, id="in quotes"),
        pytest.param("pci=,,realloc,", {"realloc": True}, id="empty words"),
        pytest.param("pci=skip_isa_align", {"skips_isa_align": True}, id="skip_isa_align"),
        pytest.param("pcie_port_pm=off", {"port_pm": "off"}, id="pcie_port_pm"),
        pytest.param("pci=realloc -- pci=assign-busses", {"realloc": True}, id="after -- it is init's"),
        pytest.param("pci=no_movable_bars", {"has_no_movable_bars": True}, id="no_movable_bars"),
        pytest.param("pci=hpmeMsize=8M", {"unknown": ("hpmeMsize=8M",)}, id="unknown: case counts"),
        pytest.param("pci=realoc,hpmemsize", {"unknown": ("realoc", "hpmemsize")}, id="unknown: no value"),
        pytest.param("pci=nomsi,pcie_bus_peer2peer", {"unmodelled": ("nomsi", "pcie_bus_peer2peer")}, id="known, not modelled"),
        pytest.param("pci=noats1,pcie_bus_perfect", {"unmodelled": ("noats1", "pcie_bus_perfect")}, id="the beginning is enough"),
        pytest.param("pci=nomsix", {"unknown": ("nomsix",)}, id="but not of every word"),
        pytest.param("pci=nocrs", {"unmodelled": ("nocrs",)}, id="nocrs"),
        pytest.param("pci=resource_alignment=20@01:00.0", {"unmodelled": ("resource_alignment=20@01:00.0",)}, id="with value"),
        pytest.param("pcie_aspm=off pciehp.x=1", {"unmodelled": ("pcie_aspm=off", "pciehp.x=1")}, id="beside pci="),
        pytest.param("quiet root=/dev/sda1 quiet", {"unread": ("quiet", "root=/dev/sda1")}, id="not about PCI"),
        pytest.param("pcie_movable_bars=off", {"unread": ("pcie_movable_bars=off",)}, id="another version's"),
    ],
)
def test_words_of_a_v9_kernel_on_x86(text: str, fields: dict[str, Any]) -> None:
    """Each word as drivers/pci and arch/x86 of 5.10 take it, and `no_movable_bars`."""
    assert read_command_line(text, X86, V9) == CommandLine(text=text, **fields)


def test_the_platforms_own_words_are_unknown_elsewhere() -> None:
    """``assign-busses`` and ``use_crs`` are arch/x86's: powerpc logs them and goes on."""
    line = read_command_line("pci=assign-busses,use_crs,realloc", POWERNV, V5)

    assert (line.assigns_buses, line.realloc) == (False, True)
    assert line.log_lines == ("PCI: Unknown option `assign-busses'", "PCI: Unknown option `use_crs'")


def test_a_word_of_another_version_is_unknown() -> None:
    """v5 has no ``pci=no_movable_bars``, and an unpatched kernel has neither."""
    for switch in (V5, FeatureSwitch()):
        line = read_command_line("pci=no_movable_bars", X86, switch)
        assert (line.has_no_movable_bars, line.unknown) == (False, ("no_movable_bars",))


def test_what_has_no_effect_is_said_by_name() -> None:
    """One line a sort."""
    line = read_command_line("quiet pci=magic,nomsi pcie_aspm=off", X86, V9)

    assert line.warnings == (
        "command line: the kernel does not know magic in pci=, and only logs it",
        "command line: nomsi, pcie_aspm=off: known to the kernel, but not modelled here",
        "command line: quiet: not read by PCI in this kernel version",
    )
    assert read_command_line("pci=realloc,use_crs,hpbussize=4", X86, V9).warnings == ()


def test_the_reserve_is_overruled_word_by_word() -> None:
    """What the line does not say stays."""
    line = read_command_line("pci=hpmmiosize=16M,hpbussize=4", X86, V9)

    assert line.reserve_over(Reserve(1, 2, 3, 5)) == Reserve(1, 16 * M, 3, 4)
    assert CommandLine().reserve_over(Reserve()) == Reserve()


# --- the switch: observables 2 and 3 -------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("rules", "text", "on"),
    [
        ("v2", "", "x86"),
        ("v2", "pcie_movable_bars=force", "x86 powernv generic"),
        ("v2", "pcie_movable_bars=off", ""),
        ("v2", "pcie_movable_bars=force pcie_movable_bars=off", ""),
        ("v2", "pcie_movable_bars=off pcie_movable_bars=force", ""),
        ("v2", "pcie-movable-bars=force", "x86 powernv generic"),
        ("v2", "pcie_movable_bars=on", "x86"),
        ("v5", "", "x86 powernv generic"),
        ("v5", "pcie_movable_bars=off", ""),
        ("v5", "pci=no_movable_bars", "x86 powernv generic"),
        ("v9", "", "x86 generic"),
        ("v9", "pci=no_movable_bars", ""),
        ("v9", "pcie_movable_bars=off", "x86 generic"),
        ("v9", "pcie_movable_bars=force", "x86 generic"),
        ("off", "pcie_movable_bars=force", ""),
    ],
)
def test_when_bars_move(rules: str, text: str, on: str) -> None:
    """Off beats force, force beats the platform, another word says nothing; v9 knows the one word only."""
    switch = RULES[rules].switch

    found = [name for name, platform in PLATFORMS.items() if switch.is_on(platform, read_command_line(text, platform, switch))]

    assert sorted(found) == sorted(on.split())


def test_a_generic_host_has_no_words_of_its_own() -> None:
    """What x86 adds is x86's."""
    assert read_command_line("pci=skip_isa_align", GENERIC, V9).unknown == ("skip_isa_align",)
