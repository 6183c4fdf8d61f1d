"""pylspci, a package that nobody here wrote, on an exported folder.

It is none of our dependencies: its last release (0.4.3, which passes on Python 3.11) is of 2022.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from movsdk.bench.bench import Bench
from movsdk.bench.sysfs.export_tree import export_tree
from tests.bench.sysfs.cards import Card, MemoryCard
from tests.bench.sysfs.pciutils import needs_pciutils


@needs_pciutils
def test_pylspci_lists_the_devices(bench: Bench, tmp_path: Path) -> None:
    """Slots, ids, classes and drivers as the kernel has them."""
    command = pytest.importorskip("pylspci.command", reason="needs pylspci: pip install pylspci")
    dev = bench.plug(Card, MemoryCard)
    export_tree(bench.world, tmp_path / "tree")
    builder = command.CommandBuilder(access_method="linux-sysfs", pcilib_params={"sysfs.path": str(tmp_path / "tree")})

    found = {str(each.slot): each for each in builder.verbose().with_ids().include_kernel_drivers().with_default_parser()}

    assert found.keys() == {str(device.bdf) for device in bench.world.system.devices()}
    card = found[dev.name]
    assert (card.vendor.id, card.device.id, card.cls.id, card.driver) == (0x1AF4, 0x1110, 0x0500, "card")
