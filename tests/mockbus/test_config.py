"""Config space: what a write changes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockbus.config import ConfigSpace
from movsdk.errors import BadInput


@pytest.mark.parametrize(
    ("mask", "w1c", "before", "value", "after"),
    [
        pytest.param(0x0000, 0x0000, 0x1234, 0xFFFF, 0x1234, id="read-only"),
        pytest.param(0xFF00, 0x0000, 0x1234, 0xABCD, 0xAB34, id="writable half"),
        pytest.param(0x0000, 0xF000, 0xF000, 0x5000, 0xA000, id="ones clear"),
        pytest.param(0x0000, 0xF000, 0x1000, 0xE000, 0x1000, id="ones clear only what stands there"),
        pytest.param(0x00FF, 0xFF00, 0x8011, 0x8022, 0x0022, id="both kinds in one register"),
    ],
)
def test_masks_decide_what_a_write_does(mask: int, w1c: int, before: int, value: int, after: int) -> None:
    """A write changes writable bits, clears W1C bits written as one, and returns exactly what changed."""
    config = ConfigSpace()
    config.define(0x40, 2, before, mask=mask, w1c=w1c)

    changed = config.write(0x40, 2, value)

    assert (config.read(0x40, 2), changed) == (after, before ^ after)


@given(st.integers(0, 0xFFFFFFFF), st.integers(0, 0xFFFFFFFF), st.integers(0, 0xFFFFFFFF))
def test_a_dword_write_is_four_byte_writes(mask: int, before: int, value: int) -> None:
    """Access size is not a matter of meaning: four bytes written one by one leave what one dword leaves."""
    whole, bytewise = ConfigSpace(), ConfigSpace()
    for config in (whole, bytewise):
        config.define(0x10, 4, before, mask=mask, w1c=~mask & 0xF0F0F0F0)

    whole.write(0x10, 4, value)
    for i in range(4):
        bytewise.write(0x10 + i, 1, value >> 8 * i & 0xFF)

    assert whole.data == bytewise.data


def test_past_the_end_reads_ones_and_takes_nothing() -> None:
    """A function of 256 bytes answers all-ones in extended space, by which software finds out."""
    config = ConfigSpace(256)

    changed = config.write(0x100, 4, 0)

    assert (config.read(0x100, 4), changed) == (0xFFFFFFFF, 0)


def test_reset_keeps_what_software_cannot_change() -> None:
    """Power-on brings firmware's values back; a reset clears all that was writable or W1C."""
    config = ConfigSpace()
    config.define(0x10, 4, 0xE000000C, mask=0xFFFFF000)
    config.define(0x06, 2, 0x8010, w1c=0xF900)
    config.seal()
    config.write(0x10, 4, 0xABCDE000)

    config.power_on()
    at_power_on = config.read(0x10, 4), config.read(0x06, 2)
    config.reset()

    assert at_power_on == (0xE000000C, 0x8010)
    assert (config.read(0x10, 4), config.read(0x06, 2)) == (0x0000000C, 0x0010)


@pytest.mark.parametrize(("length", "size"), [(64, 256), (256, 256), (257, 4096), (4096, 4096)])
def test_a_dump_is_kept_byte_by_byte(length: int, size: int) -> None:
    """Every dumped byte stands as it was; nothing of it is writable before somebody says so."""
    dump = bytes(i * 7 & 0xFF for i in range(length))

    config = ConfigSpace.from_bytes(dump)

    assert (bytes(config.data[:length]), config.size, config.initial) == (dump, size, bytes(config.data))
    assert not any(config.data[length:])
    assert config.write(0, 4, 0xFFFFFFFF) == 0


@pytest.mark.parametrize("length", [0, 63, 4097])
def test_a_dump_of_a_wrong_length_is_refused(length: int) -> None:
    """A truncated dump is named, not padded into a device."""
    with pytest.raises(BadInput, match=f"config dump of {length} bytes: 64 to 4096 are needed"):
        ConfigSpace.from_bytes(bytes(length))


def test_a_size_that_does_not_exist_is_refused() -> None:
    """There are two sizes of config space."""
    with pytest.raises(BadInput, match="config space of 512 bytes: it has 256 or 4096"):
        ConfigSpace(512)
