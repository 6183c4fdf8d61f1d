"""The numbers and locks that a driver keeps: which of them are addresses of its BARs, and under what name.

Looked at are `drvdata`, the driver object and its class, what its methods close over, and the variables of modules that they use.
No line of the driver runs meanwhile: properties and ``__getattr__`` may do anything.
"""

from __future__ import annotations

import re
from _thread import RLock as Reentrant  # its class; threading.RLock makes one
from collections.abc import Hashable, Iterator, Mapping, Set
from contextlib import suppress
from inspect import isclass, ismodule
from itertools import islice
from typing import Any, Final

from movsdk.address import Bdf, SlotPath, Span
from movsdk.kernel.pcidev import PciDev, device_of
from movsdk.pci_regs import ROM_RESOURCE
from movsdk.testing.conformance.surroundings import is_drivers_own, surroundings
from movsdk.testing.conformance.violation import general

_DEPTH: Final = 4
_MOST_ITEMS: Final = 64
_NAME: Final = re.compile(r"[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]")


def places(dev: PciDev) -> dict[int, int]:
    """Where the BARs of `dev` that have a place begin."""
    return {bar: span.start for bar, span in _spans(dev).items()}


def addresses(dev: PciDev, constants: Set[Hashable]) -> dict[str, tuple[int, int]]:
    """Which of a driver's numbers lie in a BAR of `dev`: BAR and address, by path; `constants` are none."""
    spans = {bar: span for bar, span in _spans(dev).items() if span.start}
    return {
        path: (bar, value)
        for path, value in numbers(dev)
        for bar, span in spans.items()
        if value in span and general((path, value)) not in constants
    }


def constants_in(dev: PciDev) -> set[Hashable]:
    """Path and value of all numbers of a driver that are no addresses, for `addresses` when the card is elsewhere."""
    spans = _spans(dev).values()
    return {general((path, value)) for path, value in numbers(dev) if not any(value in span for span in spans)}


def remembers(dev: PciDev, number: int) -> bool:
    """Whether the driver keeps this number somewhere."""
    return any(value == number for _, value in numbers(dev))


def numbers(dev: PciDev) -> Iterator[tuple[str, int]]:
    """Every number that the driver keeps, with the path to it; what it keeps by the name of another device is not for this one.

    A list's path names its length: histories grow, tables do not.
    """
    yield from ((path, value) for path, value in _things(dev) if isinstance(value, int))


def locks(dev: PciDev) -> Iterator[tuple[str, Reentrant]]:
    """Every `threading.RLock` that the driver keeps, with the path to it."""
    yield from ((path, value) for path, value in _things(dev) if isinstance(value, Reentrant))


def _things(dev: PciDev) -> Iterator[tuple[str, int | Reentrant]]:
    driver = device_of(dev).driver
    target = driver.target if driver is not None else None
    seen: set[int] = set()
    for path, value in (("drvdata", dev.drvdata), ("driver", target), *surroundings(type(target))):
        yield from _walk(dev, value, path, seen, _DEPTH)


def _spans(dev: PciDev) -> dict[int, Span]:
    device = device_of(dev)
    return {bar: span for bar in range(ROM_RESOURCE) if (span := device.bar_span(bar)) is not None}


def _walk(dev: PciDev, value: Any, path: str, seen: set[int], depth: int) -> Iterator[tuple[str, int | Reentrant]]:
    kind = type(value)
    if issubclass(kind, int) and kind is not bool:
        yield path, int(value)
    elif issubclass(kind, Reentrant):
        yield path, value
    elif kind is Span:
        yield f"{path}.start", value.start
    elif depth and id(value) not in seen:
        seen.add(id(value))
        for name, item in _parts(dev, value):
            yield from _walk(dev, item, f"{path}{name}", seen, depth - 1)


def _parts(dev: PciDev, value: Any) -> Iterator[tuple[str, Any]]:
    """What `value` is made of: items of containers, attributes of objects that are the driver's own."""
    kind = type(value)
    if issubclass(kind, Mapping):
        with suppress(Exception):  # a mapping of the driver's may do anything
            for key, item in islice(list(value.items()), _MOST_ITEMS):
                if not _is_another(key, dev):
                    yield f"[{key!r}]", item
    elif issubclass(kind, list | tuple):
        for index, item in enumerate(value[:_MOST_ITEMS]):
            yield f"[{index} of {len(value)}]", item
    elif is_drivers_own(kind) and not isclass(value) and not ismodule(value):
        yield from ((f".{name}", item) for name, item in _attributes(value))


def _is_another(key: object, dev: PciDev) -> bool:
    """Whether `key` names a device, and another one than `dev`."""
    if isinstance(key, str):
        return _NAME.fullmatch(key) is not None and key != dev.name
    return isinstance(key, PciDev | SlotPath | Bdf) and key not in (dev, dev.slot_path, dev.bdf)


def _attributes(value: object) -> Iterator[tuple[str, Any]]:
    """Attributes in the dictionary and in slots, as they are stored."""
    with suppress(AttributeError, TypeError):
        yield from list(object.__getattribute__(value, "__dict__").items())
    for cls in type(value).__mro__:
        slots = vars(cls).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            with suppress(AttributeError):
                if name not in ("__dict__", "__weakref__"):
                    yield name, object.__getattribute__(value, name)
