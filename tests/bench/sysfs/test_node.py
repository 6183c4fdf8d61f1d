"""What the kernel makes of text that is written to a file."""

from __future__ import annotations

import errno

import pytest

from movsdk.bench.sysfs.node import to_bool, to_number, to_word


@pytest.mark.parametrize(
    ("data", "value"),
    [(b"1", 1), (b"1\n", 1), (b"0", 0), (b"0x1F\n", 31), (b"017", 15), (b"+7", 7), (b"18446744073709551615", 2**64 - 1)],
)
def test_numbers_are_read_as_kstrtoul_reads_them(data: bytes, value: int) -> None:
    """Decimal, 0x and octal, one newline."""
    assert to_number(data) == value


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", errno.EINVAL),
        (b"\n", errno.EINVAL),
        (b"-1", errno.EINVAL),
        (b"1 ", errno.EINVAL),
        (b"1\n\n", errno.EINVAL),
        (b"1_0", errno.EINVAL),
        (b"09", errno.EINVAL),
        (b"0x", errno.EINVAL),
        (b"\xff\xfe", errno.EINVAL),
        (b"18446744073709551616", errno.ERANGE),
    ],
)
def test_what_is_no_number(data: bytes, code: int) -> None:
    """EINVAL, or ERANGE past 64 bits."""
    with pytest.raises(OSError) as caught:
        to_number(data)
    assert caught.value.errno == code


@pytest.mark.parametrize(
    ("data", "value"), [(b"1\n", True), (b"Y", True), (b"on\n", True), (b"0", False), (b"no", False), (b"off\n", False)]
)
def test_yes_and_no(data: bytes, value: bool) -> None:
    """As kstrtobool() has it."""
    assert to_bool(data) is value


def test_perhaps_is_einval() -> None:
    """Neither yes nor no."""
    with pytest.raises(OSError, match="neither yes nor no"):
        to_bool(b"perhaps")


def test_a_word_loses_the_newline_of_echo() -> None:
    """And nothing else."""
    assert to_word(b" a b\n") == " a b"
