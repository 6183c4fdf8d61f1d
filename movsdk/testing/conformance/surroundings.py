"""What a driver may keep beside itself: variables of its class, what its methods close over, variables of modules that they use.

Reads functions and classes as they stand, runs none. What is in the values is `keeping`'s.
"""

from __future__ import annotations

from collections.abc import Iterator
from inspect import isclass, ismodule
from types import CellType, CodeType, FunctionType
from typing import Any, Final

_OURS: Final = ("movsdk.", "mockbus.")
_REFERENCE: Final = "movsdk.reference."


def is_sdk(module: str) -> bool:
    """Whether a module of this name is the SDK's, and no driver."""
    return module.startswith(_OURS) and not module.startswith(_REFERENCE)


def is_drivers_own(kind: type[Any]) -> bool:
    """Whether a type is the driver's, and not the SDK's."""
    return not is_sdk(kind.__module__)


def surroundings(kind: type[Any]) -> Iterator[tuple[str, Any]]:
    """Names and values of all that the methods of class `kind` can reach without an instance."""
    yield from _of_class(kind, set())


def _of_class(kind: type[Any], seen: set[object]) -> Iterator[tuple[str, Any]]:
    for cls in kind.__mro__:
        if cls is object or cls in seen or not is_drivers_own(cls):
            continue
        seen.add(cls)
        for name, value in list(vars(cls).items()):
            function = getattr(value, "__func__", getattr(value, "fget", value))
            if isinstance(function, FunctionType):
                yield from _of_function(function, seen)
            elif not name.startswith("__"):
                yield f"{cls.__name__}.{name}", value


def _of_function(function: FunctionType, seen: set[object]) -> Iterator[tuple[str, Any]]:
    if function in seen:
        return
    seen.add(function)
    code = function.__code__
    closed = [(name, cell.cell_contents) for name, cell in _cells(function) if _is_filled(cell)]
    used = [(name, function.__globals__[name]) for name in sorted(_names(code)) if name in function.__globals__]
    for name, value in (*closed, *used):
        if isinstance(value, FunctionType):
            yield from _of_function(value, seen)
        elif isclass(value):
            if value.__module__ == function.__module__:
                yield from _of_class(value, seen)
        elif not ismodule(value):
            yield name, value


def _cells(function: FunctionType) -> Iterator[tuple[str, CellType]]:
    return zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)


def _is_filled(cell: CellType) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False


def _names(code: CodeType) -> set[str]:
    inner = (_names(constant) for constant in code.co_consts if isinstance(constant, CodeType))
    return set(code.co_names).union(*inner)
