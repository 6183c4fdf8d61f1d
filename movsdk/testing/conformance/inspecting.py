"""What is looked at from inside a rescan: right after rescan_prepare, right after rescan_done, and each config access.

Reads belief and silicon; touches nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from attrs import frozen

from movsdk.kernel.actor import NOWHERE, Site, show
from movsdk.kernel.device import Device
from movsdk.kernel.mmio import IoMem
from movsdk.kernel.pcidev import PciDev, device_of
from movsdk.pci_regs import BASE_ADDRESS_0, COMMAND, COMMAND_IO, COMMAND_MEMORY, ROM_RESOURCE, PowerState
from movsdk.testing.conformance import keeping
from movsdk.testing.conformance.rule import Weight

if TYPE_CHECKING:
    from movsdk.testing.conformance.stage import Stage

_LAST_BAR_REGISTER: Final = BASE_ADDRESS_0 + 4 * 5


@frozen
class Standing:
    """What a driver had before a rescan: where its BARs begin, open mappings, vectors with a handler, addresses that it keeps."""

    places: dict[int, int]
    mappings: Counter[tuple[int, int, int, bool]]
    sites: dict[int, Site]
    handlers: int
    caches: dict[str, tuple[int, int]]


def standing(stage: Stage, dev: PciDev) -> Standing:
    """Look at `dev` before a rescan."""
    mapped = {mapping.bar: mapping.mapped_at for mapping in dev.held.mappings}
    caches = keeping.addresses(dev, stage.subject.constants)
    return Standing(keeping.places(dev), _kinds(dev.held.mappings), mapped, _handlers(dev), caches)


def after_prepare(stage: Stage, dev: PciDev) -> None:
    """C02 and C50: what is still held when rescan_prepare has returned."""
    device = device_of(dev)
    driver = device.driver
    if driver is None or not device.is_paused:
        return
    hook = getattr(driver.target, "rescan_prepare", None)
    code = getattr(hook, "__code__", None)
    site = (code.co_filename, code.co_firstlineno) if code is not None else NOWHERE
    weight = Weight.ERROR if driver.has("bar_fixed") else Weight.ADVICE
    for mapping in dev.held.mappings:
        if _may_move(device, mapping.bar):
            stage.note(
                "C02",
                f"{device}: BAR {mapping.bar}, mapped at {show(mapping.mapped_at)}, is still mapped when rescan_prepare "
                f"({show(site)}) returns; iounmap() it there",
                ("still mapped", mapping.bar, mapping.mapped_at),
                site,
                {"mapped": mapping.mapped_at},
                weight,
            )
    held = sorted({region.bar for region in dev.held.regions if _may_move(device, region.bar)})
    if held:
        bars = ", ".join(map(str, held))
        stage.note(
            "C50",
            f"{device}: regions of BAR {bars} are still requested when rescan_prepare ({show(site)}) returns; "
            "release_regions() there, and request_regions() in rescan_done",
            ("still requested",),
            site,
        )


def after_done(stage: Stage, dev: PciDev, before: Standing) -> None:
    """C03, C06, C13, C20 and C22, once the driver is awake again."""
    device = device_of(dev)
    if device.driver is None or device.is_gone or device.is_paused or device.current_state != PowerState.D0:
        return
    now = {bar: span.start for bar in range(ROM_RESOURCE) if (span := device.bar_span(bar)) is not None}
    hook = getattr(device.driver.target, "rescan_done", None)
    code = getattr(hook, "__code__", None)
    site = (code.co_filename, code.co_firstlineno) if code is not None else NOWHERE
    _compare_firmware(stage, device, now, site)
    _compare_addresses(stage, dev, before, now, site)
    _compare_attributes(stage, device, dev, before)
    for entry in dev.held.resource_maps:
        if entry.is_stale:
            text = (
                f"{device}: {entry}, made at {show(entry.mapped_at)}, is as before, and the BAR is at "
                f"{entry.target.bar_span(entry.bar) or 'no address'}; dma_unmap_resource() it in rescan_prepare"
            )
            stage.note("C22", text, ("IOMMU entry", entry.mapped_at), entry.mapped_at)
    if before.handlers > (count := _handlers(dev)) and device.driver.has("rescan_done"):
        stage.note(
            "C13",
            f"{device}: {count} interrupt vectors have a handler after rescan_done ({show(site)}), {before.handlers} had one "
            "before; allocate and request them again",
            ("vectors",),
            site,
        )


def _compare_addresses(stage: Stage, dev: PciDev, before: Standing, now: Mapping[int, int], site: Site) -> None:
    """Addresses that the driver kept and still keeps. Beside one that was looked up again, an old one may be a record."""
    values = dict(keeping.numbers(dev))
    moved = {
        path: (bar, old) for path, (bar, old) in before.caches.items() if now.get(bar, before.places[bar]) != before.places[bar]
    }
    fresh = {bar for path, (bar, old) in moved.items() if values.get(path) == old - before.places[bar] + now[bar]}
    for path, (bar, old) in moved.items():
        if values.get(path) != old:
            continue
        remark = "; another copy was looked up again, and this one is no trouble unless it is used" if bar in fresh else ""
        stage.note(
            "C03",
            f"{device_of(dev)}: {path} still holds {old:#x}, where BAR {bar} was; it is at {now[bar]:#x} now. "
            f"Look it up again in rescan_done ({show(site)}){remark}",
            ("cached", path),
            site,
            weight=Weight.ADVICE if bar in fresh else Weight.ERROR,
        )


def config_access(stage: Stage, device: Device, operation: str, offset: int, value: int, site: Site) -> None:
    """C05 for any config access of a paused device (C36 for one in bar_fixed), C30 for writes that are the core's business."""
    if device.is_paused or device.in_hook == "bar_fixed":
        is_question = device.in_hook == "bar_fixed"
        when = "in bar_fixed, which answers from memory" if is_question else "between rescan_prepare and rescan_done"
        stage.note(
            "C36" if is_question else "C05",
            f"{device}: config {operation} at {offset:#x} ({show(site)}) {when}; the device is on the move",
            ("config", site),
            site,
        )
    owned = _owned(device, offset, value)
    if operation == "write" and owned and (device.in_hook in ("rescan_prepare", "rescan_done") or device.is_paused):
        stage.note(
            "C30",
            f"{device}: {device.in_hook or 'the driver'} writes {owned} ({offset:#x}) at {show(site)}; BARs, windows and decode "
            "are the core's: use enable_device(), set_master() and iomap()",
            ("owned register", site),
            site,
        )


