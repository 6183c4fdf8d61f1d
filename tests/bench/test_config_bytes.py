"""Config bytes as text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from movsdk.bench.config_bytes import config_rows, read_config
from movsdk.bench.place import Place
from movsdk.errors import BadInput

HERE = Place("m", "config")


@pytest.mark.parametrize(
    ("value", "data"),
    [
        ("36 1b" + "00" * 62, b"\x36\x1b".ljust(64, b"\0")),
        ("36\n1b\n" + "00" * 254, b"\x36\x1b".ljust(256, b"\0")),
        ({"size": 64, "0x02": "0c 00", "0x00": "361b"}, b"\x36\x1b\x0c".ljust(64, b"\0")),
        ({"0xff": "07"}, b"\x07".rjust(256, b"\0")),
    ],
)
def test_hex_and_rows_are_read(value: object, data: bytes) -> None:
    """Blanks do not count; what no row names is zero; rows are for 256 bytes unless they say otherwise."""
    assert read_config(value, HERE) == data


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("00" * 100, "m: config: 100 config bytes; a config space has 64, 256 or 4096"),
        ("0g", 'm: config: "0g" is not hex bytes; write two digits a byte, in quotes'),
        ("000", 'm: config: "000" is not hex bytes; write two digits a byte, in quotes'),
        (12, "m: config: 12 is not hex bytes; write two digits a byte, in quotes"),
        ({"size": 100}, "m: config.size: 100 is not a config size; 64, 256 or 4096"),
        ({"x": "00"}, 'm: config.x: "x" is not a number; write 4096, 64M (K, M, G or T) or 0xfe000000'),
        ({"0xff": "00 00"}, "m: config.0xff: 2 bytes from 0xff run past the 256 of this config space"),
        ({"0": "01 02", "1": "03"}, "m: config.1: overlaps another row; give each byte once"),
    ],
)
def test_what_is_no_config_space_is_refused(value: object, message: str) -> None:
    """A dump that lost bytes must not pass for a smaller one."""
    with pytest.raises(BadInput) as caught:
        read_config(value, HERE)

    assert str(caught.value) == message


@given(st.sampled_from([64, 256, 4096]), st.dictionaries(st.integers(0, 63), st.integers(0, 255)))
def test_rows_keep_every_byte(size: int, bytes_at: dict[int, int]) -> None:
    """Leaving rows of zeros out loses nothing."""
    data = bytearray(size)
    for offset, value in bytes_at.items():
        data[offset * size // 64] = value

    assert read_config(config_rows(bytes(data)), HERE) == data
