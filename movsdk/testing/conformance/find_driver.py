"""Which driver and model a reference means: ``nvme`` and its like, ``file.py``, ``file.py:Class``, ``package.module:Class``.

The model is the one DeviceModel in the same module, or in ``model.py`` beside it, whose ids the driver's id table serves.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from mockbus.model import DeviceModel
from movsdk.bench import reference
from movsdk.bench.user_code import load_class, load_module
from movsdk.errors import BadInput
from movsdk.hooks import PciId


def find_driver(name: str, folder: str | Path = ".") -> tuple[type[Any], type[DeviceModel] | None]:
    """Return the driver class that `name` refers to and the class of its silicon (None: there is none).

    Raises:
        BadInput: no such file, module or class; the file has no driver or several; importing it failed.
    """
    if name in reference.NAMES:
        found = reference.load(name)
        return found.driver, found.model
    if (Path(folder) / name / "driver.py").is_file():  # a folder as `movsdk new` writes it
        name = str(Path(name) / "driver.py")
    if name.endswith(".py"):
        driver = _only_driver(name, load_module(name, folder))
    elif ":" in name:
        driver = load_class(name, folder)
    else:
        names = ", ".join(reference.NAMES)
        raise BadInput(f"{name!r:.80} is no driver; write file.py, file.py:Class, package.module:Class or one of {names}")
    return driver, model_of(driver)


def find_model(name: str, driver: type[Any], folder: str | Path = ".") -> type[DeviceModel]:
    """Return the class of silicon that `name` refers to: a reference driver's name, ``file.py`` or what `load_class` takes.

    Raises:
        BadInput: there is no such class, it is no DeviceModel, or `driver` does not serve its ids.
    """
    if name in reference.NAMES:
        model = reference.load(name).model
        if model is None:
            raise BadInput(f"{name}: has no model; it drives any bridge")
    elif name.endswith(".py"):
        models = [value for value in vars(load_module(name, folder)).values() if _is_model(value)]
        fitting = [value for value in models if _serves(driver, value)] or models
        if len(fitting) != 1:
            raise BadInput(f"{name}: there are {len(fitting)} models in it; name one, as {name}:Class")
        model = fitting[0]
    elif ":" in name:
        model = load_class(name, folder)
    else:
        names = ", ".join(reference.NAMES)
        raise BadInput(f"{name!r:.80} is no model; write file.py, file.py:Class, package.module:Class or one of {names}")
    if not _is_model(model):
        raise BadInput(f"{name}: is no model of a card; a model is a subclass of mockbus.model.DeviceModel")
    if not _serves(driver, model):
        card = f"{model.vendor_id:04x}:{model.device_id:04x}"
        raise BadInput(f"{name}: {driver.__name__} does not serve this card, {card}; its id_table must name it")
    return model


def _is_model(value: object) -> bool:
    return inspect.isclass(value) and issubclass(value, DeviceModel) and value is not DeviceModel


def _only_driver(name: str, module: ModuleType) -> type[Any]:
    drivers = drivers_of(module)
    if not drivers:
        raise BadInput(f"{name}: there is no driver in it; a driver is a class with `name`, `id_table` and probe(self, dev, id)")
    if len(drivers) > 1:
        names = ", ".join(driver.__name__ for driver in drivers)
        raise BadInput(f"{name}: there are several drivers in it: {names}; name one, as {name}:{drivers[0].__name__}")
    return drivers[0]


def drivers_of(module: ModuleType) -> list[type[Any]]:
    """The driver classes written in a module: public classes with an id table and a probe.

    What other drivers of the module build upon is none: an abstract class, or one without a name.
    """
    written = [
        value
        for name, value in vars(module).items()
        if inspect.isclass(value)
        and value.__module__ == module.__name__
        and not name.startswith("_")
        and hasattr(value, "id_table")
        and callable(getattr(value, "probe", None))
    ]
    return [value for value in written if not inspect.isabstract(value) and not _is_nameless_base(value, written)]


def _is_nameless_base(value: type[Any], classes: list[type[Any]]) -> bool:
    return getattr(value, "name", None) is None and any(value in other.__mro__[1:] for other in classes)


def model_of(driver: type[Any]) -> type[DeviceModel] | None:
    """The silicon of a driver: its ``model`` attribute, a model in its module, or one in ``model.py`` beside it."""
    declared = getattr(driver, "model", None)
    if inspect.isclass(declared) and issubclass(declared, DeviceModel):
        return declared
    for module in _modules(driver):
        fitting = [value for value in vars(module).values() if _is_model(value) and _serves(driver, value)]
        if fitting:
            here = [model for model in fitting if model.__module__ == module.__name__]  # rather than what it was made of
            return cast("type[DeviceModel]", (here or fitting)[0])
    return None


def _modules(driver: type[Any]) -> Iterator[ModuleType]:
    own = sys.modules.get(driver.__module__)
    if own is None:
        return
    yield own
    path = getattr(own, "__file__", None)
    if path is not None and (beside := Path(path).with_name("model.py")).is_file():
        name = f"{own.__package__}.model" if own.__package__ else ""
        yield sys.modules[name] if name in sys.modules else load_module(str(beside))


def _serves(driver: type[Any], model: type[DeviceModel]) -> bool:
    with suppress(BadInput, AttributeError, TypeError):
        card = PciId(model.vendor_id, model.device_id, *model.subsystem, model.class_code)
        return any(row.matches(card) for row in driver.id_table)
    return False
