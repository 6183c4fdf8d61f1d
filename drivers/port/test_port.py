"""Tests of the port driver: which devices it takes, and that its BARs move without a pause."""

from __future__ import annotations

import pytest

from mockbus.topology import Machine
from movsdk import Bench, PciId, Span
from movsdk.bench.forcing import forced_away
from movsdk.bench.world import make_world
from movsdk.kernel.binding import register_driver
from movsdk.pci_regs import COMMAND, COMMAND_MASTER, COMMAND_MEMORY, HEADER_TYPE, HEADER_TYPE_BRIDGE
from movsdk.rescan.rules import by_name

from ..edu.driver import Edu
from ..edu.model import EduModel
from . import regs as r
from .bridges import BridgeWords, downstream_port, pci_bridge, root_port, upstream_port
from .driver import Port


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


def test_a_port_enables_the_way_to_its_card(bench: Bench) -> None:
    """Memory and DMA of a card pass the port: decode and bus mastering are on."""
    bench.plug(Edu, EduModel)
    port = bench.world.find("port1")

    assert port is not None
    assert port.driver is not None
    assert port.driver.name == "port"
    assert port.config_read(COMMAND, 2) & (COMMAND_MEMORY | COMMAND_MASTER) == COMMAND_MEMORY | COMMAND_MASTER


def test_the_bar_of_a_port_moves_without_a_pause() -> None:
    """The BAR of a switch goes elsewhere, and no hook of the driver but bar_fixed is called."""
    windows = [("mem", Span(0xE000_0000, 0xEFFF_FFFF))]
    machine = Machine(windows)
    machine.add_bridge("top", slot="01.0", **root_port())
    machine.add_bridge("switch", on="top", **upstream_port(with_bar=True))
    world = make_world(machine, windows, by_name("v9"))
    register_driver(world.system, Port)
    world.engine.boot()
    switch = world.find("switch")
    assert switch is not None

    with forced_away(world.engine, switch, (r.MSIX_BAR,)):
        report = world.engine.rescan()

    assert [(move.device, move.bar) for move in report.moves] == [("switch", r.MSIX_BAR)]
    assert report.paused == ()
    assert not world.system.failures
