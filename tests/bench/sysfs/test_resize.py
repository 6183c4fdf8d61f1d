"""resourceN_resize: the sizes that a card offers, and what a write is answered, on a card with the Resizable BAR capability."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path

import pytest

from movsdk.bench.sysfs.stage import staged
from movsdk.bench.sysfs.view import SysfsView

# PCI Express at 0x40, Resizable BAR at 0x100: BAR 2 of 1, 2 or 4 MiB, now 2.
_MACHINE = """
windows: [{{type: mem, start: 0x80000000, last: 0x8fffffff}}]
devices:
  - id: gpu
    slot: "01.0"
    driver: {driver}
    bars: [{{n: 2, type: mem32, size: 2M}}]
    config:
      size: 4096
      0x00: f4 1a 10 11 00 00 10 00 00 00 00 03
      0x34: "40"
      0x40: 10 00 02 00
      0x100: 15 00 01 00 70 00 00 00 22 01 00 00
"""
_FILE = "/sys/bus/pci/devices/0000:00:01.0/resource2_resize"


@pytest.fixture(params=["none"])
def view(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SysfsView]:
    """The card's machine; the parameter is its driver."""
    (tmp_path / "machine.yaml").write_text(_MACHINE.format(driver=request.param))
    view = SysfsView(staged(tmp_path / "machine.yaml").world)
    yield view
    view.close()


def test_the_sizes_that_the_card_offers(view: SysfsView) -> None:
    """A bit for each power of two of MiB, as in the capability."""
    assert view.read(_FILE) == b"0000000000000007\n"


def test_the_size_that_it_has_is_accepted(view: SysfsView) -> None:
    """Nothing has to be done for it."""
    view.write(_FILE, "1\n")


@pytest.mark.parametrize(
    ("data", "code"),
    [("big", errno.EINVAL), ("3", errno.EINVAL), ("64", errno.EINVAL), ("2", errno.EOPNOTSUPP), ("0", errno.EOPNOTSUPP)],
)
def test_what_is_refused(view: SysfsView, data: str, code: int) -> None:
    """No number, a size that the card does not offer; another size is what we do not model."""
    with pytest.raises(OSError) as caught:
        view.write(_FILE, data)
    assert caught.value.errno == code


@pytest.mark.parametrize("view", ["fixed"], indirect=True)
def test_a_bound_card_is_busy(view: SysfsView) -> None:
    """Its driver may have mapped the BAR."""
    with pytest.raises(OSError, match="is bound to") as caught:
        view.write(_FILE, "1")
    assert caught.value.errno == errno.EBUSY
