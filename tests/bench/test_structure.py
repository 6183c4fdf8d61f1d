"""What devices are to one another."""

from __future__ import annotations

import pytest

from movsdk.address import Span
from movsdk.bench.place import Place
from movsdk.bench.scenario import Aperture, BridgeSpec, EndpointSpec, FunctionSpec
from movsdk.bench.structure import check_apertures, check_structure
from movsdk.errors import BadInput
from movsdk.pci_regs import PcieType

HERE = Place("m", "devices")
PORT = BridgeSpec(id="p", slot="01.0", pcie=PcieType.ROOT_PORT)
SWITCH = BridgeSpec(id="s", slot="02.0", pcie=PcieType.UPSTREAM)
CARD = EndpointSpec(id="a", slot="03.0")


def test_devices_may_come_in_any_order() -> None:
    """A file need not be sorted."""
    devices = [EndpointSpec(id="b", on="p"), PORT, CARD]

    assert list(check_structure(devices, HERE)) == ["b", "p", "a"]


@pytest.mark.parametrize(
    "devices",
    [
        pytest.param([EndpointSpec(id=f"f{n}", slot=f"03.{n}") for n in range(8)], id="eight functions"),
        pytest.param([SWITCH, EndpointSpec(id="x", on="s", slot="1f.0")], id="many devices on a switch's bus"),
        pytest.param(
            [PORT, EndpointSpec(id="x", on="p"), EndpointSpec(id="y", on="p", slot="00.1")], id="functions below a port"
        ),
    ],
)
def test_real_shapes_are_accepted(devices: list[FunctionSpec]) -> None:
    """Functions of one device, and buses that are not links."""
    assert len(check_structure(devices, HERE)) == len(devices)


@pytest.mark.parametrize(
    ("devices", "message"),
    [
        ([CARD, PORT, CARD], 'devices[2].id: "a" is the id of devices[0] too; ids are unique'),
        (
            [CARD, EndpointSpec(id="b", slot="03.0")],
            'devices[1].slot: slot 03.0 on "root" already holds "a"; one function a slot',
        ),
        (
            [PORT, EndpointSpec(id="x", on="q")],
            'devices[1].on: unknown bridge "q"; known: p, root',
        ),
        ([CARD, EndpointSpec(id="x", on="a")], 'devices[1].on: "a" is an endpoint; only a bridge has a bus below it'),
        (
            [PORT, EndpointSpec(id="x", on="p", slot="01.0")],
            'devices[1].slot: slot 01.0 below the PCIe port "p": only device 00 can answer there',
        ),
        (
            [EndpointSpec(id="x", slot="04.1")],
            'devices[0].slot: function 04.1 on "root" without function 04.0; nobody looks for it then',
        ),
        ([BridgeSpec(id="x", on="x")], "devices[0].on: a cycle of bridges: x on x; one of them must be on 'root'"),
        (
            [EndpointSpec(id="a", on="x"), BridgeSpec(id="x", on="y"), BridgeSpec(id="y", on="z"), BridgeSpec(id="z", on="x")],
            "devices[0].on: a cycle of bridges: a on x on y on z on x; one of them must be on 'root'",
        ),
        (
            [BridgeSpec(id=f"b{n}", on=f"b{(n + 1) % 50}") for n in range(50)],
            "devices[0].on: a cycle of bridges: b0 on b1 on b2 on b3 on ... on b48 on b49 on b0; one of them must be on 'root'",
        ),
    ],
)
def test_what_no_machine_can_be_is_refused(devices: list[FunctionSpec], message: str) -> None:
    """Names, bridges and slots must make a tree."""
    with pytest.raises(BadInput) as caught:
        check_structure(devices, HERE)

    assert str(caught.value) == f"m: {message}"


def test_a_dumped_port_is_known_by_its_config_bytes() -> None:
    """The capability says what it is, no key needs to."""
    config = bytearray(256)
    config[0x06], config[0x0E], config[0x34] = 0x10, 1, 0x40
    config[0x40:0x44] = bytes([0x10, 0, 0x62, 0])  # a downstream port
    port = BridgeSpec(id="p", slot="01.0", config=bytes(config))

    with pytest.raises(BadInput) as caught:
        check_structure([port, EndpointSpec(id="x", on="p", slot="01.0")], HERE)

    assert "only device 00 can answer there" in str(caught.value)


def test_a_chain_is_as_long_as_there_are_buses() -> None:
    """256 bridges one below the other, in whatever order; the next has no bus. Thousands cost no more than thousands of steps."""
    chain = [BridgeSpec(id=f"b{n}", on=f"b{n - 1}" if n else "root") for n in range(5000)]

    assert len(check_structure(chain[255::-1], HERE)) == 256
    for order in (chain, list(reversed(chain))):
        with pytest.raises(BadInput, match=r'devices\[\d+\].on: "b\d+" lies below \d+ bridges; a domain has 256 buses'):
            check_structure(order, HERE)


def test_apertures_of_one_space_must_not_overlap() -> None:
    """Memory is one space whatever the type of the window; I/O is another."""
    low, io = Aperture("mem", Span(0, 0xFFFF)), Aperture("io", Span(0, 0xFFFF))
    check_apertures([low, io], HERE)

    with pytest.raises(BadInput) as caught:
        check_apertures([io, low, Aperture("pref64", Span(0xFFFF, 0x1FFFF))], HERE)

    assert str(caught.value) == (
        "m: devices[2]: [0xffff-0x1ffff] overlaps the aperture [0x0-0xffff]; an address has one way to the bus"
    )
