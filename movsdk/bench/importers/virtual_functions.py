"""Which functions are virtual ones, where no link of sysfs says so: the numbers in the SR-IOV capability of the physical one.

Twin: ``pci_iov_virtfn_bus()`` and ``pci_iov_virtfn_devfn()`` in drivers/pci/iov.c. A virtual function is not played, but
the sizes of its BARs are kept with the physical function.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from attrs import evolve

from movsdk.address import Bdf
from movsdk.bench.config_facts import word
from movsdk.bench.importers.capability_text import SRIOV
from movsdk.bench.importers.join import Joined
from movsdk.bench.importers.registers import find_extended
from movsdk.bench.importers.said import SaidBar
from movsdk.pci_regs import ROM_RESOURCE

_NUM_VFS: Final = 0x10
_OFFSET: Final = 0x14
_STRIDE: Final = 0x16


def take_out(found: dict[Bdf, Joined], notes: list[str]) -> None:
    """Remove virtual functions from `found`; `notes` gets their names."""
    for physical in [each for each in found.values() if find_extended(each.config, SRIOV)]:
        addresses = _routing_ids(physical)
        for bdf in [bdf for bdf in found if bdf.domain == physical.bdf.domain and _routing_id(bdf) in addresses]:
            virtual = found.pop(bdf)
            notes.append(f"left out: {bdf} ({virtual.at}): a virtual function (SR-IOV) of {physical.bdf}")
            for bar in _bars(virtual):
                physical.vf_bars.setdefault(bar.n, bar)


def _routing_id(bdf: Bdf) -> int:
    """Bus, device and function in one number."""
    return bdf.bus << 8 | bdf.device << 3 | bdf.function


def _routing_ids(physical: Joined) -> range:
    """Those of its virtual functions."""
    at = find_extended(physical.config, SRIOV)
    if at + _STRIDE + 2 > len(physical.config):
        return range(0)
    count, offset, stride = (word(physical.config, at + field) for field in (_NUM_VFS, _OFFSET, _STRIDE))
    first, step = _routing_id(physical.bdf) + offset, max(stride, 1)
    return range(first, first + count * step, step) if offset else range(0)


def _bars(virtual: Joined) -> Iterator[SaidBar]:
    """What is known of their sizes: each virtual function has the same."""
    yield from (evolve(bar, start=None) for bar in virtual.said_bars.values() if bar.size and bar.n < ROM_RESOURCE)
    for n, bar in enumerate(virtual.resources.bars[:ROM_RESOURCE]):
        if bar.exists:
            yield SaidBar(n, bar.kind, None, bar.size, bar.at)
