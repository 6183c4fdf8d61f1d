"""The PCI Express capability: port types and function-level reset."""

from __future__ import annotations

import pytest

from mockbus.capabilities import Pcie
from mockbus.express import EXP_DEVCTL
from mockbus.function import Function
from mockbus.model import PlainModel
from movsdk import pci_regs as regs
from movsdk.pci_regs import PcieType
from tests.mockbus.machines import config, desk, model, set_config


class Express(PlainModel):
    """A device with nothing but the capability."""

    config_size = 4096

    def __init__(self, capability: Pcie) -> None:
        super().__init__()
        self.capabilities = (capability,)


@pytest.mark.parametrize("port_type", list(PcieType))
def test_the_port_type_is_read_from_the_bytes(port_type: PcieType) -> None:
    """What the flags say is what the function is; links hang below root and downstream ports only."""
    function = Function.of_model("card", Express(Pcie(port_type)))

    assert function.express is not None
    assert function.express.port_type is port_type
    assert function.express.is_point_to_point is (port_type in (PcieType.ROOT_PORT, PcieType.DOWNSTREAM))


@pytest.mark.parametrize(("flr", "resets"), [pytest.param(True, 1, id="offered"), pytest.param(False, 0, id="not offered")])
def test_function_level_reset(flr: bool, resets: int) -> None:
    """Writing the bit resets the function if it offers that, and reads back as zero; Device Control gets its reset value."""

    class Card(Express):
        resets = -1  # the first is power-on

        def reset(self) -> None:
            self.resets += 1

    machine = desk(Card(Pcie(flr=flr)))
    express = machine.function("card").express
    assert express is not None

    set_config(machine, "card", express.offset + EXP_DEVCTL, 2, 0x8000)

    control = config(machine, "card", express.offset + EXP_DEVCTL, 2)
    assert (model(machine).resets, control) == (resets, 0x2810 if flr else 0)
    assert (machine.function("card").command == 0) is flr


def test_slot_registers_exist_where_a_slot_does() -> None:
    """Slot control takes writes only on a port with a slot."""
    plain, slotted = (Function.of_model("port", Express(Pcie(PcieType.ROOT_PORT, slot=slot))) for slot in (False, True))

    found = []
    for function in (plain, slotted):
        assert function.express is not None
        function.config_write(function.express.offset + regs.EXP_SLTCTL, 2, 0x1FFF)
        found.append(function.config.read(function.express.offset + regs.EXP_SLTCTL, 2))

    assert found == [0, 0x1FFF]
