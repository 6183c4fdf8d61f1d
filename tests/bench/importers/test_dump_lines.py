"""Dump files as lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from movsdk.bench.importers.dump_lines import read_lines
from movsdk.errors import BadInput


def test_lines_lose_their_ends_and_keep_their_numbers(tmp_path: Path) -> None:
    """CRLF, trailing blanks, a byte-order mark: what editors and terminals add."""
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xef\xbb\xbfone \r\n\r\n  two\tx")

    assert list(read_lines(path)) == [(1, "one"), (2, ""), (3, "  two\tx")]


def test_a_file_that_is_not_there_or_has_no_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading is bounded."""
    monkeypatch.setattr("movsdk.bench.importers.dump_lines.MAX_FILE", 1 << 20)
    (tmp_path / "big.txt").write_bytes(b"x" * (2 << 20))

    for name, message in {
        "no.txt": "cannot be read: No such file or directory; a dump folder holds it",
        "big.txt": "longer than 1 MiB; that is no dump of one machine",
        ".": "cannot be read: Is a directory; a dump folder holds it",
    }.items():
        with pytest.raises(BadInput) as caught:
            list(read_lines(tmp_path / name))
        assert str(caught.value) == f"{tmp_path / name}: {message}"
