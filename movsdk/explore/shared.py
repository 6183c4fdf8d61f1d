"""Driver-private state that races: declared once, announced at every access, plain attributes when nobody explores.

Twin: ``READ_ONCE()`` and ``WRITE_ONCE()``, and KCSAN's idea of marking what is shared. Protects nothing.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Generic, TypeVar, overload

from movsdk.errors import BadInput
from movsdk.explore import current
from movsdk.points import checkpoint, is_watched

T = TypeVar("T")
_PLAIN = (int, float, bool, str, bytes, type(None), complex)


class Shared(Generic[T]):
    """A field of a driver's class that several tasks use. Each read and each write is an operation of its own.

    ``self.pending += 1`` is therefore two operations, as it is in C. A value that can change inside (a list, an object) counts as
    written when it is read: what is done with it afterwards cannot be seen.

    >>> class Disk:
    ...     pending = Shared(0)
    >>> disk = Disk()
    >>> disk.pending += 1
    >>> disk.pending
    1
    """

    def __init__(self, default: T) -> None:
        if not isinstance(default, (*_PLAIN, tuple)):
            raise BadInput(f"Shared({default!r}): every object of the class would share this value; assign it in __init__")
        self.default = default
        self.name = "?"

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Shared[T]: ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: object | None, owner: type) -> T | Shared[T]:
        if instance is None:
            return self
        if not is_watched():
            return self._value(instance)
        name = f"{label_of(instance)}.{self.name}"
        cell = (("shared", name),)
        checkpoint(f"R {name}", cell)
        value = self._value(instance)
        if not isinstance(value, _PLAIN):
            current.touch((), cell)
        current.told(value)
        return value

    def __set__(self, instance: object, value: T) -> None:
        if is_watched():
            name = f"{label_of(instance)}.{self.name}"
            checkpoint(f"W {name}", (), (("shared", name),))
            current.told(value)
        instance.__dict__[self.name] = value

    def _value(self, instance: object) -> T:
        found: Any = instance.__dict__.get(self.name, self.default)
        return found  # type: ignore[no-any-return]  # what __set__ put there


def cell_of(instance: object, name: str) -> Hashable:
    """The cell of the shared field `name` of an object, for guards and predicates that look at it.

    >>> class Disk:
    ...     label, busy = "disk0", Shared(False)
    >>> cell_of(Disk(), "busy")
    ('shared', 'disk0.busy')
    """
    return ("shared", f"{label_of(instance)}.{name}")


def label_of(instance: object) -> str:
    """The name of an object in labels and cells: its `label` or `name`, else its class. Equal names are one object here."""
    return str(getattr(instance, "label", None) or getattr(instance, "name", None) or type(instance).__name__)
