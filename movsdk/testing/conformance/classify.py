"""Which rule a bad access or a raising hook breaks.

Accesses know best what they are: paused, stale, closed. What is left is blamed on the rule of the trial.
"""

from __future__ import annotations

from dis import opname
from typing import TYPE_CHECKING

from movsdk.errors import (
    AccessFault,
    AccessWhilePaused,
    ContractError,
    DeviceAsleep,
    DeviceGone,
    HookFailed,
    MappingClosed,
    MovError,
    PciError,
    StaleMapping,
)
from movsdk.kernel.device import Device
from movsdk.kernel.header import find_capability
from movsdk.kernel.pcidev import device_of
from movsdk.pci_regs import CAP_ID_MSIX, MSIX_BIR, MSIX_ENTRY_SIZE, MSIX_FLAGS, MSIX_FLAGS_QSIZE, MSIX_TABLE
from movsdk.trace import Trace, What

if TYPE_CHECKING:
    from movsdk.testing.conformance.findings import Findings


def of_fault(stage: Findings, error: AccessFault) -> None:
    """Record a bad access."""
    fields = error.fields
    site = fields.get("access_site", ("?", 0))
    sites = {"mapped": fields["map_site"]} if "map_site" in fields else {}
    stage.note(rule_of(stage, error), error.message, (type(error).__name__, site), site, sites)


def rule_of(stage: Findings, error: AccessFault) -> str:
    """The rule that a bad access breaks."""
    fields = error.fields
    if str(fields.get("actor")).endswith(".bar_fixed"):
        return "C36"  # a question is to be answered from memory
    if isinstance(error, AccessWhilePaused) or fields.get("is_paused"):
        return "C05"
    if isinstance(error, DeviceAsleep):
        return "C45"
    if isinstance(error, DeviceGone) or not stage.moved:
        return stage.blame
    if isinstance(error, StaleMapping | MappingClosed):
        if stage.in_user_call and not fields.get("actor") and stage.trial.blames == "C42":
            return "C42"  # fetched before a wait, used after it
        return _of_old_mapping(stage, error)
    return stage.blame


def _of_old_mapping(stage: Findings, error: AccessFault) -> str:
    """C13 for the MSI-X table; C04 if other BARs are mapped anew and this one is not; else C01 for the old place, C03 for a
    closed mapping.
    """
    device = next((device_of(dev) for dev in stage.cards if device_of(dev).label == error.fields["device"]), None)
    bar = error.fields["bar"]
    fresh: set[int] = set()
    if device is not None and device.view is not None:
        fresh = {m.bar for m in device.view.held.mappings if m.generation == device.generation[m.bar]}
    if device is not None and _is_msix_table(device, bar, error.fields["bar_offset"]):
        return "C13"
    if fresh and bar not in fresh:
        return "C04"
    return "C01" if isinstance(error, StaleMapping) else "C03"


def _is_msix_table(device: Device, bar: int, offset: int) -> bool:
    """Whether this place in a BAR belongs to the table of MSI-X vectors, which is the core's."""
    at = find_capability(device, CAP_ID_MSIX)
    if not at:
        return False
    table, size = device.config_read(at + MSIX_TABLE, 4), (device.config_read(at + MSIX_FLAGS, 2) & MSIX_FLAGS_QSIZE) + 1
    return bar == table & MSIX_BIR and 0 <= offset - (table & ~MSIX_BIR) < size * MSIX_ENTRY_SIZE


def of_failure(stage: Findings, failure: HookFailed) -> None:
    """Record what a hook or a callback raised, or a breach that no line of the driver raises."""
    error = failure.fields.get("error")
    label, hook = failure.fields.get("device", ""), failure.fields.get("hook", "")
    site = failure.fields.get("site", ("?", 0))
    if label in stage.helpers or (stage.is_excused(label, error) and hook != "remove"):
        return
    rule = {"dma": "C10", "irq": "C12", "peer": "C11", "atomic": "C32", "user": "C23", "retry": "C25"}.get(
        failure.fields.get("kind", ""), stage.blame
    )
    if hook.startswith("work ") and failure.fields.get("is_paused"):
        rule = "C05"  # it ran into what rescan_prepare took away
    stage.note(rule, str(failure), (hook, failure.fields.get("kind") or type(error).__name__, site), site)


def left_behind(trace: Trace, device: Device, since: int) -> list[str]:
    """What the core had to take back after the last remove of `device`, by the timeline from `since` on; a line each."""
    notes = [event.text for event in trace.of(What.NOTE, since=since) if event.who == device.label]
    return [text for text in notes if " after remove of " in f" {text}"]


def leak_rule(text: str, stage: Findings) -> str:
    """The rule that something left behind breaks: the enable count, or what remove should have stopped and given back."""
    if "still enabled" in text:
        return "C48"
    return "C41" if stage.trial.is_plain else stage.blame


def is_said(error: BaseException) -> bool:
    """Whether the driver's code says it, by ``raise`` or ``assert``, and does not stumble: over an index, a key, a None."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    if last is None or isinstance(error, MovError):
        return False
    return opname[last.tb_frame.f_code.co_code[last.tb_lasti]] == "RAISE_VARARGS"


def comes_of_loss(error: object) -> bool:
    """Whether `error` comes of a lost device: what its driver says, and all-ones from silicon.

    A gate that waits for a user inside of it is no fault either: the user is interrupted by the same task.
    """
    is_gate = isinstance(error, ContractError) and "gate" in error.fields
    return is_gate or isinstance(error, PciError | DeviceGone)
