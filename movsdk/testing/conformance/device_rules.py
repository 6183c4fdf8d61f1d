"""Rules C01 to C27: mappings, DMA and interrupts, addresses that are kept elsewhere."""

from __future__ import annotations

from typing import Final

from movsdk.testing.conformance.rule import Rule

_V9 = "contract of RFC v9"

DEVICE_RULES: Final = (
    Rule(
        "base",
        "The driver works on a machine on which nothing moves.",
        "a test of moving says nothing about a driver that does not work",
        "probe, one round of I/O, remove",
        "make probe, exercise and remove work first; the kit looks at the rest afterwards",
    ),
    # --- mappings -------------------------------------------------------------------------------
    Rule(
        "C01",
        "After a move no access goes through a mapping of the old place.",
        f"{_V9}, macOS and Windows alike",
        "each access compares the generation of its mapping with that of the BAR",
        "iounmap() in rescan_prepare, iomap() again in rescan_done, and keep no second copy of the mapping",
        needs_io=True,
    ),
    Rule(
        "C02",
        "rescan_prepare leaves no mapping of a movable BAR open.",
        f'{_V9}: "unmap its BARs"',
        "mappings still open when rescan_prepare returns",
        "iounmap() in rescan_prepare",
    ),
    Rule(
        "C03",
        "rescan_done maps again and looks up every address it keeps.",
        "tinygrad caches bar_info; kernel drivers copy resource_start",
        "an access through the closed mapping; a number that held the old address and still does, wherever it is kept",
        "iomap() and resource_start() again in rescan_done",
        needs_io=True,
    ),
    Rule(
        "C04",
        "Any set of BARs may move alone.",
        "a GPU of which only BAR 5 moved",
        "force every subset of the movable BARs to move, do I/O after each",
        "map every BAR again in rescan_done, or compare each BAR with its own old place",
        needs_io=True,
    ),
    Rule(
        "C05",
        "Between rescan_prepare and rescan_done nobody touches the device.",
        "tt-kmd#207: hwmon, timers, work, interrupt threads",
        "any register or config access while the device is paused; time passes meanwhile",
        "cancel timers and work, free or mask interrupts, and gate user calls in rescan_prepare",
    ),
    Rule(
        "C06",
        "A mapping made again has the attributes it had: offset, length, write-combining.",
        "tt-kmd#137 keeps UC and WC mappings of one BAR",
        "compare (BAR, offset, length, wc) of the open mappings before and after",
        "pass the same offset, length and wc to iomap() in rescan_done",
    ),
    Rule(
        "C07",
        "A BAR that comes back smaller or not at all is reported, and nothing is touched.",
        "tt-kmd#194, NVIDIA #1109",
        "take a BAR away, or shrink it, during a rescan",
        "let the PciError of iomap() leave rescan_done; compare resource_len() with what you need",
    ),
    Rule(
        "C08",
        "All-ones is not taken for data.",
        "Bjorn Helgaas in review of the series",
        "pull the device while it works, with faults as hardware shows them: all-ones and no exception",
        "check for all-ones, confirm with read_config_word(0) == 0xffff, and give up with an error",
        needs_model=True,
    ),
    # --- DMA and interrupts -----------------------------------------------------------------------
    Rule(
        "C10",
        "When rescan_prepare returns no DMA is in flight.",
        "macOS pause contract",
        "any DMA of a paused device",
        "stop the engine and wait for what is in flight in rescan_prepare",
        needs_model=True,
    ),
    Rule(
        "C11",
        "Nobody's DMA writes into a paused device's BAR.",
        "macOS pause contract: not a DMA target either",
        "DMA of a peer into a BAR whose device is paused",
        "stop peer-to-peer transfers when the peer tells of a move",
        needs_model=True,
    ),
    Rule(
        "C12",
        "After rescan_prepare no interrupt is raised and no handler runs.",
        "macOS pause contract",
        "an interrupt of a paused device",
        "mask the device's interrupts and synchronize_irq(), or free_irq(), in rescan_prepare",
        needs_model=True,
    ),
    Rule(
        "C13",
        "After rescan_done every vector fires again.",
        "cloud-hypervisor#2508, #1797: the MSI-X table lies in a BAR that moved",
        "compare the vectors with a handler before and after; the table belongs to the core",
        "allocate and request the same vectors in rescan_done; never write the MSI-X table yourself",
    ),
    Rule(
        "C14",
        "Fewer vectors or another message address after a move are coped with.",
        "Windows rule; macOS: the MSI address may change",
        "offer fewer vectors after the move",
        "take what alloc_irq_vectors(1, n) gives in rescan_done and spread the work on it",
        needs_model=True,
    ),
    Rule(
        "C15",
        "Every request is completed exactly once, with its own data; held, not failed.",
        'Windows: "data must not be lost"',
        "requests in flight during the move; a ledger of what was asked and answered",
        "hold new requests in rescan_prepare, drain or replay those in flight",
        needs_model=True,
    ),
    Rule(
        "C16",
        "A device that lost its state while paused works again.",
        'Windows: "might lose power" while stopped',
        "reset the device between rescan_prepare and rescan_done",
        "program queues, doorbells and modes again in rescan_done, as in probe",
        needs_model=True,
    ),
    # --- addresses kept elsewhere ------------------------------------------------------------------
    Rule(
        "C20",
        "A device or firmware that was told its own address is told the new one.",
        "NVMe CMBMSC.CBA; GPU MMU bases",
        "compare what the model was programmed with and where the BAR is",
        "write the new resource_start() to the register in rescan_done",
        needs_model=True,
    ),
    Rule(
        "C21",
        "Peers that keep a BAR address are told.",
        "P2PDMA, NTB, GPUDirect; dma-buf revoke",
        "another card stores at an address that export_memory() gave it; who takes it back, and when",
        "call revoke() in rescan_prepare, before anything else; who wants the memory asks again",
    ),
    Rule(
        "C22",
        "IOMMU mappings of a BAR follow it.",
        "cloud-hypervisor#7027; AppleVTD::relocateDevice",
        "entries of dma_map_resource() that lead to the old range after the move of a peer",
        "dma_unmap_resource() in rescan_prepare; whoever gave you the address gives you the new one",
    ),
    Rule(
        "C23",
        "User mappings are zapped, and fault in again at the new place.",
        "DRM, tt-kmd#183, #254, #255, vfio zap",
        "a user mapping read and written before, while and after the move",
        "zap user mappings in rescan_prepare; insert the new address in the fault handler",
    ),
    Rule(
        "C24",
        "A write of a user while paused is delivered later or fails; it never vanishes.",
        "Christian König: dummy pages",
        "user writes while paused",
        "block the fault until rescan_done, or SIGBUS",
    ),
    Rule(
        "C25",
        "A user that keeps faulting does not keep the driver from going on.",
        "Christian König: fault-retry livelock",
        "bounded progress with a spinning user",
        "sleep in the fault handler until rescan_done instead of returning retry",
    ),
    Rule(
        "C26",
        "Whoever reads sysfs during a move sees old or new values, never half of each.",
        "v9 takes no lock for it",
        "read resource and config of the device at every step of the rescan",
        "write no BAR register yourself; after a reset of your own restore_state() at once",
    ),
    Rule(
        "C27",
        "A hidden owner (VGA, firmware framebuffer) is detached before the BAR moves.",
        "VGA rule of v9; hard lockup reported by Christian König",
        "light the display as firmware does, with a console on it; after a move it still draws at the old place",
        "remove_conflicting_devices() in probe, before the BARs are touched; or bar_fixed() = True while a console has the BAR",
    ),
)
