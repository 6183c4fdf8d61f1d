"""What is examined: a driver class, the silicon behind it, and what the driver says about itself.

A driver may declare, all of it optional: ``exercise(dev)`` (a round of I/O that raises if the data is wrong), ``start_load``,
``mmap``, ``bars`` (text, for a driver without a model), ``not_applicable = {"C16": "reason"}``.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from traceback import walk_tb
from typing import Any, Final, cast

from attrs import define, field

from mockbus.bar import BarSpec
from mockbus.function import Function
from mockbus.model import DeviceModel
from movsdk.bench import reference
from movsdk.bench.alarm import Hung, alarm
from movsdk.errors import BadInput, HookSpecError
from movsdk.kernel.actor import NOWHERE, Site, raise_site, show
from movsdk.kernel.binding import BoundDriver
from movsdk.testing.conformance.catalogue import BASE, BY_ID
from movsdk.testing.conformance.driver_calls import method_site
from movsdk.testing.conformance.generic_model import generic_model
from movsdk.testing.conformance.watchdog import REAL_SECONDS

_BRIDGE: Final = 0x0604  # PCI-to-PCI


@define(eq=False)
class Subject:
    """A driver class (or a function that makes a driver) with a function that makes its silicon.

    `drives_bridges`: there is no card for it; the silicon is that of a card below its ports.
    `is_generic`: the silicon is a stand-in made of BAR declarations, without behaviour. `io_trouble`: why its I/O cannot be
    asked for with that. `loopers` are those of its callbacks that were found in an endless loop. `constants` are numbers that
    it keeps wherever its card is (`keeping`).
    """

    make_driver: Callable[[], Any]
    make_model: Callable[[], DeviceModel]
    is_generic: bool = False
    drives_bridges: bool = False
    name: str = field(init=False)
    hooks: frozenset[str] = field(init=False)
    io_trouble: str = field(default="", init=False)
    loopers: set[str] = field(factory=set, init=False)
    constants: set[Hashable] = field(factory=set, init=False)
    bars: tuple[BarSpec, ...] = field(default=(), init=False)
    class_code: int = field(default=0, init=False)
    _example: Any = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        model = _made("creating the model", self.make_model)
        self.bars, self.class_code = tuple(model.bars), int(getattr(model, "class_code", 0))
        bound: BoundDriver = _made("creating the driver once more", lambda: BoundDriver.of(self.make_driver()))
        self.name, self.hooks, self._example = bound.name, bound.hooks, bound.target

    @classmethod
    def of(cls, driver: Any, model: Any = None, bars: str | None = None) -> Subject:
        """A subject of a driver class and a model class; without a model, one is made of `bars` or the driver's own ``bars``.

        Raises:
            BadInput: neither model nor BARs are known, or one of the two cannot be made. HookSpecError: this is no driver.
        """
        bound = registered(driver)
        make_driver = driver if inspect.isclass(driver) else lambda: driver
        declared = bars if bars is not None else getattr(driver, "bars", None)
        if model is None and declared is not None:
            return cls(make_driver, generic_model(bound, declared), is_generic=True)
        if model is None and _drives_bridges(bound):
            return cls(make_driver, _maker(reference.load("edu").model), drives_bridges=True)
        if model is None:
            raise BadInput(
                f"{_name_of(driver)}: there is no model of its device; write a DeviceModel in model.py beside it, or say which "
                'BARs it has: bars = "0:mem32:16K, 2:pref64:256M" in the driver, or --bars'
            )
        return cls(make_driver, _maker(model))

    @property
    def is_movable(self) -> bool:
        """Whether the driver lets BARs move: both rescan hooks, or ``bar_fixed`` (RFC v9)."""
        return {"rescan_prepare", "rescan_done"} <= self.hooks or "bar_fixed" in self.hooks

    @property
    def does_io(self) -> bool:
        """Whether the kit can ask it for I/O."""
        return not self.io_trouble and self.offers("exercise")

    def offers(self, method: str) -> bool:
        """Whether the driver has a public method of this name. One that cannot be looked up counts, and fails later."""
        try:
            return callable(getattr(self._example, method, None))
        except Exception:  # a property of the user's may raise anything
            return True

    def wrote(self, error: BaseException) -> bool:
        """Whether an exception comes from the driver's own files, from what they call, or from a call that fits no method."""
        kind = type(self._example)
        module = sys.modules.get(kind.__module__)
        folder = Path(getattr(module, "__file__", None) or "/nowhere/x").parent
        if isinstance(error, TypeError) and str(error).startswith(f"{kind.__qualname__}."):
            return True
        frames = [frame for frame, _ in walk_tb(error.__traceback__)]
        name = frames[-1].f_globals.get("__name__", "") if frames else ""
        is_theirs = not name.startswith(("movsdk.", "mockbus."))
        return Path(raise_site(error)[0]).parent == folder or (
            is_theirs and any(Path(frame.f_code.co_filename).parent == folder for frame in frames)
        )

    def site_of(self, error: BaseException) -> Site:
        """The driver's line that `error` comes from; the method's, if its arguments did not even fit."""
        site = raise_site(error)
        if site != NOWHERE:
            return site
        called = str(error).removeprefix(f"{type(self._example).__qualname__}.").partition("(")[0]
        return method_site(self._example, called)

    @property
    def waivers(self) -> Mapping[str, str]:
        """Rules that the driver says do not apply to it, with its reasons."""
        waived: Mapping[str, str] = getattr(self._example, "not_applicable", {})
        return waived


