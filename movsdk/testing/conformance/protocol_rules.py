"""Rules C30 to C50: the hook protocol, and the rest of the world while BARs move."""

from __future__ import annotations

from typing import Final

from movsdk.testing.conformance.rule import Rule, Weight

PROTOCOL_RULES: Final = (
    # --- the hook protocol -------------------------------------------------------------------------
    Rule(
        "C30",
        "Hooks leave BAR registers, decode bits and windows to the core.",
        "AMD's first attempt released resources in its hooks",
        "config writes of the driver to BARs, COMMAND decode bits or windows",
        "use enable_device(), iomap() and resource_start(); never write BARs or COMMAND",
    ),
    Rule(
        "C31",
        "rescan_prepare ends: it waits for nothing that needs rescan_done, and for the device only so long.",
        "ALSA: D3hot against work in flight",
        "a hook that lets more than 20 s of virtual time pass, or never returns",
        "take locks in the order in which user calls take them; wait with a timeout, and raise PciError(EBUSY) when it is over",
    ),
    Rule(
        "C32",
        "An interrupt handler does not sleep, and no hook starts a rescan.",
        "confusion in AMD's attempt",
        "a call that may sleep (msleep, wait_for, iomap, free_irq, cancel, ...) or a rescan from an interrupt handler",
        "do what sleeps in queue_work()",
    ),
    Rule(
        "C33",
        "Hooks out of turn (done without prepare, prepare twice) do no harm.",
        "Windows: spurious CANCEL_STOP",
        "call the hooks out of turn, then do I/O",
        "make the hooks idempotent, or refuse with a PciError and change nothing",
    ),
    Rule(
        "C34",
        "A rescan in which nothing moves is survived.",
        'NVMe patch of the series: remaps "unconditionally"',
        "rescan without a reason, then I/O",
        "do the same in rescan_done whether or not the address changed",
        needs_io=True,
    ),
    Rule(
        "C35",
        "When rescan_done fails, the device is gone, nobody else suffers and remove works.",
        "Windows: fail restart",
        "let iomap() or alloc_irq_vectors() fail in rescan_done",
        "undo what rescan_done began, raise PciError, and let remove cope with a half-started device",
    ),
    Rule(
        "C36",
        "bar_fixed() gives one answer, without side effects.",
        "RFC v9",
        "ask several times, before and after I/O",
        "answer from constants or from state that only probe and remove change",
    ),
    Rule(
        "C37",
        "Several devices with one driver are independent.",
        "AMD: the second GPU hung in prepare",
        "two and three cards with one driver, all paused together",
        "keep all state in dev.drvdata, none in the driver object or the module",
        needs_io=True,
    ),
    Rule(
        "C38",
        "The order in which sibling functions are paused does not matter.",
        "GPU and its HDA function share link and power",
        "permute the order of siblings",
        "rely on no other device's hook having run",
    ),
    Rule(
        "C39",
        "rescan_prepare is quick.",
        'macOS: "as quickly as possible"',
        "virtual time an idle device spends in its hooks",
        "wait for events instead of sleeping for fixed times",
        weight=Weight.ADVICE,
    ),
    # --- the rest of the world ----------------------------------------------------------------------
    Rule(
        "C40",
        "A rescan may come while another device is probed.",
        "macOS defers pauses while a device initialises",
        "rescan at the points where probe waits",
        "set drvdata only when the hooks can work with it, and let the hooks cope with None",
    ),
    Rule(
        "C41",
        "Remove and a move do not step on each other.",
        "tt-kmd#141: use after free",
        "remove during or right after a move",
        "cancel work and timers in remove, and let them check that the device is still theirs",
    ),
    Rule(
        "C42",
        "User calls in progress survive a move in their middle.",
        "tt-kmd#245",
        "a rescan at every point where a round of I/O waits",
        "take a lock round each user call that rescan_prepare takes as well; fetch the mapping after each wait",
    ),
    Rule(
        "C43",
        "A device pulled between prepare and done is found gone.",
        "Windows: surprise removal chain",
        "pull it before each step of the rescan, and in the middle of rescan_done",
        "let rescan_done raise PciError(ENODEV), and remove work without the device",
    ),
    Rule(
        "C44",
        "Error recovery while paused does no harm.",
        "v9 claims to be compatible with AER and DPC",
        "error_detected and slot_reset between prepare and done",
        "touch no register in error_detected; leave starting to rescan_done if paused",
    ),
    Rule(
        "C45",
        "A device that slept through a move wakes at its new place.",
        'RFC patch 1; commit 51c0996dadae "pci_restore_state"',
        "suspend, move, resume; the BAR register equals the resource",
        "do nothing in the rescan hooks while suspended, map again in resume, keep no saved BARs of your own",
    ),
    Rule(
        "C46",
        "System sleep with a move in it is survived.",
        "Bjorn Helgaas's question",
        "suspend all devices, move, resume all",
        "treat resume as rescan_done",
    ),
    Rule(
        "C47",
        "A second rescan right after, or during, the first is survived.",
        "macOS delays probes by 10 ms",
        "two moves in a row, and one that is asked for while the first goes on",
        "leave no state behind in rescan_done that rescan_prepare does not expect",
        needs_io=True,
    ),
    Rule(
        "C48",
        "Enable and disable are balanced.",
        "the pci_enable/disable race of patch 15",
        "the enable count after remove; two probes below one bridge",
        "one disable_device() for each enable_device()",
    ),
    Rule(
        "C49",
        "Virtual functions follow their physical function.",
        "SR-IOV",
        "VF BARs after a move of the PF",
        "let the core place VF BARs",
        missing="SR-IOV is not modelled",
    ),
    Rule(
        "C50",
        "No region is still requested while the BAR moves.",
        "the NVMe patch releases and requests again",
        "regions held when rescan_prepare returns",
        "release_regions() in rescan_prepare, request_regions() in rescan_done",
    ),
)
