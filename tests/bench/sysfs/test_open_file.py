"""read, write and lseek on an open attribute, as kernfs does them."""

from __future__ import annotations

import errno
import os

import pytest

from movsdk.bench.sysfs.node import PAGE, Attr
from movsdk.bench.sysfs.open_file import OpenFile


def test_text_is_shown_afresh_from_the_start_only() -> None:
    """A reader that goes on sees the text it began with; one that rewinds sees the new one."""
    values = iter(["one\n", "two\n"])
    file = OpenFile(Attr(0o444, show=lambda: next(values)), os.O_RDONLY)
    assert (file.read(2), file.read(100), file.read(100)) == (b"on", b"e\n", b"")
    assert file.seek(0) == 0
    assert file.read(100) == b"two\n"


def test_each_write_is_one_store_wherever_it_is() -> None:
    """The offset does not matter, a page is the most, nothing stores nothing."""
    stored: list[bytes] = []
    file = OpenFile(Attr(0o200, store=stored.append), os.O_WRONLY)
    assert [file.write(b"1"), file.write(b"2\n"), file.write(b""), file.write(b"x" * 5000)] == [1, 2, 0, PAGE]
    assert stored == [b"1", b"2\n", b"x" * PAGE]


def test_a_binary_file_has_offsets_and_an_end() -> None:
    """Reads stop at the end; a write past it is EFBIG, one across it is cut."""
    data = bytearray(b"abcdefgh")

    def write_at(offset: int, new: bytes) -> int:
        data[offset : offset + len(new)] = new
        return len(new)

    file = OpenFile(Attr(0o600, read_at=lambda at, n: bytes(data[at : at + n]), write_at=write_at, size=8), os.O_RDWR)
    assert (file.pread(4, 6), file.pread(4, 8), file.pread(4, 100)) == (b"gh", b"", b"")
    assert file.pwrite(b"XYZ", 6) == 2
    assert (file.seek(-2, os.SEEK_END), file.read(9)) == (6, b"XY")
    with pytest.raises(OSError) as caught:
        file.pwrite(b"x", 8)
    assert caught.value.errno == errno.EFBIG
    for call in (lambda: file.seek(-1), lambda: file.pread(1, -1), lambda: file.pwrite(b"x", -1)):
        with pytest.raises(OSError) as caught:
            call()
        assert caught.value.errno == errno.EINVAL


@pytest.mark.parametrize(
    ("attr", "flags"),
    [
        (Attr(0o200, store=lambda _data: None), os.O_RDONLY),
        (Attr(0o444, show=str), os.O_WRONLY),
        (Attr(0o444, show=str), os.O_RDWR),
        (Attr(0o666, show=str), os.O_WRONLY),
    ],
)
def test_an_attribute_is_opened_only_for_what_it_can(attr: Attr, flags: int) -> None:
    """EACCES, also for root."""
    with pytest.raises(OSError) as caught:
        OpenFile(attr, flags)
    assert caught.value.errno == errno.EACCES


def test_a_dead_attribute_answers_enodev_and_a_wrong_direction_ebadf() -> None:
    """Both at the call, not at the open."""
    alive = [True]
    file = OpenFile(Attr(0o644, show=lambda: "x", store=lambda _data: None, is_alive=lambda: alive[0]), os.O_RDONLY)
    with pytest.raises(OSError) as caught:
        file.write(b"1")
    assert caught.value.errno == errno.EBADF
    alive[0] = False
    with pytest.raises(OSError) as caught:
        file.read(1)
    assert caught.value.errno == errno.ENODEV
