"""Config bytes as before any set-up."""

from __future__ import annotations

from movsdk import pci_regs as regs
from movsdk.bench.config_facts import dword, find_capability, word
from movsdk.bench.importers.lspci_dump import read_lspci
from movsdk.bench.importers.power_on import power_on_bytes
from movsdk.bench.scenario import BarDecl
from movsdk.pci_regs import BarKind
from tests.bench.importers.dumps import STORY, read_text

DUMP = {str(bdf): entry.config for bdf, entry in read_lspci(read_text(STORY[-1] / "lspci-xxxx.txt"), []).items()}


def test_an_endpoint_loses_what_software_set_and_nothing_else() -> None:
    """COMMAND, addresses, interrupt line and enables go; ids, STATUS, capabilities stay."""
    before = DUMP["0000:03:00.0"]

    after = power_on_bytes(before, [BarDecl(0, BarKind.MEM64, 0x4000)], is_bridge=False)

    msix = find_capability(after, regs.CAP_ID_MSIX)
    changed = {offset for offset in range(len(before)) if before[offset] != after[offset]}
    assert changed == {regs.COMMAND, regs.COMMAND + 1, 0x13, regs.INTERRUPT_LINE, msix + 3}
    assert (dword(after, 0x10), word(after, msix + regs.MSIX_FLAGS)) == (0x4, 0x0040)


def test_a_bridge_loses_numbers_and_windows_and_keeps_their_types() -> None:
    """A window of a 64-bit prefetchable bridge is one at power-on too."""
    after = power_on_bytes(DUMP["0000:02:01.0"], [], is_bridge=True)

    assert dword(after, regs.PRIMARY_BUS) == 0
    assert (word(after, regs.IO_BASE), dword(after, regs.MEMORY_BASE), dword(after, regs.PREF_MEMORY_BASE)) == (0, 0, 0x10001)
    assert (dword(after, regs.PREF_BASE_UPPER32), dword(after, regs.PREF_LIMIT_UPPER32)) == (0, 0)
    assert word(after, regs.BRIDGE_CONTROL) == 0
    msi = find_capability(after, regs.CAP_ID_MSI)
    assert word(after, msi + regs.MSI_FLAGS) & regs.MSI_FLAGS_ENABLE == 0


def test_it_wakes_in_d0_without_rom() -> None:
    """A dump may show a device that sleeps, and a ROM that was switched on."""
    config = bytearray(256)
    config[0:2] = b"\x36\x1b"
    config[regs.STATUS], config[regs.CAPABILITY_LIST], config[0x40], config[0x44] = 0x10, 0x40, regs.CAP_ID_PM, 0x0B
    config[0x30:0x34] = (0xFE000001).to_bytes(4, "little")

    after = power_on_bytes(bytes(config), [BarDecl(6, BarKind.ROM, 65536)], is_bridge=False)

    assert (after[0x44], dword(after, regs.ROM_ADDRESS)) == (0x08, 0)
