"""Tests of the port driver: which devices it takes, and that its BARs move without a pause."""

from __future__ import annotations

import pytest

from mockbus.topology import Machine
from movsdk import PciId, Span
from movsdk.pci_regs import HEADER_TYPE, HEADER_TYPE_BRIDGE

from .driver import Port
from .model import BridgeWords, downstream_port, pci_bridge, root_port, upstream_port


@pytest.mark.parametrize(
    ("class_code", "expected"),
    [
        pytest.param(0x060400, True, id="bridge"),
        pytest.param(0x060401, True, id="subtractive bridge"),
        pytest.param(0x060000, False, id="host bridge"),
        pytest.param(0x010802, False, id="nvme"),
    ],
)
def test_the_driver_takes_every_pci_bridge_and_nothing_else(class_code: int, expected: bool) -> None:
    """The id table names a class, not a vendor."""
    device = PciId(0x8086, 0x1234, 0, 0, class_code)

    assert any(row.matches(device) for row in Port.id_table) is expected


def test_the_driver_has_bar_fixed_and_no_pause() -> None:
    """A port is movable without being paused, as portdrv in v9."""
    assert not hasattr(Port, "rescan_prepare")
    assert not hasattr(Port, "rescan_done")


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(root_port(with_bar=True), id="root port"),
        pytest.param(upstream_port(), id="upstream port"),
        pytest.param(downstream_port(), id="downstream port"),
        pytest.param(pci_bridge(), id="conventional bridge"),
    ],
)
def test_each_kind_of_bridge_can_be_built(words: BridgeWords) -> None:
    """A machine takes the words as they are, and a bridge answers."""
    machine = Machine([("mem", Span(0xE000_0000, 0xEFFF_FFFF))])
    machine.add_bridge("bridge", slot="01.0", **words)

    assert machine.fabric.config_read(0, 0x08, HEADER_TYPE, 1) == HEADER_TYPE_BRIDGE