def _drives_bridges(bound: BoundDriver) -> bool:
    """Whether every row of the id table asks for a PCI-to-PCI bridge."""
    rows = bound.id_table
    return bool(rows) and all((row.class_code & row.class_mask) >> 8 == _BRIDGE for row in rows)


def registered(driver: Any) -> BoundDriver:
    """Register a driver (class) for trial, as the kit will do again and again.

    Raises:
        BadInput: it cannot be made, or ``not_applicable`` makes no sense. HookSpecError: it is no driver.
    """
    bound: BoundDriver = _made(f"{_name_of(driver)}: creating the driver", lambda: BoundDriver.of(driver))
    waived = getattr(bound.target, "not_applicable", {})
    if not isinstance(waived, Mapping) or not all(isinstance(reason, str) and reason for reason in waived.values()):
        raise BadInput(f'{_name_of(driver)}: not_applicable is a mapping of rules to reasons: {{"C16": "it never loses power"}}')
    if unknown := [str(rule) for rule in waived if rule not in BY_ID or rule == BASE]:
        raise BadInput(f"{_name_of(driver)}: not_applicable names {', '.join(unknown)}; rules are {', '.join(list(BY_ID)[1:])}")
    return bound


def _made(what: str, make: Callable[[], Any]) -> Any:
    try:
        with alarm(what, REAL_SECONDS):
            return make()
    except (BadInput, HookSpecError):
        raise
    except KeyboardInterrupt:
        raise
    except Hung as hung:
        raise BadInput(f"{what} does not come to an end, at {show(hung.site)}") from hung
    except BaseException as error:  # a user's __init__ may raise anything
        raise BadInput(f"{what} raised {type(error).__name__} at {show(raise_site(error))}: {error}") from error


def _name_of(thing: Any) -> str:
    return str(getattr(thing, "__name__", type(thing).__name__))


def _maker(model: Any) -> Callable[[], DeviceModel]:
    """A class makes its own instances; an instance is always itself."""
    example = _made(f"{_name_of(model)}: creating the model", model) if inspect.isclass(model) else model
    if not isinstance(example, DeviceModel):
        raise BadInput(f"{_name_of(model)} is no model of a card; give a DeviceModel class or instance (mockbus.model)")
    if inspect.isclass(model):
        Function.of_model(_name_of(model), example)  # a model that makes no sense is told at once
        return cast("Callable[[], DeviceModel]", model)

    def same() -> DeviceModel:
        return cast(DeviceModel, model)

    return same
