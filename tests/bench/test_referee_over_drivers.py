"""What a driver does to its registers is told by the judge, and is no fault of ours."""

from __future__ import annotations

import re

from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from movsdk import Bench, PciDev
from movsdk.bench.referee import Referee
from movsdk.kernel.pcidev import device_of
from movsdk.kernel.setup import write_bar
from movsdk.pci_regs import BASE_ADDRESS_0


class Meddler(Edu):
    """Writes its own BAR register in rescan_done."""

    name = "meddler"

    def rescan_done(self, dev: PciDev) -> None:
        super().rescan_done(dev)
        dev.write_config_dword(BASE_ADDRESS_0, 0x8700_0000)


def test_a_register_that_a_driver_wrote_is_a_finding() -> None:
    """It is the driver's doing, at this line, and no fault of ours; a BAR that the kernel places again is in order again."""
    bench = Bench(strict=False)
    dev = bench.plug(Meddler, EduModel)

    bench.rescan()

    finding = next(finding for finding in bench.referee.findings if finding.rule == "C30")
    assert re.search(
        r"written by its driver at .*test_referee_over_drivers.py:\d+: BAR 0 holds 0x87000000, the kernel believes", finding.text
    )
    found = device_of(dev)
    write_bar(found, 0, found.resources[0].start)
    assert Referee(bench.world).check(bench.reports[-1]) == []