def _owned(device: Device, offset: int, value: int) -> str:
    """What a driver must not write: decode bits and BARs. Other bits of COMMAND are its own."""
    if offset == COMMAND and (value ^ device.config_read(COMMAND, 1)) & (COMMAND_IO | COMMAND_MEMORY):
        return "the decode bits of COMMAND"
    return f"BAR {(offset - BASE_ADDRESS_0) // 4}" if BASE_ADDRESS_0 <= offset < _LAST_BAR_REGISTER + 4 else ""


def _compare_attributes(stage: Stage, device: Device, dev: PciDev, before: Standing) -> None:
    """Mappings of a BAR that came back as many, but not as they were."""
    now = _kinds(dev.held.mappings)
    for bar in {kind[0] for kind in before.mappings - now}:
        was = [kind for kind in (before.mappings - now).elements() if kind[0] == bar]
        became = [kind for kind in (now - before.mappings).elements() if kind[0] == bar]
        if len(was) != len(became):
            continue  # it maps when it needs to
        fresh = next(mapping for mapping in dev.held.mappings if _kind(mapping) == became[0])
        mapped = before.sites.get(bar, NOWHERE)
        stage.note(
            "C06",
            f"{device}: a mapping of BAR {bar} was {_words(was[0])} (made at {show(mapped)}) and is {_words(became[0])} "
            f"(made at {show(fresh.mapped_at)}); pass the same offset, length and wc to iomap() in rescan_done",
            ("attributes", bar),
            fresh.mapped_at,
            {"mapped": mapped},
        )


def _words(kind: tuple[int, int, int, bool]) -> str:
    _, offset, length, wc = kind
    return f"{length:#x} bytes from {offset:#x}, {'write-combining' if wc else 'uncached'}"


def _compare_firmware(stage: Stage, device: Device, now: Mapping[int, int], site: Site) -> None:
    """What the silicon was told of its own addresses."""
    model = stage.bench.world.machine.function(device.label).model
    for what, bar, address in model.programmed_addresses() if model is not None else ():
        if bar in now and address != now[bar]:
            stage.note(
                "C20",
                f"{device}: {what} says BAR {bar} is at {address:#x}, but it is at {now[bar]:#x}; "
                f"write resource_start({bar}) there in rescan_done ({show(site)})",
                ("programmed", what),
                site,
            )


def _kinds(mappings: list[IoMem]) -> Counter[tuple[int, int, int, bool]]:
    return Counter(map(_kind, mappings))


def _kind(mapping: IoMem) -> tuple[int, int, int, bool]:
    return (mapping.bar, mapping.address - mapping.start, mapping.size, mapping.wc)


def _handlers(dev: PciDev) -> int:
    return sum(vector.handler is not None for vector in dev.held.vectors)


def _may_move(device: Device, bar: int) -> bool:
    answers = device.row.answers
    return device.bar_span(bar) is not None and not (answers is not None and answers[bar])


def fire_vectors(stage: Stage, dev: PciDev) -> set[int]:
    """Let the silicon raise each vector that has a handler; returns those whose handler ran."""
    function = stage.bench.world.machine.function(device_of(dev).label)
    ran = set()
    for vector in list(dev.held.vectors):
        if vector.handler is None:
            continue
        before = vector.count
        function.raise_irq(vector.index)
        dev.clock.run_pending()
        if vector.count > before:
            ran.add(vector.index)
    return ran
