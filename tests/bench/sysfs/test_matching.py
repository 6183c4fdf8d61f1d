"""driver_override, new_id, bind, unbind: files that have a say in which driver a device gets."""

from __future__ import annotations

import errno

import pytest

from movsdk.bench.bench import Bench
from movsdk.bench.sysfs.view import SysfsView
from movsdk.errors import PciError
from movsdk.hooks import PciId
from movsdk.kernel.binding import register_driver
from movsdk.kernel.pcidev import PciDev
from tests.bench.sysfs.cards import VENDOR, Card, MemoryCard, Other

NAME = "0000:01:00.0"
CARD = f"/sys/bus/pci/devices/{NAME}"
DRIVERS = "/sys/bus/pci/drivers"


@pytest.fixture
def view(bench: Bench) -> SysfsView:
    """A card with its driver, and another driver that does not know it."""
    bench.plug(Card, MemoryCard)
    register_driver(bench.world.system, Other)
    return SysfsView(bench.world)


def driver(view: SysfsView) -> str | None:
    """Name of the card's driver."""
    device = view.find(NAME)
    return device.driver.name if device is not None and device.driver is not None else None


def test_override_hands_a_device_to_a_driver_that_does_not_know_it(view: SysfsView) -> None:
    """The way of vfio-pci: unbind, override, probe; then back."""
    view.write(f"{DRIVERS}/card/unbind", NAME)
    view.write(f"{CARD}/driver_override", "other\n")
    assert view.read(f"{CARD}/driver_override") == b"other\n"
    view.write("/sys/bus/pci/drivers_probe", NAME)
    assert driver(view) == "other"

    view.write(f"{DRIVERS}/other/unbind", NAME)
    view.write(f"{CARD}/driver_override", "\n")
    view.write("/sys/bus/pci/drivers_probe", f"{NAME}\n")
    assert driver(view) == "card"


def test_override_with_an_unknown_name_keeps_every_driver_away(view: SysfsView) -> None:
    """Not even the one that matches."""
    view.write(f"{DRIVERS}/card/unbind", NAME)
    view.write(f"{CARD}/driver_override", "none")
    with pytest.raises(OSError, match="no driver took it") as caught:
        view.write("/sys/bus/pci/drivers_probe", NAME)
    assert caught.value.errno == errno.EINVAL
    with pytest.raises(OSError, match="does not match") as caught:
        view.write(f"{DRIVERS}/card/bind", NAME)
    assert caught.value.errno == errno.ENODEV


def test_bind_needs_a_match(view: SysfsView) -> None:
    """A driver that does not serve the device refuses, one that does takes it."""
    view.write(f"{DRIVERS}/card/unbind", NAME)
    with pytest.raises(OSError, match="does not match"):
        view.write(f"{DRIVERS}/other/bind", NAME)
    view.write(f"{DRIVERS}/card/bind", NAME)
    assert driver(view) == "card"


def test_new_id_offers_unbound_devices_at_once(view: SysfsView) -> None:
    """And remove_id forgets the row, not the binding."""
    view.write(f"{DRIVERS}/card/unbind", NAME)
    view.write(f"{DRIVERS}/other/new_id", "1af4 1110")
    assert driver(view) == "other"
    view.write(f"{DRIVERS}/other/remove_id", "1af4 1110")
    assert driver(view) == "other"
    view.write(f"{DRIVERS}/other/unbind", NAME)
    with pytest.raises(OSError, match="does not match"):
        view.write(f"{DRIVERS}/other/bind", NAME)


def test_new_id_reads_all_fields(view: SysfsView) -> None:
    """vendor device subvendor subdevice class mask data, hexadecimal."""
    view.write(f"{DRIVERS}/other/new_id", "1AF4 1110 1af4 1100 050000 ffff00 7")
    assert next(iter(view.matching.dynamic.values())) == [PciId(VENDOR, 0x1110, VENDOR, 0x1100, 0x050000, 0xFFFF00)]


def test_bind_tells_what_probe_reported(bench: Bench) -> None:
    """The errno of the driver comes out of the write."""

    class Picky(Card):
        name = "picky"
        is_willing = True

        def probe(self, dev: PciDev, id: PciId) -> None:
            if not self.is_willing:
                raise PciError(errno.ENXIO, "not today")
            super().probe(dev, id)

    picky = Picky()
    bench.plug(picky, MemoryCard)
    view = SysfsView(bench.world)
    view.write(f"{DRIVERS}/picky/unbind", NAME)
    picky.is_willing = False
    with pytest.raises(OSError, match="probe by picky failed") as caught:
        view.write(f"{DRIVERS}/picky/bind", NAME)
    assert caught.value.errno == errno.ENXIO
