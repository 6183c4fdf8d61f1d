"""Forcing chosen BARs to move, or to lose their place, within an ordinary rescan.

Ballast takes the old place of each chosen BAR for one transaction, so the rules themselves find it another; the device's other
BARs are pinned, in versions that know single BARs (v9). Nothing of the rules is bypassed, and silicon never hears of the ballast.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import combinations
from typing import Final

from attrs import define, field

from movsdk.address import Span
from movsdk.errors import BadInput, NoSpace
from movsdk.kernel.device import Device
from movsdk.layout.table import SIZEALIGN, TYPE_BITS, UNSET, Resource, Row
from movsdk.pci_regs import BRIDGE_RESOURCES, ROM_RESOURCE
from movsdk.points import mention
from movsdk.rescan.engine import Engine
from movsdk.rescan.report import assigned_spans

_REMEDY: Final = "who moves a card that another task removes, pulls or moves catches BadInput"
_PINNED = (True,) * BRIDGE_RESOURCES


def movable_bars(device: Device) -> tuple[int, ...]:
    """BARs 0-5 of `device` that have a place now and that its driver does not pin."""
    return tuple(bar for bar in range(ROM_RESOURCE) if device.bar_span(bar) is not None and not _is_pinned(device, bar))


def _is_pinned(device: Device, bar: int) -> bool:
    """Whether the driver says that this BAR stays."""
    driver = device.driver
    return driver is not None and driver.has("bar_fixed") and bool(driver.call("bar_fixed", dev=device, bar=bar))


def check_bar(device: Device, bar: int) -> None:
    """Refuse a BAR that has no place. Raises `BadInput` naming those that have one."""
    if bar not in range(BRIDGE_RESOURCES) or device.bar_span(bar) is None:
        assigned = [n for n in range(BRIDGE_RESOURCES) if device.bar_span(n) is not None]
        raise BadInput(f"{device}: BAR {bar} has no place to be moved from; assigned are {assigned}")


def subsets(bars: Iterable[int]) -> Iterator[tuple[int, ...]]:
    """Every non-empty set of `bars`, small ones first (rule C04: any of them may move alone)."""
    bars = tuple(bars)
    for size in range(1, len(bars) + 1):
        yield from combinations(bars, size)


@contextmanager
def forced_away(engine: Engine, device: Device, bars: tuple[int, ...]) -> Iterator[None]:
    """While inside, the next transaction finds the places of `bars` taken. With v5, other BARs of the device may move as well.

    Raises:
        BadInput: the device cannot move at all, a BAR has no place, or somebody took the device away meanwhile; names the remedy.
        NoSpace: after the transaction a chosen BAR is still where it was, or nowhere.
    """
    bars = tuple(dict.fromkeys(bars))
    _check(engine, device, bars)
    old = {bar: device.bar_span(bar) for bar in bars}
    ballast = _Ballast(engine, device, bars)
    before = engine.before_step

    def put_ballast(step: str) -> None:
        before(step)
        ballast.at(step)

    engine.before_step = put_ballast
    try:
        yield
    finally:
        engine.before_step = before
        ballast.take_out()
    if _is_removed(device):
        raise BadInput(f"{device}: it went away before BAR {bars[0]} could move; {_REMEDY}")
    for bar, span in old.items():
        now = device.bar_span(bar)
        if now is None or now == span:
            raise NoSpace(
                f"{device}: BAR {bar} could not be forced away from {span}; "
                "there is no second place of that size behind its root port: give Bench larger windows",
                device=device.label,
                bar=bar,
            )


def _is_removed(device: Device) -> bool:
    mention(f"{device.label} is it there?", (("paused", device.label),))
    return device.is_removed


def _check(engine: Engine, device: Device, bars: tuple[int, ...]) -> None:
    if device.is_removed:
        raise BadInput(f"{device}: it is not there any more, and nothing of it can move; {_REMEDY}")
    if engine.rules.moves is None:
        raise BadInput(f"{device}: nothing moves with rules {engine.rules.name!r}; use v9 or v5")
    if engine.moves is None:
        raise BadInput(
            f"{device}: nothing moves on this machine: its platform, the command line (pcie_movable_bars=, "
            f"pci=no_movable_bars) or a transparent bridge turned it off under {engine.rules.name}"
        )
    if device.bus.is_root:
        raise BadInput(f"{device}: a device on the root bus is never moved by {engine.rules.name}; plug it below a port")
    if not bars:
        raise BadInput(f"{device}: no BAR named to move; it has {list(movable_bars(device))}")
    for bar in bars:
        check_bar(device, bar)
        if _is_pinned(device, bar):
            raise BadInput(f"{device}: BAR {bar} cannot be forced to move, bar_fixed() of its driver pins it")
        driver = device.driver
        if (
            driver is not None
            and not driver.has("bar_fixed")
            and not (driver.has("rescan_prepare") and driver.has("rescan_done"))
        ):
            raise BadInput(
                f"{device}: driver {driver.name} has no rescan_prepare() and rescan_done(), so BAR {bar} is immovable; "
                "add both hooks"
            )


@define(eq=False)
class _Ballast:
    """What takes the old places of `bars`: rows in the same window; or, where a whole window may go, blocks in the aperture.

    A window that keeps the places of several BARs busy and has room for them once more is larger than the kernel makes it.
    """

    engine: Engine
    device: Device
    bars: tuple[int, ...]
    rows: list[Row] = field(factory=list, init=False)
    blocks: list[tuple[Resource, Resource]] = field(factory=list, init=False)  # each with its aperture
    was: str = field(default="", init=False)

    def at(self, step: str) -> None:
        """Called before each step of the transaction."""
        if self.was == "pause" and not self.rows and not self.blocks:
            self._put()
        if step == "attempts":  # now the windows are released
            for block, aperture in self.blocks:
                aperture.insert(block)
        self.was = step

    def _put(self) -> None:
        device = self.device
        _pin_others(device, self.bars)
        answers = device.row.answers  # a driver whose rescan_prepare failed keeps its BARs
        for bar in self.bars:
            resource = device.resources[bar]
            if (answers is not None and answers[bar]) or _is_removed(device):
                continue
            if resource.parent is None:
                raise BadInput(f"{device}: BAR {bar} lost its place before the rescan that was to move it; {_REMEDY}")
            aperture = _aperture_to_go_through(self.engine, resource)
            if aperture is None:
                self.rows.append(_swap(resource))
            else:
                self.blocks.append((Resource(-1, None, resource.start, resource.last, resource.flags & TYPE_BITS), aperture))

    def take_out(self) -> None:
        """The old places are free again."""
        for row in self.rows:
            row.resources[0].detach()
            row.segment.rows.remove(row)
        for block, _ in self.blocks:
            block.detach()


def _aperture_to_go_through(engine: Engine, resource: Resource) -> Resource | None:
    """The aperture, if the outermost window round a BAR holds others as well and nothing in it must stay; else None."""
    window, moves = resource.parent, engine.moves
    while window is not None and window.parent is not None and window.parent.row is not None:
        window = window.parent
    if window is None or moves is None:
        return None

    def is_inside(device: Device, index: int, span: Span) -> bool:
        is_of_kind = not (device.resources[index].flags ^ resource.flags) & TYPE_BITS
        return is_of_kind and window.overlaps(span.start, span.last)

    spans = assigned_spans(engine.system).items()
    inside = [(device, index) for (_, index), (device, span) in spans if is_inside(device, index, span)]
    must_stay = any(moves.fixed(device.row, index) for device, index in inside)
    return window.parent if len(inside) > 1 and not must_stay else None


def _pin_others(device: Device, bars: tuple[int, ...]) -> None:
    answers = device.row.answers
    device.row.answers = tuple(index not in bars or (answers is not None and answers[index]) for index in range(BRIDGE_RESOURCES))


def _swap(resource: Resource) -> Row:
    """Put a ballast row in the place of `resource`, which is left without one but keeps its address until release."""
    parent, owner = resource.parent, resource.row
    assert parent is not None
    assert owner is not None
    row = Row(f"ballast for {owner.name}", owner.segment, is_added=True, is_bound=True, answers=_PINNED)
    row.class_code = owner.class_code
    stone = row.resources[0]
    stone.flags, stone.start, stone.last = resource.flags | SIZEALIGN, resource.start, resource.last
    resource.detach()
    parent.insert(stone)
    resource.set_span(0, resource.size - 1)
    owner.segment.rows.append(row)
    return row


def take_away(device: Device, bar: int) -> None:
    """Leave BAR `bar` without a place, as a rescan that ran out of space does."""
    resource = device.resources[bar]
    resource.detach()
    resource.flags |= UNSET
    resource.set_span(0, resource.size - 1)
