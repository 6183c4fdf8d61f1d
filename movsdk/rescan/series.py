"""The series as 21 parts: what each patch of v2 is called, where its twin stands in this code, what breaks without it.

Twin: the table of contents of the posting of March 2019. The experiments that show it are `movsdk.bench.experiments`'; taking a
part out is `rules.without`'s. Text only.
"""

from __future__ import annotations

from typing import Final

from attrs import frozen

from movsdk.errors import BadInput


@frozen
class Patch:
    """One patch of v2. `title` as the posting has it, in short: it is what to search a mailing list for.

    `where`: its twin, ``module:name`` each. `breaks`: what goes wrong without it. `alone`: whether it comes out by itself, and
    what is idle then. `later`: what became of it (nearest readable patch).
    """

    number: int
    title: str
    where: tuple[str, ...]
    breaks: str
    alone: str
    later: str


_PLACING: Final = "movsdk.rescan.rules.v5_placing"

SERIES: Final = (
    Patch(
        1,
        "PCI: Fix writing invalid BARs during pci_restore_state()",
        ("movsdk.kernel.saved_state:restore_state", "movsdk.kernel.power:PowerRules"),
        "a device that slept while its BAR moved wakes with the old address in its register, and its driver talks to nobody",
        "yes",
        "dropped in v5: bridges are woken before and saved after the move",
    ),
    Patch(
        2,
        "PCI: PCI-specific release_child_resources()",
        ("movsdk.rescan.rules.v5:forget",),
        "a released BAR has no alignment any more, is refused as bogus and never assigned again; fixed BARs forget their address",
        "yes",
        "v5 04, v9 04",
    ),
    Patch(
        3,
        "PCI: Add a flag for the movable BARs feature",
        ("movsdk.kernel.cmdline:FeatureSwitch", "movsdk.rescan.engine:Engine.moves"),
        "nobody can turn the feature on where the platform does not, nor off where it does",
        "yes, but nothing can be turned on then: the other parts of the move (2, 4-14, 17-21) are idle",
        "v5 03, v9 03; one word, pci=no_movable_bars, since v6",
    ),
    Patch(
        4,
        "PCI: Pause the devices with movable BARs during rescan",
        ("movsdk.rescan.pausing:pause", "movsdk.rescan.pausing:resume"),
        "a driver goes on using registers that are being moved away under it, and keeps its mapping of the old place afterwards",
        "yes",
        "v5 03, v9 03",
    ),
    Patch(
        5,
        "PCI: Release and reassign the root bridge resources",
        ("movsdk.rescan.rules.v5:release", "movsdk.layout.release:windows_to_give_up"),
        "free space behind other bridges is of no use: a newcomer must fit into what its own bridge has left",
        "yes; 2, 8, 9 and 11-14 have little to do then",
        "v5 06, v9 06 (root-bus devices stay since v8, old windows stay open since v6)",
    ),
    Patch(
        6,
        "PCI: Don't allow hotplugged devices to steal resources",
        ("movsdk.rescan.rules.v2:fallback", "movsdk.rescan.rules.record:nothing_lost"),
        "a newcomer takes the place of a BAR in use, and the device that worked is cut off",
        "yes",
        "v5 07 (the device stays visible), v9 07 and 08",
    ),
    Patch(
        7,
        "PCI: Mark immovable BARs with PCI_FIXED",
        ("movsdk.rescan.rules.v2:pin",),
        "the BAR of a driver that knows nothing of moving is moved under it",
        "yes; 8 and 11-14 see only what the platform marked",
        "a function instead of a mark: v5 03, v9 03",
    ),
    Patch(
        8,
        "PCI: Include fixed BARs into bus size calculating",
        ("movsdk.rescan.rules.v5:alignment", "movsdk.rescan.rules.v2:counts"),
        "a window is sized for what moves alone, and is too small for its fixed BARs",
        "yes",
        "v5 08, v9 11",
    ),
    Patch(
        9,
        "PCI: Don't reserve memory for hotplug",
        ("movsdk.rescan.rules.v5:reserve_of",),
        "empty hot-plug ports take the space that a newcomer needs",
        "yes",
        "v5 16; v9 20 asks for the reserve first and drops it when it does not fit",
    ),
    Patch(
        10,
        "PCI: Allow the failed resources to be reassigned later",
        (f"{_PLACING}:failed",),
        "a BAR that found no place once is forgotten and never comes back, not even in the next attempt of the same rescan",
        "yes",
        "v5 05, v9 05",
    ),
    Patch(
        11,
        "PCI: Calculate fixed areas of bridge windows",
        ("movsdk.rescan.rules.v5:ranges",),
        "a window goes where it fits best and misses the fixed BARs behind it; they lose their way",
        "yes; 12 and 13 have nothing to go by then, 14 only BARs",
        "v5 11, v9 10",
    ),
    Patch(
        12,
        "PCI: Calculate boundaries for bridge windows",
        (f"{_PLACING}:lowest",),
        "a window that grows downwards covers the fixed BARs of its neighbour",
        "yes; in v9 it is gone",
        "v5 12, v6 13; gone in v9",
    ),
    Patch(
        13,
        "PCI: Make sure bridge windows include their fixed BARs",
        (f"{_PLACING}:minimum",),
        "the search for a window begins at the bottom of its parent and ends below the fixed BARs it should cover",
        "yes",
        "v5 13 (its check afterwards never fires), v9 12",
    ),
    Patch(
        14,
        "PCI: Prioritize fixed BAR assigning over movable",
        (f"{_PLACING}:is_anchored",),
        "a large movable BAR comes first and takes the place of a fixed one",
        "yes",
        "v5 15, v9 13 and 14 (by address)",
    ),
    Patch(
        15,
        "PCI: Fix race in pci_enable/disable_device()",
        ("movsdk.kernel.enable:EnableRules", "movsdk.kernel.enable:enable_mutex"),
        "of two drivers probing below one bridge the second reads all-ones: the bridge counts as enabled and is not open yet",
        "yes, but it takes two tasks to see it: a scenario has one, so `run --without 15` shows nothing",
        "v5 01, v9 01 (bridges only)",
    ),
    Patch(
        16,
        "PCI: Enable bridge's I/O and MEM for hotplugged devices",
        ("movsdk.kernel.enable:reenable_bridge",),
        "a bridge that firmware enabled with nothing behind it stays closed: the newcomer has BARs and cannot be reached",
        "yes",
        "v5 02, v9 02",
    ),
    Patch(
        17,
        "PCI: pciehp support",
        ("movsdk.rescan.engine:Engine.hotadd", "movsdk.rescan.hotplug:SlotHandler"),
        "a slot event stays local, the newcomer gets what its bridge has left; only a rescan by hand moves anything",
        "yes",
        "v5 23, v9 18",
    ),
    Patch(
        18,
        "nvme-pci: Handle movable BARs",
        ("movsdk.reference.nvme.driver:Nvme", "movsdk.reference.nvme.controller:NvmeController"),
        "the drive is an obstacle: its BAR stays, and the newcomer does not fit round it",
        "yes; it comes out of the driver, not out of the rules",
        "v6 27, v9 24",
    ),
    Patch(
        19,
        "powerpc/pci: Fix crash",
        ("movsdk.kernel.powernv:Phb",),
        "on PowerNV a BAR that found no place is mapped beyond the segment table, and the kernel dies",
        "yes; only platform powernv shows it",
        "v5 17; later versions turn the feature off there",
    ),
    Patch(
        20,
        "PCI: Wake up bridges during rescan",
        ("movsdk.kernel.runtime_pm:hold_bridges",),
        "nobody answers behind a sleeping bridge: a BAR that is written there keeps its old address",
        "yes",
        "v5 03, v9 03 (to D0, and saved afterwards)",
    ),
    Patch(
        21,
        "x86: enable movable BARs",
        ("movsdk.kernel.cmdline:FeatureSwitch",),
        "on x86 nothing moves unless the command line says pcie_movable_bars=force",
        "yes; with the option the rest works (v9 has none that turns it on)",
        "removed in v3; on everywhere since v5",
    ),
)


def patch(number: int) -> Patch:
    """Return patch `number` (1-21). Raises `BadInput`."""
    if not 1 <= number <= len(SERIES):
        raise BadInput(f"the series has patches 1 to {len(SERIES)}, not {number}; `movsdk series` lists them")
    return SERIES[number - 1]
