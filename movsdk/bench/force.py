"""A forced rescan as a value: which BARs of a device move, and what else happens to it meanwhile.

One vocabulary for ``Bench.force(dev, ...)``, for the event `force` of a scenario, and for the conformance kit. What each word
does is `powers`' and `forcing`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, Final

from attrs import fields, frozen

from movsdk.bench import forcing, powers
from movsdk.bench.world import World
from movsdk.errors import BadInput, NoSpace
from movsdk.kernel.device import Device
from movsdk.kernel.pcidev import view_of
from movsdk.pci_regs import BRIDGE_RESOURCES
from movsdk.rescan.report import RescanReport


@frozen(kw_only=True)
class Force:
    """What a forced rescan does to one device.

    Args:
        bars: these move away from where they are; None = all that may and are not lost; () = all stay, paused and resumed.
        lose: these find no place.
        shrink: these come back with half their size.
        reset: "model" or "power": the device forgets its state while paused; see `powers.state_lost`.
        vectors: at most so many interrupt vectors afterwards, with another message address.
        fails: this call of the kernel fails in rescan_done; one of `powers.FAILING`.
        pull: the card is torn out before this step; one of `powers.STEPS`.
        again: a second rescan is asked for before this step, and follows the first.
        order: labels of devices in the order in which they are paused and resumed.
    """

    bars: tuple[int, ...] | None = None
    lose: tuple[int, ...] = ()
    shrink: tuple[int, ...] = ()
    reset: str = ""
    vectors: int | None = None
    fails: str = ""
    pull: str = ""
    again: str = ""
    order: tuple[str, ...] = ()

    @classmethod
    def of(cls, words: Mapping[str, Any]) -> Force:
        """From plain keywords; lists and single BAR numbers are taken as well. Raises `BadInput` for an unknown word."""
        if unknown := sorted(set(words) - set(FORCE_KEYS)):
            raise BadInput(f"force knows no {unknown[0]!r}; it knows {', '.join(FORCE_KEYS)}")
        return cls(**{key: _plain(value) if key in _LISTS else value for key, value in words.items()})

    def plain(self) -> dict[str, Any]:
        """The words that say something, as a scenario writes them."""
        values = {key: getattr(self, key) for key in FORCE_KEYS}
        said = {key: value for key, value in values.items() if value != getattr(_NOTHING, key)}
        return {key: list(value) if isinstance(value, tuple) else value for key, value in said.items()}


FORCE_KEYS: Final = tuple(each.name for each in fields(Force))
_LISTS: Final = ("bars", "lose", "shrink", "order")
_NOTHING: Final = Force()


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, tuple):
        return value
    return tuple(value) if isinstance(value, list | set | frozenset | range) else (value,)


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
