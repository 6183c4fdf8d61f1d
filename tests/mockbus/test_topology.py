"""Machines: declared, plugged and pulled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mockbus.bar import BarSpec
from mockbus.model import PlainModel
from mockbus.topology import Machine
from movsdk import pci_regs as regs
from movsdk.address import Span
from movsdk.errors import BadInput
from movsdk.ops import Space
from movsdk.pci_regs import BarKind, PcieType
from tests.mockbus.machines import MEM, Card, config, desk, model, set_config

BAR = (BarSpec(0, BarKind.MEM32, 0x1000),)


def _tree() -> Machine:
    """A pulled switch with two cards below, one of them pulled by itself."""
    machine = Machine([("mem", Span(MEM, MEM + 0xFFFFFF))])
    machine.add_bridge("port", slot="01.0", hotplug=True, firmware={"bus": (0, 1, 4), "mem": Span(MEM, MEM + 0x1FFFFF)})
    firmware = {"bus": (1, 2, 2), "mem": Span(MEM, MEM + 0xFFFFF)}
    machine.add_bridge("switch", "port", "00.0", firmware=firmware, present=False)
    machine.add_bridge("inner", "switch", "02.0", hotplug=True)
    machine.add("deep", "inner", "00.0", PlainModel())
    machine.add("one", "switch", "00.0", PlainModel(bars=BAR), firmware={0: MEM + 0x4000})
    machine.add("two", "switch", "01.0", PlainModel(bars=BAR), present=False)
    return machine


def test_below_an_absent_bridge_nobody_is_present() -> None:
    """A pulled chassis takes its cards with it."""
    machine = _tree()

    assert [machine.function(label).present for label in machine.labels] == [True] + [False] * 5
    assert machine.label_at(2, 0) is None


def test_plug_brings_everything_below_in_power_on_state() -> None:
    """Firmware's bus numbers, windows and BARs are there at once: the card answers."""
    machine = _tree()

    machine.plug("switch")

    assert [machine.label_at(*place) for place in ((1, 0), (2, 0), (2, 8))] == ["switch", "one", "two"]
    assert all(function.present for function in machine)
    assert config(machine, "one", 0x10) == MEM + 0x4000
    assert machine.fabric.claims(Space.MEM, MEM + 0x4000)[0].label == "one"


def test_unplug_takes_everything_below() -> None:
    """No config cycle and no access is answered any more; back again it is as after power-on."""
    machine = _tree()
    machine.plug("switch")
    set_config(machine, "one", 0x10, 4, MEM + 0x8000)

    machine.unplug("switch")
    gone = [machine.label_at(*place) for place in ((1, 0), (2, 0), (2, 8))]
    claims = machine.fabric.claims(Space.MEM, MEM + 0x8000)
    machine.plug("switch")

    assert (gone, claims) == ([None] * 3, ())
    assert config(machine, "one", 0x10) == MEM + 0x4000


def test_a_pulled_slot_takes_another_card_after_discard() -> None:
    """A slot holds one function; discarding the pulled one makes room."""
    machine = desk()

    machine.discard("card")
    machine.add("other", "port", "00.0", PlainModel(0x8086, 0x1234))

    assert machine.labels == ("port", "other")
    assert machine.fabric.config_read(1, 0, 0, 4) == 0x12348086


def test_functions_of_one_device_share_a_multifunction_header() -> None:
    """Function 0 says that there are more, however they were added; a lone function does not; power-on keeps it."""
    machine = Machine([])
    machine.add("f1", "root", "02.1", PlainModel(), present=False)
    machine.add("f0", "root", "02.0", PlainModel(), present=False)
    machine.add("alone", "root", "03.0", PlainModel())
    for label in ("f0", "f1"):
        machine.plug(label)

    assert [config(machine, label, regs.HEADER_TYPE, 1) for label in ("f0", "f1", "alone")] == [0x80, 0, 0]


def test_the_root_bus_may_have_another_number() -> None:
    """Several host bridges number their buses apart."""
    machine = Machine([], root_bus=0x40, domain=1)
    machine.add("card", "root", "00.0", PlainModel())

    assert (machine.label_at(0x40, 0), machine.label_at(0, 0), machine.fabric.domain) == ("card", None, 1)


def test_models_are_reset_when_power_comes() -> None:
    """The model's reset runs once for each power-on, not at the declaration of an absent card."""
    machine = desk()
    machine.add("absent", "port", "00.1", Card(), present=False)

    before = model(machine, "card").resets, model(machine, "absent").resets
    machine.plug("absent")

    assert (before, model(machine, "absent").resets) == ((1, 0), 1)


