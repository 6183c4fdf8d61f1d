"""What config bytes say."""

from __future__ import annotations

from mockbus.bar import BarSpec
from mockbus.capabilities import MsiX, Pcie, Pm
from mockbus.function import Function
from mockbus.model import PlainModel
from mockbus.topology import Machine
from movsdk import pci_regs as regs
from movsdk.address import Span
from movsdk.bench.config_facts import dword, find_capability, header_type, is_hotplug_port, pcie_type, word
from movsdk.pci_regs import BarKind, PcieType


def endpoint() -> bytes:
    model = PlainModel(0x1AF4, 0x1110, bars=(BarSpec(0, BarKind.MEM32, 0x1000),))
    model.capabilities = (Pm(), MsiX(4, (0, 0), (0, 0x800)), Pcie(PcieType.ENDPOINT))
    return bytes(Function.of_model("card", model).config.data)


def port(*, hotplug: bool) -> bytes:
    machine = Machine([("mem", Span(0xE0000000, 0xEFFFFFFF))])
    return bytes(machine.add_bridge("port", pcie=PcieType.DOWNSTREAM, hotplug=hotplug).config.data)


def test_capabilities_are_found_by_walking() -> None:
    """The bytes silicon lays out are the bytes we read."""
    config = endpoint()

    found = find_capability(config, regs.CAP_ID_MSIX)

    assert config[found] == regs.CAP_ID_MSIX
    assert find_capability(config, regs.CAP_ID_MSI) == 0
    assert find_capability(bytes(256), regs.CAP_ID_PM) == 0
    assert (word(config, 0), dword(config, 0), header_type(config)) == (0x1AF4, 0x11101AF4, 0)


def test_a_circle_of_capabilities_ends() -> None:
    """A broken dump must not hang the importer."""
    config = bytearray(256)
    config[regs.STATUS] = regs.STATUS_CAP_LIST
    config[regs.CAPABILITY_LIST] = config[0x41] = 0x40

    assert find_capability(bytes(config), regs.CAP_ID_EXP) == 0


def test_a_hotplug_port_says_so_in_its_slot_capabilities() -> None:
    """Only the HPC bit of a port with a slot counts."""
    assert is_hotplug_port(port(hotplug=True))
    assert not is_hotplug_port(port(hotplug=False))
    assert not is_hotplug_port(endpoint())
    assert (pcie_type(port(hotplug=True)), pcie_type(endpoint()), pcie_type(bytes(256))) == (
        PcieType.DOWNSTREAM,
        PcieType.ENDPOINT,
        None,
    )
