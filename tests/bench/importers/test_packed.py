"""Dumps as bug trackers hold them: packed, and no bigger than a dump can be."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from movsdk.bench.importers.dump_lines import MAX_FILE
from movsdk.bench.importers.files import MOST_BYTES
from movsdk.bench.importers.folder import read_dump
from movsdk.bench.importers.packed import ZipFiles, is_zip, unpacked
from movsdk.errors import BadInput
from tests.bench.importers.dumps import BOOT

PACKERS = [gzip.compress, bz2.compress, lzma.compress]
HERE = Path("log")


@pytest.mark.parametrize("pack", PACKERS)
def test_one_file_is_unpacked(pack: Callable[[bytes], bytes]) -> None:
    """Whatever its name is; also two of them, one after the other, as `cat` makes them."""
    assert unpacked(HERE, pack(b"a dump")) == b"a dump"
    assert unpacked(HERE, pack(b"a ") + pack(b"dump")) == b"a dump"
    assert unpacked(HERE, b"a dump") == b"a dump"


@pytest.mark.parametrize("pack", PACKERS)
def test_what_is_cut_off_or_damaged_is_said(pack: Callable[[bytes], bytes]) -> None:
    """One line, with the file and what may be wrong."""
    whole = pack(bytes(range(256)) * 40)

    with pytest.raises(BadInput, match=r"log: cannot be unpacked .* it may be cut off or damaged"):
        unpacked(HERE, whole[:-20])
    with pytest.raises(BadInput, match=r"log: cannot be unpacked .* it may be cut off or damaged"):
        unpacked(HERE, whole[:20] + bytes(len(whole) - 20))


@pytest.mark.parametrize("pack", PACKERS)
def test_a_bomb_is_refused_before_it_is_unpacked(pack: Callable[[bytes], bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit is a dump's, and holds while unpacking."""
    monkeypatch.setattr("movsdk.bench.importers.packed.MAX_FILE", 3 << 20)

    with pytest.raises(BadInput, match="log: unpacks to more than 3 MiB; that is no dump of one machine"):
        unpacked(HERE, pack(bytes(4 << 20)))


@pytest.mark.parametrize(
    ("magic", "message"),
    [
        (b"\x28\xb5\x2f\xfd", "log: is a zstd file, which is not read; unpack it first: zstd -d log"),
        (b"7z\xbc\xaf\x27\x1c", "log: is a 7z file, .* 7z x log"),
        (b"Rar!\x1a\x07", "log: is a rar file, .* unrar x log"),
        (b"%PDF-1.4", "log: is a PDF file, .* pdftotext log"),
    ],
)
def test_what_cannot_be_unpacked_here_is_named(magic: bytes, message: str) -> None:
    """With the command that does."""
    with pytest.raises(BadInput, match=message):
        unpacked(HERE, magic + b"...")


# --- zip ---------------------------------------------------------------------------------------------------------
def zipped(tmp_path: Path, files: dict[str, bytes]) -> Path:
    """Write an archive of these."""
    place = tmp_path / "dump.zip"
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return place


def test_a_zip_archive_is_a_folder(tmp_path: Path) -> None:
    """With files that are packed themselves, Windows' slashes, and names that lead out of it kept in."""
    files = {f"boot\\{file.name}.gz": gzip.compress(file.read_bytes()) for file in BOOT.iterdir()}
    place = zipped(tmp_path, {**files, "../../etc/note": b"no dump"})

    dump = read_dump(place)

    assert is_zip(place)
    whole = read_dump(BOOT)
    assert {path: one.config for path, one in dump.functions.items()} == {
        path: one.config for path, one in whole.functions.items()
    }
    assert (dump.windows, dump.ram) == (whole.windows, whole.ram)
    assert "etc/note" in ZipFiles(place).names()
    assert any("left out" in note and "note" in note for note in dump.notes)


def test_a_link_in_a_zip_archive_is_one(tmp_path: Path) -> None:
    """As Info-ZIP writes it: the mode is in the upper half of its attributes."""
    place = tmp_path / "dump.zip"
    member = zipfile.ZipInfo("driver")
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(place, "w") as archive:
        archive.writestr(member, "../drivers/nvme")

    files = ZipFiles(place)

    assert (files.names(), files.link("driver"), files.read("driver")) == (["driver"], "../drivers/nvme", None)


def test_a_zip_archive_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each file, and all of them together."""
    place = zipped(tmp_path, {f"{n}.txt": bytes(1 << 20) for n in range(3)})

    monkeypatch.setattr("movsdk.bench.importers.packed.MOST_BYTES", 2 << 20)
    with pytest.raises(BadInput, match=r"dump.zip: unpacks to more than 2 MiB; that is no dump"):
        ZipFiles(place)
    monkeypatch.setattr("movsdk.bench.importers.packed.MAX_FILE", 1 << 19)
    with pytest.raises(BadInput, match=r"0.txt: longer than 0 MiB; that is no dump"):
        ZipFiles(place)
    assert (MAX_FILE, MOST_BYTES) == (32 << 20, 128 << 20)


def test_a_damaged_or_locked_zip_archive_is_said_to_be(tmp_path: Path) -> None:
    """One line each."""
    place = zipped(tmp_path, {"a.txt": b"0000:00:00.0 Host bridge: it\n" * 40})
    whole = place.read_bytes()

    place.write_bytes(whole[:60])
    with pytest.raises(BadInput, match=r"not an archive that can be unpacked: .* it may be cut off"):
        ZipFiles(place)
    locked = bytearray(whole)
    locked[6] |= 1  # "encrypted", in both headers
    locked[whole.index(b"PK\x01\x02") + 8] |= 1
    place.write_bytes(locked)
    with pytest.raises(BadInput, match="is locked with a password; unpack it, and give the folder"):
        ZipFiles(place)
    assert not is_zip(tmp_path)
    assert zipfile.is_zipfile(io.BytesIO(whole))
