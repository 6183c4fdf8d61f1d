"""PCI facts as data: register offsets, command bits, capability ids, BAR kinds.

Sources: PCI Local Bus 3.0 §6, PCI-to-PCI Bridge 1.2 §3, PCI Express Base 3.1 §7, PCI PM 1.2 §3.
Names follow the kernel's spelling without the ``PCI_`` prefix. Nothing here has behaviour.
"""

from __future__ import annotations

from enum import Enum, IntEnum
from typing import Final

# --- configuration header, types 0 and 1 -------------------------------------------------------
VENDOR_ID: Final = 0x00
DEVICE_ID: Final = 0x02
COMMAND: Final = 0x04
STATUS: Final = 0x06
REVISION_ID: Final = 0x08
CLASS_PROG: Final = 0x09
CACHE_LINE_SIZE: Final = 0x0C
LATENCY_TIMER: Final = 0x0D
HEADER_TYPE: Final = 0x0E
BASE_ADDRESS_0: Final = 0x10
SUBSYSTEM_VENDOR_ID: Final = 0x2C
SUBSYSTEM_ID: Final = 0x2E
ROM_ADDRESS: Final = 0x30
CAPABILITY_LIST: Final = 0x34
INTERRUPT_LINE: Final = 0x3C
INTERRUPT_PIN: Final = 0x3D

# --- type 1 only -----------------------------------------------------------------------------
PRIMARY_BUS: Final = 0x18
SECONDARY_BUS: Final = 0x19
SUBORDINATE_BUS: Final = 0x1A
SEC_LATENCY_TIMER: Final = 0x1B
IO_BASE: Final = 0x1C
IO_LIMIT: Final = 0x1D
SEC_STATUS: Final = 0x1E
MEMORY_BASE: Final = 0x20
MEMORY_LIMIT: Final = 0x22
PREF_MEMORY_BASE: Final = 0x24
PREF_MEMORY_LIMIT: Final = 0x26
PREF_BASE_UPPER32: Final = 0x28
PREF_LIMIT_UPPER32: Final = 0x2C
IO_BASE_UPPER16: Final = 0x30
IO_LIMIT_UPPER16: Final = 0x32
ROM_ADDRESS1: Final = 0x38
BRIDGE_CONTROL: Final = 0x3E

HEADER_TYPE_NORMAL: Final = 0
HEADER_TYPE_BRIDGE: Final = 1
HEADER_TYPE_MULTIFUNCTION: Final = 0x80

# --- command register --------------------------------------------------------------------------
COMMAND_IO: Final = 0x1
COMMAND_MEMORY: Final = 0x2
COMMAND_MASTER: Final = 0x4
COMMAND_INTX_DISABLE: Final = 0x400
STATUS_INTERRUPT: Final = 0x08
STATUS_CAP_LIST: Final = 0x10

# --- BAR bits ----------------------------------------------------------------------------------
BASE_ADDRESS_SPACE_IO: Final = 0x1
BASE_ADDRESS_MEM_TYPE_64: Final = 0x4
BASE_ADDRESS_MEM_PREFETCH: Final = 0x8
ROM_ADDRESS_ENABLE: Final = 0x1

# --- capability ids ------------------------------------------------------------------------------
CAP_ID_PM: Final = 0x01
CAP_ID_MSI: Final = 0x05
CAP_ID_EXP: Final = 0x10
CAP_ID_MSIX: Final = 0x11

# power management capability (offsets inside the capability)
PM_PMC: Final = 2
PM_CTRL: Final = 4
PM_CTRL_STATE_MASK: Final = 0x3
PM_CTRL_NO_SOFT_RESET: Final = 0x8

# MSI capability
MSI_FLAGS: Final = 2
MSI_FLAGS_ENABLE: Final = 0x1
MSI_FLAGS_64BIT: Final = 0x80
MSI_ADDRESS_LO: Final = 4
MSI_ADDRESS_HI: Final = 8
MSI_DATA_32: Final = 8
MSI_DATA_64: Final = 12

# MSI-X capability and table
MSIX_FLAGS: Final = 2
MSIX_FLAGS_QSIZE: Final = 0x7FF
MSIX_FLAGS_MASKALL: Final = 0x4000
MSIX_FLAGS_ENABLE: Final = 0x8000
MSIX_TABLE: Final = 4
MSIX_PBA: Final = 8
MSIX_BIR: Final = 0x7
MSIX_ENTRY_SIZE: Final = 16
MSIX_ENTRY_LOWER_ADDR: Final = 0
MSIX_ENTRY_UPPER_ADDR: Final = 4
MSIX_ENTRY_DATA: Final = 8
MSIX_ENTRY_VECTOR_CTRL: Final = 12
MSIX_ENTRY_CTRL_MASKBIT: Final = 1

