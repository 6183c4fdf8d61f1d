"""Dump files as lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from movsdk.bench.importers.dump_lines import At, text_of
from movsdk.errors import BadInput
from tests.bench.importers.dumps import read_text


def test_lines_lose_their_ends_and_keep_their_numbers(tmp_path: Path) -> None:
    """CRLF, trailing blanks, a byte-order mark: what editors and terminals add."""
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xef\xbb\xbfone \r\n\r\n  two\tx")

    text = read_text(path)

    assert list(text) == [(1, "one"), (2, ""), (3, "  two\tx")]
    assert not text.has_end


@pytest.mark.parametrize(
    "data",
    [
        pytest.param("a\n ß\n".encode("utf-16"), id="a PowerShell redirection"),
        pytest.param("a\n ß\n".encode("latin-1"), id="an old locale"),
        pytest.param("\x1b[32ma\x1b[0m\n ß\n".encode(), id="colours"),
    ],
)
def test_other_ways_to_write_text_are_read(data: bytes) -> None:
    """What came through another program is still a dump."""
    assert text_of(Path("x"), data).lines[:2] == ("a", " ß")


def test_a_file_that_is_not_there_or_has_no_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading is bounded."""
    monkeypatch.setattr("movsdk.bench.importers.dump_lines.MAX_FILE", 1 << 20)
    (tmp_path / "big.txt").write_bytes(b"x" * (2 << 20))

    for name, message in {
        "no.txt": "cannot be read: No such file or directory; a dump holds it",
        "big.txt": "longer than 1 MiB; that is no dump of one machine",
        ".": "cannot be read: Is a directory; a dump holds it",
    }.items():
        with pytest.raises(BadInput) as caught:
            read_text(tmp_path / name)
        assert str(caught.value) == f"{tmp_path / name}: {message}"


def test_a_place_prints_as_file_and_line() -> None:
    """The whole file where there is no line."""
    assert [str(At(Path("a/b"), 3)), str(At(Path("a/b"))), At(Path("a/b"), 3).short] == ["a/b:3", "a/b", "b:3"]
    assert str(At(Path("a/b")).bad("x")) == "a/b: x"
