"""The user's own driver and model classes: ``file.py:Class`` and ``package.module:Class``.

Twin: insmod with a path, and modprobe with a name. Runs the user's code and turns what goes wrong there into one line.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import os
import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from movsdk.bench import reference
from movsdk.bench.alarm import Hung, alarm
from movsdk.bench.place import Place
from movsdk.bench.scenario import RECORDED_DRIVERS, EndpointSpec, FunctionSpec, Scenario
from movsdk.errors import BadInput, HookSpecError
from movsdk.kernel import actor
from movsdk.kernel.binding import BoundDriver

_HOME: Final = "_movsdk_user_[0-9a-f]{12}"  # a package of our naming
IMPORT_SECONDS: Final = 10.0  # real time that importing a user's module, or creating a driver, may take


def load_class(name: str, folder: str | Path = ".") -> type[Any]:
    """Return the class that `name` refers to; a file is looked for from `folder`, and may use ``from .regs import ...``.

    Raises:
        BadInput: no such file, module or class, or importing it failed (then the user's own line is named).
    """
    where, _, class_name = name.rpartition(":")
    module = load_module(where, folder, name)
    found = getattr(module, class_name, None)
    if not inspect.isclass(found):
        members = inspect.getmembers(module, inspect.isclass)
        classes = [key for key, value in members if value.__module__ == module.__name__]
        has = f"it has {', '.join(classes)}" if classes else "it defines no class"
        raise BadInput(f"{name}: no class {class_name!r} in {where}; {has}")
    return found


def load_module(where: str, folder: str | Path = ".", name: str = "") -> ModuleType:
    """Import a file (looked for from `folder`) or a module; `name` is what the user wrote. Raises `BadInput`."""
    if where.endswith(".py"):
        return _import_file(name or where, Path(folder) / where)
    return _import_module(name or where, where, Path(folder))


def _import_file(name: str, path: Path) -> ModuleType:
    path = Path(os.path.realpath(path))
    if not os.path.isfile(path):  # unlike Path.is_file(), no error for a name that is too long
        raise BadInput(f"{name}: there is no file {path}")
    if "." in path.stem:
        raise BadInput(f"{name}: {path.name} cannot be imported; take the dot out of its name")
    package = _package_of(name, path.parent)
    with _imports_from(path.parent):
        return _run(name, f"{package}.{path.stem}")


def _package_of(name: str, folder: Path) -> str:
    """A package of our naming whose home is `folder`, so that relative imports work and nobody's `drivers` is shadowed.

    A folder that is a package inside of another one is that, so that ``from ..common import ...`` works, too.
    """
    if folder.name.isidentifier() and all((home / "__init__.py").is_file() for home in (folder, folder.parent)):
        package = f"{_package_of(name, folder.parent)}.{folder.name}"
        with _imports_from(folder):
            _run(name, package)
        return package
    package = f"_movsdk_user_{hashlib.sha256(str(folder).encode()).hexdigest()[:12]}"
    if package not in sys.modules:
        init = folder / "__init__.py"
        if init.is_file():
            spec = importlib.util.spec_from_file_location(package, init, submodule_search_locations=[str(folder)])
            assert spec is not None  # a .py file always has a loader
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            sys.modules[package] = module
            with _imports_from(folder), _told(name, package):
                spec.loader.exec_module(module)
        else:
            module = ModuleType(package)
            module.__path__ = [str(folder)]
            sys.modules[package] = module
    return package


def _import_module(name: str, module: str, folder: Path) -> ModuleType:
    with _imports_from(folder.resolve()):
        return _run(name, module)


def _run(name: str, module: str) -> ModuleType:
    with _told(name, module):
        return importlib.import_module(module)


@contextmanager
def _imports_from(folder: Path) -> Iterator[None]:
    """Let `folder` be searched last while the user's module is imported: it can add names, never shadow any."""
    importlib.invalidate_caches()
    sys.path.append(str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


@contextmanager
def _told(name: str, module: str) -> Iterator[None]:
    """Turn whatever the user's code raises into one line; a module that failed is forgotten."""
    try:
        with alarm("importing it", IMPORT_SECONDS):
            yield
    except KeyboardInterrupt:
        raise
    except Hung as hung:
        sys.modules.pop(module, None)
        raise BadInput(f"{name}: importing it does not come to an end, at {actor.show(hung.site)}") from hung
    except BaseException as error:  # anything at all may happen in code that is not ours
        sys.modules.pop(module, None)
        raise BadInput(f"{name}: importing it failed: {_one_line(error)}") from error


def _one_line(error: BaseException) -> str:
    what = f"{type(error).__name__}: {error.msg if isinstance(error, SyntaxError) else error}"
    if isinstance(error, SyntaxError) and error.filename:
        what += f" ({error.filename}:{error.lineno})"
    else:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "importlib" not in frame.filename]
        theirs = [frame for frame in frames if frame.filename != __file__]
        what += f" ({theirs[-1].filename}:{theirs[-1].lineno})" if theirs else ""
    return " ".join(re.sub(_HOME, "", what).split())


def driver_class(spec: FunctionSpec, folder: str | Path = ".") -> type[Any] | None:
    """Return the driver class of a device; None for the recorded kinds, which need none of their own.

    Raises:
        BadInput: the reference does not import.
    """
    if spec.driver in RECORDED_DRIVERS:
        return None
    if spec.driver in reference.NAMES:
        return reference.load(spec.driver).driver
    return load_class(spec.driver, folder)


def model_class(spec: FunctionSpec, folder: str | Path = ".") -> type[Any] | None:
    """Return the class of a device's silicon; None for plain registers and for bridges.

    Raises:
        BadInput: the reference does not import.
    """
    name = model_name(spec)
    if name is None:
        return None
    return reference.load(name).model if name in reference.NAMES else load_class(name, folder)


def model_name(spec: FunctionSpec) -> str | None:
    """What a device's model is called: its own word, else that of its reference driver, else None."""
    if not isinstance(spec, EndpointSpec):
        return None
    return spec.model or (spec.driver if spec.driver in reference.NAMES else None)


def check_references(scenario: Scenario, place: Place) -> None:
    """Import every class of the user's that `scenario` names, and register each driver once for trial.

    Raises:
        BadInput: names `place` and the key; the driver has a hook that is none, or cannot be made.
    """
    for index, spec in enumerate(scenario.devices):
        for key in ("driver", "model"):
            name = getattr(spec, key, None)
            if name is None or ":" not in name:
                continue
            try:
                found = load_class(name, scenario.folder)
                if key == "driver":
                    _check_driver(name, found)
            except BadInput as error:
                raise place.at("devices").at(index).at(key).bad(str(error)) from error


def _check_driver(name: str, found: type[Any]) -> None:
    try:
        with alarm(name, IMPORT_SECONDS):
            BoundDriver.of(found)
    except HookSpecError as error:
        raise BadInput(f"{name}: {error}") from error
    except KeyboardInterrupt:
        raise
    except Hung as hung:
        raise BadInput(f"{name}: creating the driver does not come to an end, at {actor.show(hung.site)}") from hung
    except BaseException as error:  # a user's __init__ may raise anything
        site = actor.show(actor.raise_site(error))
        raise BadInput(f"{name}: creating the driver raised {type(error).__name__} at {site}: {error}") from error
