"""Which driver was bound."""

from __future__ import annotations

from pathlib import Path

import pytest

from movsdk.address import Bdf
from movsdk.bench.importers.drivers import our_driver, read_drivers
from movsdk.errors import BadInput
from tests.bench.importers.dumps import BOOT, read_text


def test_a_real_list_is_read() -> None:
    """A dash is nobody."""
    found = read_drivers(read_text(BOOT / "drivers.txt"))

    assert (len(found), found[Bdf.parse("03:00.0")][0], found[Bdf.parse("05:00.0")][0]) == (15, "nvme", "-")


@pytest.mark.parametrize(
    ("linux", "is_bridge", "ours"),
    [
        ("-", False, "none"),
        ("-", True, "none"),
        ("nvme", False, "nvme"),
        ("nvme", True, "fixed"),
        ("pcieport", True, "port"),
        ("pcieport", False, "fixed"),
        ("e1000e", False, "fixed"),
        ("shpchp", True, "fixed"),
        ("movable", False, "movable"),
        ("port", True, "port"),
        ("port", False, "fixed"),
    ],
)
def test_a_linux_driver_we_do_not_have_is_immovable(linux: str, is_bridge: bool, ours: str) -> None:
    """It has no rescan hooks: its BARs stay where they are."""
    assert our_driver(linux, is_bridge) == ours


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0000:03:00.0\n", ':1: not `address driver`: "0000:03:00.0"'),
        ("0000:03:00.0 nv me\n", ':1: not `address driver`: "0000:03:00.0 nv me"'),
        ("0000:03:00.0 a\n03:00.0 b\n", ":2: 0000:03:00.0 a second time"),
    ],
)
def test_what_is_no_list_of_drivers_is_refused_by_line(text: str, message: str, tmp_path: Path) -> None:
    """One address, one driver, a line."""
    path = tmp_path / "drivers.txt"
    path.write_text(text)

    with pytest.raises(BadInput) as caught:
        read_drivers(read_text(path))

    assert str(caught.value) == f"{path}{message}"
