"""Writing whole or not at all."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from movsdk.bench.file_out import check_writable, new_folder, write_whole
from movsdk.errors import BadInput


def test_a_file_appears_with_all_its_text(tmp_path: Path) -> None:
    """And nothing else beside it; with the rights that any new file gets."""
    path = tmp_path / "out.json"
    (tmp_path / "usual").touch()

    write_whole(path, "ä\n")

    assert path.read_bytes() == b"\xc3\xa4\n"
    assert path.stat().st_mode == (tmp_path / "usual").stat().st_mode
    assert sorted(file.name for file in tmp_path.iterdir()) == ["out.json", "usual"]


def test_the_old_content_stays_until_the_new_is_complete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is full in the middle costs nothing and leaves nothing behind."""
    path = tmp_path / "out.json"
    path.write_text("precious")

    def is_full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", is_full)
    with pytest.raises(BadInput) as caught:
        write_whole(path, "new")

    assert str(caught.value) == f"{path}: cannot be written: No space left on device; choose another place"
    assert path.read_text() == "precious"
    assert [file.name for file in tmp_path.iterdir()] == ["out.json"]


def test_rights_and_links_stay(tmp_path: Path) -> None:
    """What was private stays private; a link leads to the new content."""
    private, link = tmp_path / "private", tmp_path / "link"
    private.touch(0o600)
    link.symlink_to("private")

    write_whole(link, "new")

    assert link.is_symlink()
    assert private.read_text() == "new"
    assert private.stat().st_mode & 0o777 == 0o600


def test_a_pipe_is_written_to_as_it_is(tmp_path: Path) -> None:
    """/dev/stdout and its like are never replaced by a file."""
    pipe, heard = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: heard.append(pipe.read_text()))
    reader.start()

    write_whole(pipe, "line\n")

    reader.join(10)
    assert heard == ["line\n"]
    assert pipe.is_fifo()


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("{folder}", "{folder}: is a folder; name a file in it"),
        ("{folder}/no/x", "{folder}/no/x: cannot be written: there is no folder {folder}/no; make it first"),
        ("{folder}/loop", "{folder}/loop: cannot be written: Symlink loop from '{folder}/loop'; choose another place"),
        ("a\0b", "a\0b: cannot be written: embedded null byte; choose another place"),
    ],
)
@pytest.mark.parametrize("act", [check_writable, lambda path: write_whole(path, "x")], ids=["check", "write"])
def test_a_place_that_cannot_be(act: object, place: str, message: str, tmp_path: Path) -> None:
    """The check says beforehand what writing would say."""
    (tmp_path / "loop").symlink_to("loop")
    assert callable(act)

    with pytest.raises(BadInput) as caught:
        act(place.format(folder=tmp_path))

    assert str(caught.value) == message.format(folder=tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["loop"]


def test_a_folder_that_takes_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked of the system, not found out at the end of a long run."""
    monkeypatch.setattr(os, "access", lambda path, mode: False)

    with pytest.raises(BadInput, match=r"out: cannot be written: Permission denied; choose another place"):
        check_writable(tmp_path / "out")


def test_checking_creates_nothing(tmp_path: Path) -> None:
    """It may be that nothing will be written after all."""
    check_writable(tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place", ["new", "new/below", "empty"])
def test_a_new_folder_is_made_or_taken_empty(tmp_path: Path, place: str) -> None:
    """With the folders above it."""
    (tmp_path / "empty").mkdir()
    with new_folder(tmp_path / place) as root:
        (root / "file").write_text("x")
    assert (tmp_path / place / "file").read_text() == "x"


@pytest.mark.parametrize("error", [KeyError("ours"), KeyboardInterrupt()])
@pytest.mark.parametrize("place", ["new", "new/below", "empty"])
def test_a_folder_whose_writing_fails_is_as_before(tmp_path: Path, place: str, error: BaseException) -> None:
    """Whatever happens: files, links and folders in it are gone, and so are the folders that were made; links lead nowhere."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").write_text("x")

    def fail() -> None:
        with new_folder(tmp_path / place) as root:
            (root / "inner").mkdir()
            (root / "inner" / "file").write_text("x")
            (root / "link").symlink_to(tmp_path / "kept")
            raise error

    with pytest.raises(type(error)):
        fail()
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["empty", "file", "kept"]


def test_a_folder_with_something_in_it_is_refused(tmp_path: Path) -> None:
    """And left alone."""
    (tmp_path / "mine").write_text("x")
    with pytest.raises(BadInput, match="is not empty; name a new folder"), new_folder(tmp_path):
        raise AssertionError("not reached")
    with pytest.raises(BadInput, match="cannot be written"), new_folder(tmp_path / "mine"):
        raise AssertionError("not reached")
    with pytest.raises(BadInput, match="cannot be written"), new_folder(str(tmp_path / "zero") + chr(0)):
        raise AssertionError("not reached")
    assert (tmp_path / "mine").read_text() == "x"
