"""A forced rescan at work: the powers that a `Force` names, put together round one transaction.

What each power does is `powers`' and `forcing`'s; when the rescan happens is the caller's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from movsdk.bench import forcing, powers
from movsdk.bench.force import Force
from movsdk.bench.world import World
from movsdk.errors import BadInput, NoSpace
from movsdk.kernel.device import Device
from movsdk.kernel.pcidev import view_of
from movsdk.pci_regs import BRIDGE_RESOURCES
from movsdk.rescan.report import RescanReport


@contextmanager
def forced(world: World, device: Device, force: Force, on_report: Callable[[RescanReport], None]) -> Iterator[None]:
    """While inside, the next transaction goes as `force` says. `on_report` hears of a second rescan.

    Raises:
        BadInput: the device cannot do that; before anything happens. NoSpace: a BAR could not be moved; afterwards.
    """
    bars = force.bars
    if bars is None:
        bars = tuple(bar for bar in forcing.movable_bars(device) if bar not in force.lose)
    if both := sorted(set(bars) & set(force.lose)):
        raise BadInput(f"{device}: BAR {both[0]} cannot both be moved and be lost")
    with ExitStack() as stack:
        if force.again:
            stack.enter_context(powers.asked_again(world, force.again, on_report))
        if force.order:
            _check_labels(world, force.order)
            stack.enter_context(powers.ordered(world, force.order))
        if force.reset:  # while the table still says where the BARs are
            stack.enter_context(powers.state_lost(world, device, force.reset))
        if force.vectors is not None:
            stack.enter_context(powers.messages(world, device, force.vectors))
        if bars:
            stack.enter_context(_moved(world, device, bars, is_pulled=bool(force.pull)))
        elif force.bars is not None:
            stays = [bar for bar in range(BRIDGE_RESOURCES) if bar not in (*force.lose, *force.shrink)]
            stack.enter_context(powers.kept(world, device, stays))
        if force.lose:
            stack.enter_context(powers.lost(world, device, force.lose))
        if force.shrink:
            stack.enter_context(powers.shrunk(world, device, force.shrink))
        if force.fails:
            stack.enter_context(powers.failing(view_of(device), force.fails))
        if force.recover:
            stack.enter_context(powers.recovering(world, device, force.recover))
        if force.pull:
            stack.enter_context(powers.pulled(world, device, force.pull))
        yield


@contextmanager
def _moved(world: World, device: Device, bars: tuple[int, ...], *, is_pulled: bool) -> Iterator[None]:
    try:
        with forcing.forced_away(world.engine, device, bars):
            yield
    except NoSpace:
        if not is_pulled:  # who is gone cannot be forced anywhere
            raise


def _check_labels(world: World, labels: tuple[str, ...]) -> None:
    known = [device.label for device in world.system.discovered]
    for label in labels:
        if label not in known:
            raise BadInput(f"order: the kernel knows no device {label!r}; it knows {', '.join(known)}")