# PCI Express capability
EXP_FLAGS: Final = 2
EXP_FLAGS_TYPE: Final = 0x00F0
EXP_FLAGS_SLOT: Final = 0x0100
EXP_LNKCAP: Final = 0x0C
EXP_LNKCAP_DLLLARC: Final = 0x0010_0000
EXP_LNKSTA: Final = 0x12
EXP_LNKSTA_DLLLA: Final = 0x2000
EXP_SLTCAP: Final = 0x14
EXP_SLTCAP_ABP: Final = 0x01
EXP_SLTCAP_PCP: Final = 0x02
EXP_SLTCAP_AIP: Final = 0x08
EXP_SLTCAP_PIP: Final = 0x10
EXP_SLTCAP_HPS: Final = 0x20
EXP_SLTCAP_HPC: Final = 0x40
EXP_SLTCAP_NCCS: Final = 0x0004_0000
EXP_SLTCAP_PSN_SHIFT: Final = 19
EXP_SLTCTL: Final = 0x18
EXP_SLTCTL_ABPE: Final = 0x0001
EXP_SLTCTL_PFDE: Final = 0x0002
EXP_SLTCTL_PDCE: Final = 0x0008
EXP_SLTCTL_HPIE: Final = 0x0020
EXP_SLTCTL_AIC: Final = 0x00C0
EXP_SLTCTL_PIC: Final = 0x0300
EXP_SLTCTL_PCC: Final = 0x0400
EXP_SLTCTL_DLLSCE: Final = 0x1000
EXP_SLTSTA: Final = 0x1A
EXP_SLTSTA_ABP: Final = 0x0001
EXP_SLTSTA_PFD: Final = 0x0002
EXP_SLTSTA_PDC: Final = 0x0008
EXP_SLTSTA_PDS: Final = 0x0040
EXP_SLTSTA_DLLSC: Final = 0x0100


class PcieType(IntEnum):
    """Device/Port Type of the PCI Express capability (PCIe Base §7.8.2)."""

    ENDPOINT = 0
    LEGACY_ENDPOINT = 1
    ROOT_PORT = 4
    UPSTREAM = 5
    DOWNSTREAM = 6
    PCI_BRIDGE = 7
    PCIE_BRIDGE = 8
    RC_ENDPOINT = 9


class Led(IntEnum):
    """What an indicator of a slot shows (PCIe Base §7.8.10, both fields of Slot Control); 0 is reserved."""

    ON = 1
    BLINK = 2
    OFF = 3


class BarKind(Enum):
    """What a BAR register declares; the value is the spelling used in scenarios."""

    IO = "io"
    MEM32 = "mem32"
    PREF32 = "pref32"
    MEM64 = "mem64"
    PREF64 = "pref64"
    ROM = "rom"

    @property
    def is_io(self) -> bool:
        """Decoded by COMMAND.IO rather than COMMAND.MEMORY."""
        return self is BarKind.IO

    @property
    def is_64bit(self) -> bool:
        """Consumes two consecutive BAR registers."""
        return self in (BarKind.MEM64, BarKind.PREF64)

    @property
    def is_prefetchable(self) -> bool:
        """Carries the prefetchable bit (an expansion ROM does not have one)."""
        return self in (BarKind.PREF32, BarKind.PREF64)

    @property
    def low_bits(self) -> int:
        """The read-only low bits of the register (PCI 3.0 §6.2.5.1)."""
        return {
            BarKind.IO: 0x1,
            BarKind.MEM32: 0x0,
            BarKind.PREF32: 0x8,
            BarKind.MEM64: 0x4,
            BarKind.PREF64: 0xC,
            BarKind.ROM: 0x0,
        }[self]


class PowerState(IntEnum):
    """D-states as the PMCSR encodes them; D3COLD is power off and cannot be written."""

    D0 = 0
    D1 = 1
    D2 = 2
    D3HOT = 3
    D3COLD = 4


# --- class codes ---------------------------------------------------------------------------------
CLASS_NOT_DEFINED: Final = 0x0000
CLASS_DISPLAY_VGA: Final = 0x0300
CLASS_BRIDGE_HOST: Final = 0x0600
CLASS_BRIDGE_ISA: Final = 0x0601
CLASS_BRIDGE_PCI: Final = 0x0604
CLASS_BRIDGE_PCI_SUBTRACTIVE: Final = 0x060401
CLASS_SYSTEM_PIC: Final = 0x0800

# --- resource slots of a device (numbers as the kernel prints them without SR-IOV) -----------------
ROM_RESOURCE: Final = 6
BRIDGE_RESOURCES: Final = 7
IO_WINDOW: Final = 7
MEM_WINDOW: Final = 8
PREF_WINDOW: Final = 9
NUM_RESOURCES: Final = 11

MSI_ADDRESS_BASE: Final = 0xFEE0_0000
MSI_ADDRESS_LAST: Final = 0xFEEF_FFFF


def devfn(device: int, function: int) -> int:
    """Pack a device and function number as config cycles carry them."""
    return device << 3 | function


def bar_register(index: int, is_bridge: bool = False) -> int:
    """Return the config offset of BAR `index` (0-5) or of the expansion ROM (6)."""
    if index == ROM_RESOURCE:
        return ROM_ADDRESS1 if is_bridge else ROM_ADDRESS
    return BASE_ADDRESS_0 + 4 * index
