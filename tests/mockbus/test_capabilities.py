"""Capabilities: laid out, walked, and brought to life from any bytes."""

from __future__ import annotations

import pytest

from mockbus.bar import BarSpec
from mockbus.capabilities import CapabilitySpec, Msi, MsiX, Pcie, Pm, walk
from mockbus.config import ConfigSpace
from mockbus.function import Function
from mockbus.model import PlainModel
from movsdk import pci_regs as regs
from movsdk.errors import BadInput
from movsdk.pci_regs import BarKind, PcieType
from tests.mockbus.machines import MSIX_TABLE, Card


class Having(PlainModel):
    """A device with two BARs and the capabilities of the case."""

    def __init__(self, *capabilities: CapabilitySpec) -> None:
        super().__init__(bars=(BarSpec(0, BarKind.MEM32, 0x1000), BarSpec(4, BarKind.IO, 0x100)))
        self.capabilities = capabilities


def test_capabilities_are_linked_in_order() -> None:
    """The list starts at 0x40, keeps the order of the declaration, and STATUS says there is one."""
    function = Function.of_model("card", Card())

    assert list(walk(function.config)) == [
        (regs.CAP_ID_PM, 0x40),
        (regs.CAP_ID_MSI, 0x48),
        (regs.CAP_ID_MSIX, 0x58),
        (regs.CAP_ID_EXP, 0x64),
    ]
    assert function.config.read(regs.STATUS, 2) == regs.STATUS_CAP_LIST


def test_without_capabilities_there_is_no_list() -> None:
    """STATUS clear means that the pointer is not looked at."""
    config = Function.of_model("card", PlainModel()).config
    config.put(regs.CAPABILITY_LIST, 1, 0x40)

    assert list(walk(config)) == []


@pytest.mark.parametrize(
    ("links", "found"),
    [
        pytest.param({0x34: 0x40, 0x41: 0x40}, [0x40], id="bites its tail"),
        pytest.param({0x34: 0x43, 0x41: 0x5E, 0x5D: 0}, [0x40, 0x5C], id="low bits do not count"),
        pytest.param({0x34: 0x40, 0x41: 0x10}, [0x40], id="points into the header"),
        pytest.param({0x34: 0xFF, 0xFD: 0}, [0xFC], id="points to the end"),
    ],
)
def test_a_broken_list_ends(links: dict[int, int], found: list[int]) -> None:
    """Walking junk terminates: dumps of broken devices are input too."""
    config = ConfigSpace()
    config.put(regs.STATUS, 2, regs.STATUS_CAP_LIST)
    for offset, value in links.items():
        config.put(offset, 1, value)

    assert [at for _, at in walk(config)] == found


def test_a_dump_gets_the_same_behaviour() -> None:
    """A function made from bytes alone has its capabilities where the bytes say."""
    dump = bytes(Function.of_model("card", Card()).config.data)

    function = Function.of_model("card", PlainModel(bars=Card.bars), config=dump)

    assert function.power_control is not None
    assert function.power_control.offset == 0x40
    assert function.msi is not None
    assert function.msi.offset == 0x48
    assert function.msix is not None
    assert (function.msix.offset, function.msix.vectors) == (0x58, 8)
    assert function.express is not None
    assert function.express.port_type is PcieType.ENDPOINT
    assert next(overlay.start for overlay in function.bars[0].overlays) == MSIX_TABLE


def test_a_table_in_a_bar_nobody_declared_is_out_of_reach() -> None:
    """A dump whose BARs are not all declared still works, without the table."""
    dump = bytes(Function.of_model("card", Card()).config.data)

    function = Function.of_model("card", PlainModel(), config=dump)

    assert function.msix is not None
    assert function.bars == {}


@pytest.mark.parametrize(
    ("capability", "message"),
    [
        pytest.param(Msi(vectors=3), "card: MSI with 3 vectors; it has 1, 2, 4, 8, 16 or 32", id="msi vectors"),
        pytest.param(MsiX(0, (0, 0), (0, 0x800)), "card: MSI-X with 0 vectors; it has 1 to 2048", id="no vectors"),
        pytest.param(MsiX(8, (1, 0), (0, 0x800)), r"card: MSI-X table, 128 bytes at BAR 1 \+ 0x0, must lie", id="absent BAR"),
        pytest.param(MsiX(8, (4, 0), (0, 0x800)), r"table, 128 bytes at BAR 4 \+ 0x0, must lie in a memory BAR", id="I/O BAR"),
        pytest.param(MsiX(8, (0, 0xF90), (0, 0)), r"table, 128 bytes at BAR 0 \+ 0xf90, must lie", id="past the end"),
        pytest.param(MsiX(8, (0, 0), (0, 0x804)), r"pending bits, 8 bytes at BAR 0 \+ 0x804, must .* on 8 bytes", id="unaligned"),
        pytest.param(MsiX(8, (0, 0), (0, 0x40)), "card: MSI-X table and pending bits overlap in BAR 0", id="overlap"),
        pytest.param(Pcie(slot=True), "card: PCI Express type ENDPOINT has no slot; only ROOT_PORT and", id="slot"),
    ],
)
def test_a_capability_the_device_cannot_have_is_refused(capability: CapabilitySpec, message: str) -> None:
    """The message names device, capability and limit."""
    with pytest.raises(BadInput, match=message):
        Function.of_model("card", Having(capability))


def test_too_many_capabilities_do_not_fit() -> None:
    """The list lives below 0x100."""
    with pytest.raises(BadInput, match="card: capability 0x10 does not fit: 0x130 bytes of config space, 0x100 exist"):
        Function.of_model("card", Having(*[Pcie()] * 4))


def test_power_management_says_which_states_it_has() -> None:
    """D1 and D2 support and No_Soft_Reset stand in the registers, read-only."""
    function = Function.of_model("card", Having(Pm(no_soft_reset=True, d1=True, d2=True)))

    function.config_write(0x40 + regs.PM_PMC, 2, 0)
    function.config_write(0x40 + regs.PM_CTRL, 2, 0)

    assert function.config.read(0x40 + regs.PM_PMC, 2) == 0x0603
    assert function.config.read(0x40 + regs.PM_CTRL, 2) == regs.PM_CTRL_NO_SOFT_RESET
