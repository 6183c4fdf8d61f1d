"""Numbers as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from movsdk.bench.sizes import format_size, parse_number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("4096", 4096),
        ("4K", 4096),
        ("4k", 4096),
        ("64M", 64 << 20),
        ("64G", 64 << 30),
        ("2T", 2 << 40),
        ("0xFE000000", 0xFE000000),
        (" 1M ", 1 << 20),
        (17, 17),
    ],
)
def test_numbers_are_read_as_memparse_does(text: object, number: int) -> None:
    """K, M, G and T are powers of 1024; 0x is hex."""
    assert parse_number(text) == number


@pytest.mark.parametrize("text", ["", "64MB", "1.5M", "-4K", "0x", "fe000000", "4 K", True, None, 1.0, "٤"])
def test_what_is_no_number_is_refused_with_the_way_to_write_one(text: object) -> None:
    """Nothing is guessed: not a unit, not a base, not a fraction."""
    with pytest.raises(ValueError) as caught:
        parse_number(text)

    assert str(caught.value) == "is not a number; write 4096, 64M (K, M, G or T) or 0xfe000000"


@pytest.mark.parametrize("text", ["0x1" + "0" * 16, "9" * 30, "9" * 21 + "K"])
def test_a_number_without_end_is_called_too_large(text: str) -> None:
    """It is a number; to say that it is none sends people looking for a slip of the pen."""
    with pytest.raises(ValueError, match=r"^is too large: no number here has more than 64 bits$"):
        parse_number(text)


@given(st.integers(0, 1 << 60))
def test_a_formatted_size_reads_back(size: int) -> None:
    """No size loses a byte by being written short."""
    assert parse_number(format_size(size)) == size
