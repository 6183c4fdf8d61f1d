"""A thousand broken dumps; ``benchmarks/hostile_dumps.py`` breaks more."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest

from movsdk.bench.importers.folder import read_dump
from movsdk.errors import BadInput
from tests.bench.importers.dumps import BOOT, copy_of
from tests.bench.importers.hostile import broken, outcome, whole_dumps

COUNT = 1000
PARTS = 10


@pytest.mark.parametrize("part", range(PARTS))
def test_a_broken_dump_is_refused_in_one_line_or_imported(part: int, tmp_path: Path) -> None:
    """Never a traceback: a line that names a file, or a machine that can be built and reads back equal. Both happen."""
    whole = whole_dumps()
    seeds = range(part * COUNT // PARTS, (part + 1) * COUNT // PARTS)

    found = {seed: outcome(broken(whole, seed), tmp_path) for seed in seeds}

    refused = [each for each in found.values() if each.startswith("refused")]
    assert 10 < len(refused) < len(seeds) - 10


def test_whole_dumps_are_imported(tmp_path: Path) -> None:
    """What the harms start from is sound, but for the samples that need a choice or another moment."""
    outcomes = [outcome(files, tmp_path) for files in whole_dumps()]

    assert [each[:70] for each in outcomes if each != "imported"] == [
        "refused: /resource.txt:153: the size of 0000:04:00.0 BAR 2 is in none ",
        "refused: : 3 root buses, and a scenario has one: 0000:00 (2 functions)",
    ]


def test_a_dump_cut_at_any_line_is_noticed(tmp_path: Path) -> None:
    """Of lists of functions and of ranges: what is lost is missed by another file, or by the BARs. Only idle ranges may go."""
    lost: dict[str, list[str]] = {}
    for name in ("lspci-xxxx.txt", "resource.txt", "drivers.txt", "ioports.txt", "iomem.txt"):
        lines = (BOOT / name).read_text().splitlines(keepends=True)
        for count in range(1, len(lines), 1 + len(lines) // 8):
            cut = "".join(lines[:count])
            folder = copy_of(BOOT, tmp_path / f"{name}{count}", **{name.split(".")[0]: lambda _text, cut=cut: cut})
            try:
                notes = read_dump(folder).notes
            except BadInput:
                continue
            if not notes and "".join(lines[count:]).strip():
                lost.setdefault(name, []).append("".join(lines[count:]))

    assert lost.keys() == {"iomem.txt"}
    assert all("0000:" not in rest.replace("PCI Bus 0000:00", "") for rest in lost["iomem.txt"])


def test_nothing_is_read_that_does_not_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe in a folder is passed over; endless files, huge archives and folders of too many files are refused."""
    folder = copy_of(BOOT, tmp_path)
    os.mkfifo(folder / "lspci-pipe.txt")
    assert len(read_dump(folder).functions) == 15

    with pytest.raises(BadInput, match="/dev/zero: longer than 32 MiB; that is no dump of one machine"):
        read_dump("/dev/zero")
    monkeypatch.setattr("movsdk.bench.importers.files.MOST_BYTES", 1 << 12)
    monkeypatch.setattr("movsdk.bench.importers.files.MOST_FILES", 3)
    with tarfile.open(tmp_path / "big.tar", "w") as archive:
        archive.add(BOOT, arcname="boot")
    with pytest.raises(BadInput, match=r"big\.tar: unpacks to more than 0 MiB"):
        read_dump(tmp_path / "big.tar")
    with pytest.raises(BadInput, match=": more than 3 files; name the folder of one dump"):
        read_dump(folder)
    (tmp_path / "cut.tar.gz").write_bytes(b"\x1f\x8b\x08\x00junk")
    with pytest.raises(BadInput, match=r"cut\.tar\.gz: not an archive that can be unpacked"):
        read_dump(tmp_path / "cut.tar.gz")


def test_a_pipe_is_read_if_somebody_writes(tmp_path: Path) -> None:
    """As in ``movsdk import <(ssh host lspci -vv)``; without a writer it is empty, and nobody waits for one."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(BadInput, match="pipe: is empty"):
        read_dump(pipe)

    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with pipe.open("wb", buffering=0) as writer:
        writer.write(b"00:00.0 Host bridge [0600]: V D [1234:5678]\n\tControl: I/O- Mem-\n")
        duplicate = os.dup(reader)
    os.set_blocking(duplicate, True)
    assert len(read_dump(f"/proc/self/fd/{duplicate}").functions) == 1
    os.close(duplicate)
    os.close(reader)


def test_zeros_are_no_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """tarfile would call them an empty one, after a minute's search; it is not asked."""
    monkeypatch.setattr(tarfile, "is_tarfile", None)
    (tmp_path / "zeros").write_bytes(bytes(4096))

    with pytest.raises(BadInput, match="zeros:1: not text of a dump"):
        read_dump(tmp_path / "zeros")


def test_more_functions_or_ranges_than_any_machine_has_are_refused(tmp_path: Path) -> None:
    """Before anything is done that takes longer with each."""
    heads = "".join(f"{bus:02x}:{device:02x}.{n} Host bridge: x\n" for bus in range(40) for device in range(32) for n in range(8))
    for text, message in {
        heads: ": lists 10240 functions; no machine has more than 8192",
        "".join(f"{at:08x}-{at:08x} : x\n" for at in range(3000)): ":2049: more than 2048 ranges side by side",
        "".join(
            f"{'  ' * at}00000000-000000ff : x\n" for at in range(70)
        ): ":65: more than 2048 ranges side by side, or 64 inside one another",
    }.items():
        (tmp_path / "x").write_text(text)
        with pytest.raises(BadInput) as caught:
            read_dump(tmp_path / "x")
        assert str(caught.value).startswith(f"{tmp_path}/x{message}")
