"""open() and mmap.mmap of this process, replaced for the time of a session.

Twin: none. Leans on a name of pyfakefs that may change: `FakeFileOpen.call`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pyfakefs.fake_open import FakeFileOpen

from movsdk.bench.sysfs import mapped
from movsdk.bench.sysfs.fake_open import RawAttr, file_object, flags_of, refuse_exclusive

if TYPE_CHECKING:
    from movsdk.bench.sysfs.fixture import SysfsSession

_REAL_OPEN = (open,)  # in a tuple, where pyfakefs does not find it


def patch_open(session: SysfsSession) -> Callable[[], None]:
    """Open attributes as sysfs does; returns how to undo it."""
    before = FakeFileOpen.call

    def call(self: Any, file_: Any, mode: str = "r", *arguments: Any, **named: Any) -> Any:
        if named.get("open_modes") is None and self.filesystem is session.fs:
            if isinstance(file_, int) and not session.is_fake(file_):
                return _REAL_OPEN[0](file_, mode, *arguments, **named)
            found = _open_attribute(session, file_, mode, *arguments, **named)
            if found is not None:
                return found
        return before(self, file_, mode, *arguments, **named)

    setattr(FakeFileOpen, "call", call)  # noqa: B010  mypy lets nobody assign to a method
    return lambda: setattr(FakeFileOpen, "call", before)


def _open_attribute(
    session: SysfsSession,
    file_: Any,
    mode: str = "r",
    buffering: int = -1,
    encoding: str | None = None,
    errors: str | None = None,
    newline: str | None = None,
    closefd: bool = True,
    opener: Any = None,
    open_modes: object = None,
) -> Any:
    """open() of an attribute, or of its descriptor; None if it is something else."""
    number = file_ if isinstance(file_, int) else None
    if number is None:
        fake = session.attribute_at(file_)
        if fake is None:
            return None
        flags = flags_of(mode)
        refuse_exclusive(flags, file_)
        custom = opener is not None and not opener.__module__.startswith("pathlib")
        number = opener(file_, flags) if custom else session.open(fake, flags, file_)
        closefd = True
    opened = session.opened(number)
    if opened is None:
        return None
    raw = RawAttr(opened.file, number, file_, mode, session.fs.close_open_file if closefd else None)
    return file_object(raw, mode, buffering, encoding, errors, newline)


def patch_mmap(session: SysfsSession) -> Callable[[], None]:
    """Put our class where the real one is, in the module and where somebody imported it from there."""
    mapped.SysfsMmap.lookup = staticmethod(session.mapped_by)
    holders = [module for module in list(sys.modules.values()) if _holds_mmap(module)]
    for module in holders:
        module.__dict__["mmap"] = mapped.SysfsMmap

    def undo() -> None:
        for module in {*holders, *(m for m in list(sys.modules.values()) if _holds(m, mapped.SysfsMmap))}:
            module.__dict__["mmap"] = mapped.REAL

    return undo


def _holds_mmap(module: Any) -> bool:
    return _holds(module, mapped.REAL) and module is not mapped


def _holds(module: Any, what: object) -> bool:
    return getattr(module, "__dict__", {}).get("mmap") is what
