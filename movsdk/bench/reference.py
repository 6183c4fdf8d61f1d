"""A reference driver and its model, by bare name: what ``nvme`` in a scenario means.

Twin: the alias table of modprobe. Loads ``movsdk.reference.<name>``, never a top-level ``drivers``: ``pytest drivers/`` in a
checkout imports the same files a second time as ``drivers.<name>``, so the classes of the two are equal in text, not in identity.
Does not load a user's own file; it knows only what ships with the SDK.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any, Final

from attrs import frozen

from movsdk.errors import BadInput, InvariantBroken

NAMES: Final = ("edu", "gpu", "legacy", "nvme", "port")


@frozen
class Reference:
    """A driver class and the class of the silicon it drives; `model` is None where any bridge will do."""

    driver: type[Any]
    model: type[Any] | None


def load(name: str) -> Reference:
    """Return the classes of reference driver `name`.

    Raises:
        BadInput: no such driver; the message lists those there are.

    >>> load("edu").driver.name
    'edu'
    """
    if name not in NAMES:
        raise BadInput(f"{name!r} is not a reference driver; there are {', '.join(NAMES)}; write your own as file.py:Class")
    package = f"movsdk.reference.{name}"
    driver = _only_class(import_module(f"{package}.driver"), lambda found: hasattr(found, "id_table"), "class with an id_table")
    if find_spec(f"{package}.model") is None:
        return Reference(driver, None)
    from mockbus.model import DeviceModel  # noqa: PLC0415  a driver without a model needs no hardware

    model = _only_class(import_module(f"{package}.model"), lambda found: issubclass(found, DeviceModel), "DeviceModel")
    return Reference(driver, model)


def _only_class(module: ModuleType, fits: Callable[[type[Any]], bool], wanted: str) -> type[Any]:
    """The one class written in `module` (not imported into it) that `fits`; a folder with two of them is a bug of ours."""
    found = [value for value in vars(module).values() if inspect.isclass(value) and value.__module__ == module.__name__]
    fitting = [value for value in found if fits(value)]
    if len(fitting) != 1:
        raise InvariantBroken(f"{module.__file__} should hold one {wanted}; it holds {[value.__name__ for value in fitting]}")
    return fitting[0]
