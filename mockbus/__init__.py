"""Silicon in plain Python: config space, bridges, BARs, slots, power, interrupts, DMA.

Twin: a PCI bus. Never raises on traffic: it answers as hardware does and records faults. Imports only the facts of movsdk.
"""

from mockbus.bar import BarSpec
from mockbus.bridge import Bridge
from mockbus.capabilities import Msi, MsiX, Pcie, Pm
from mockbus.fabric import Fabric
from mockbus.function import Function
from mockbus.model import DeviceModel, PlainModel
from mockbus.topology import Machine
from movsdk.pci_regs import BarKind, PcieType

__all__ = [
    "BarKind",
    "BarSpec",
    "Bridge",
    "DeviceModel",
    "Fabric",
    "Function",
    "Machine",
    "Msi",
    "MsiX",
    "Pcie",
    "PcieType",
    "PlainModel",
    "Pm",
]