def test_a_machine_lists_its_functions() -> None:
    """Functions come in the order they were added."""
    machine = _tree()

    assert machine.labels == tuple(function.label for function in machine) == ("port", "switch", "inner", "deep", "one", "two")


def _add(on: str, slot: str, label: str = "new") -> Callable[[Machine], Any]:
    return lambda machine: machine.add(label, on, slot, PlainModel())


@pytest.mark.parametrize(
    ("act", "message"),
    [
        pytest.param(_add("root", "01.0"), "new: slot 01.0 on root is taken by port", id="taken"),
        pytest.param(_add("root", "20.0"), "new: slot '20.0' is not dd.f with dd up to 1f", id="device 32"),
        pytest.param(_add("root", "1.8"), "new: slot '1.8' is not dd.f", id="function 8"),
        pytest.param(_add("root", "nowhere"), "new: slot 'nowhere' is not dd.f", id="no slot at all"),
        pytest.param(_add("nobody", "00.0"), "new: sits on 'nobody', which does not exist; add the bridge first", id="no bus"),
        pytest.param(_add("card", "00.0"), "new: sits on 'card', which is no bridge", id="an endpoint has no bus"),
        pytest.param(_add("root", "05.0", "card"), "card: there is a function of that name already", id="name"),
        pytest.param(_add("root", "05.0", "root"), "root: there is a function of that name already", id="root"),
        pytest.param(_add("port", "01.0"), "new: below the PCI Express port port only device 00 exists, not 01.0", id="link"),
        pytest.param(lambda machine: machine.plug("gone"), "there is no function 'gone'; known: port, card", id="unknown"),
    ],
)
def test_a_topology_that_cannot_be_is_refused(act: Callable[[Machine], Any], message: str) -> None:
    """The message names the function, the place and the reason."""
    machine = desk()

    with pytest.raises(BadInput, match=message):
        act(machine)


@pytest.mark.parametrize("pcie", [PcieType.ROOT_PORT, PcieType.DOWNSTREAM])
def test_functions_of_device_0_share_a_link(pcie: PcieType) -> None:
    """A multifunction card below a port is fine."""
    machine = Machine([])
    machine.add_bridge("port", slot="01.0", pcie=pcie, firmware={"bus": (0, 1, 1)})
    machine.add("f0", "port", "00.0", PlainModel())
    machine.add("f7", "port", "00.7", PlainModel())

    assert [machine.label_at(1, devfn) for devfn in (0, 7)] == ["f0", "f7"]


def test_main_power_can_be_cut_and_given_back() -> None:
    """D3cold: everything below goes dark, nothing tells, and comes back as after a reset, whatever firmware had left."""
    machine = Machine([])
    machine.add_bridge("port", slot="01.0", hotplug=True, firmware={"bus": (0, 1, 1)})
    machine.add("card", "port", "00.0", Card())
    machine.add("absent", "port", "01.0", Card(), present=False)

    machine.cut_power("port")
    dark = [function.present for function in machine]
    machine.restore_power("port")
    machine.restore_power("port")

    assert dark == [False, False, False]
    assert [function.present for function in machine] == [True, True, False]
    assert machine.function("port").config.read(regs.PRIMARY_BUS, 4) == 0
    assert machine.fabric.clock.next_due() is None


def test_a_card_without_main_power_is_in_its_place() -> None:
    """Plugging what is there does nothing: it gets its power back from who took it, and from nobody else."""
    machine = Machine([])
    machine.add_bridge("port", slot="01.0", firmware={"bus": (0, 1, 1)})
    machine.add("card", "port", "00.0", Card())
    machine.cut_power("card")

    machine.plug("card")

    assert not machine.function("card").present
    machine.restore_power("card")
    assert machine.function("card").present


def test_a_bridge_without_main_power_has_none_to_give() -> None:
    """A card that is plugged below it wakes with it, one that is pulled does not."""
    machine = Machine([])
    machine.add_bridge("port", slot="01.0", firmware={"bus": (0, 1, 1)})
    machine.add("old", "port", "00.0", Card())
    machine.add("new", "port", "01.0", Card(), present=False)
    machine.cut_power("port")

    machine.unplug("old")
    machine.plug("new")

    assert not machine.function("new").present
    machine.restore_power("port")
    assert [function.present for function in machine] == [True, False, True]


def test_a_card_without_main_power_can_be_pulled() -> None:
    """The slot notices, and power does not bring it back."""
    machine = Machine([])
    machine.add_bridge("port", slot="01.0", hotplug=True, firmware={"bus": (0, 1, 1)})
    machine.add("card", "port", "00.0", Card())
    machine.cut_power("card")

    machine.unplug("card")
    machine.restore_power("card")

    assert not machine.function("card").present
    assert machine.fabric.clock.next_due() == 0
