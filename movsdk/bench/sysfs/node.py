"""What a view is made of: folders, links, and attributes that show and store.

Twin: ``struct kernfs_node`` with ``struct attribute`` and ``struct bin_attribute``. Opens nothing; see `open_file`.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from attrs import field, frozen

if TYPE_CHECKING:
    from movsdk.bench.sysfs.bar_window import BarWindow

PAGE: Final = 4096
"""The size that a text attribute claims to have, and the most that it shows or takes at once, bytes."""


def _forever() -> bool:
    return True


@frozen(eq=False)
class Attr:
    """One file. Callbacks raise `OSError` for the errno that the kernel would answer.

    A text attribute has `show` and `store` (once for each write, whatever the offset). A binary one has `read_at(offset, count)`
    and `write_at(offset, data)`, which returns how many bytes it took, or is only there to be mapped: `window`.

    Args:
        mode: permission bits.
        size: what stat tells, bytes.
        is_alive: False once the device is gone; open files then answer ENODEV.
    """

    mode: int
    show: Callable[[], str] | None = field(default=None, repr=False)
    store: Callable[[bytes], None] | None = field(default=None, repr=False)
    read_at: Callable[[int, int], bytes] | None = field(default=None, repr=False)
    write_at: Callable[[int, bytes], int] | None = field(default=None, repr=False)
    window: BarWindow | None = field(default=None, repr=False)
    size: int = PAGE
    is_alive: Callable[[], bool] = field(default=_forever, repr=False)

    @property
    def is_text(self) -> bool:
        """True if it shows and stores text."""
        return self.show is not None or self.store is not None


@frozen(eq=False)
class Link:
    """A symbolic link; `target` is relative, as sysfs writes it."""

    target: str


@frozen(eq=False)
class Folder:
    """A directory whose entries are asked for each time, so that it always shows what the kernel knows now."""

    entries: Callable[[], Mapping[str, Node]] = field(repr=False)
    is_alive: Callable[[], bool] = field(default=_forever, repr=False)


Node = Attr | Link | Folder


def folder_of(entries: Mapping[str, Node]) -> Folder:
    """A folder that never changes."""
    return Folder(lambda: entries)


def text(show: Callable[[], object], mode: int = 0o444) -> Attr:
    """A read-only attribute: one line."""
    return Attr(mode, show=lambda: f"{show()}\n")


def knob(show: Callable[[], object], store: Callable[[bytes], None], mode: int = 0o644) -> Attr:
    """An attribute of one line that can be written."""
    return Attr(mode, show=lambda: f"{show()}\n", store=store)


def button(store: Callable[[bytes], None], mode: int = 0o200) -> Attr:
    """An attribute that can only be written."""
    return Attr(mode, store=store)


# --- what the kernel makes of written text -------------------------------------------------------
def to_number(data: bytes) -> int:
    """Read an unsigned number as ``kstrtoul(buf, 0, ...)`` does: 0x, octal, one newline at the end. Raises EINVAL, ERANGE."""
    digits = data[:-1] if data.endswith(b"\n") else data
    digits = digits.removeprefix(b"+")
    base = 16 if digits[:2].lower() == b"0x" else 8 if digits[:1] == b"0" and len(digits) > 1 else 10
    body = digits[2:] if base == 16 else digits
    try:
        if not body.isalnum():
            raise ValueError(body)
        value = int(body, base)
    except ValueError:
        raise OSError(errno.EINVAL, f"{data!r} is not a number") from None
    if value >> 64:
        raise OSError(errno.ERANGE, f"{data!r} needs more than 64 bits")
    return value


def to_bool(data: bytes) -> bool:
    """Read y, n, 1, 0, on, off as ``kstrtobool()`` does. Raises EINVAL."""
    word = data[:2].lower()
    if word[:1] in (b"y", b"t", b"1") or word == b"on":
        return True
    if word[:1] in (b"n", b"f", b"0") or word == b"of":
        return False
    raise OSError(errno.EINVAL, f"{data!r} is neither yes nor no")


def to_word(data: bytes) -> str:
    """The text without what ``echo`` puts at its end."""
    return data.decode("utf-8", "replace").rstrip("\n")
