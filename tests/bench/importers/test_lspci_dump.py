"""Config bytes as lspci prints them."""

from __future__ import annotations

from pathlib import Path

import pytest

from movsdk.address import Bdf
from movsdk.bench.importers.lspci_dump import read_lspci
from movsdk.errors import BadInput
from tests.bench.importers.dumps import BOOT, read_text

ROWS = "".join(f"{offset:02x}: {' '.join(['36', '1b'] + ['00'] * 14)}\n" for offset in range(0, 64, 16))


def read(folder: Path, text: str) -> dict[Bdf, bytes]:
    path = folder / "lspci-xxxx.txt"
    path.write_bytes(text.encode())
    return {bdf: entry.config for bdf, entry in read_lspci(read_text(path), []).items()}


def test_a_real_dump_is_read_in_order_and_whole() -> None:
    """Fifteen functions; PCIe ones have 4096 bytes, conventional ones 256."""
    found = read_lspci(read_text(BOOT / "lspci-xxxx.txt"), [])

    assert [str(bdf) for bdf in found][:3] == ["0000:00:00.0", "0000:00:04.0", "0000:00:05.0"]
    assert len(found) == 15
    assert {len(entry.config) for entry in found.values()} == {256, 4096}
    assert found[Bdf.parse("03:00.0")].config[:20].hex() == "361b100007051000020208010000000004" + "0040fe"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"00:01.0 VGA: x\n{ROWS}", id="no domain"),
        pytest.param(f"0000:00:01.0 VGA: x\n{ROWS}\n\n", id="domain"),
        pytest.param(f"0000:00:01.0 VGA: x\n\tSubsystem: y\n\tRegion 0: z\n{ROWS}", id="verbose"),
        pytest.param(f"\ufeff0000:00:01.0\n{ROWS}".replace("\n", "\r\n"), id="out of a Windows editor"),
    ],
)
def test_the_forms_of_lspci_are_read(text: str, tmp_path: Path) -> None:
    """-D or not, -v or not, whatever the line ends became on the way."""
    assert read(tmp_path, text) == {Bdf(0, 0, 1, 0): (b"\x36\x1b" + bytes(14)) * 4}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", ": is empty"),
        ("\n \n", ": is empty"),
        (ROWS, ":1: config bytes before any device line"),
        (f"00:01.0 x\n{ROWS[:-30]}", ':5: a row of config bytes that is cut off: "30: 36 1b 00 00 00 00"'),
        (
            f"00:01.0 x\n{ROWS[: len(ROWS) // 4]}",
            ":3: 0000:00:01.0 ends after 16 config bytes, not 64, 256 or 4096; the dump is cut off",
        ),
        (f"00:01.0 x\n{ROWS}{ROWS}", ":6: row 00 where row 40 must follow; lines are missing, or doubled"),
        (
            f"00:01.0 x\n{ROWS}00:01.0 x\n{ROWS}",
            ":6: 0000:00:01.0 a second time, after line 1; give one moment at a time (--then for a later one)",
        ),
        ("hello\n", ':1: neither a device nor a row of config bytes: "hello"; take the output of lspci'),
        ("\tindented only\n", ':2: neither a device nor a row of config bytes: ""; take the output of lspci'),
        ("\x7fELF\x02\x01\n", ':1: not text of a dump: "\\u007fELF\\u0002\\u0001"'),
        ("x" * 5000, ':1: not text of a dump: "' + "x" * 56 + "..."),
    ],
)
def test_what_is_no_dump_is_refused_by_line(text: str, message: str, tmp_path: Path) -> None:
    """A dump that lost its tail must not become a smaller machine."""
    with pytest.raises(BadInput) as caught:
        read(tmp_path, text)

    assert str(caught.value) == f"{tmp_path}/lspci-xxxx.txt{message}"


def test_binary_junk_is_refused(tmp_path: Path) -> None:
    """The line of the first byte that is no text."""
    path = tmp_path / "lspci-xxxx.txt"
    path.write_bytes(b"00:01.0 x\n\x80\x81\n")

    with pytest.raises(BadInput) as caught:
        read_text(path)

    assert str(caught.value) == f"{path}:2: not text: byte 0x80"
