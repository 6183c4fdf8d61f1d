"""What ``--expect`` names."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import pytest

from movsdk.cli.expectation import read_expectation
from movsdk.errors import BadInput
from tests.bench.importers.dumps import BOOT, copy_of, replacing
from tests.cli.calls import plain, vector


def recorded(name: str, rules: str | None, rc: int) -> dict[str, object]:
    return {"name": name, "rules": rules, "scenario": plain(), "expect": [{"op": "boot", "rc": rc}]}


def test_the_vector_of_the_same_rules_comes_first(tmp_path: Path) -> None:
    """A file may hold one scenario under several kernels; else the first of that name will do."""
    path = vector(tmp_path, recorded("a", "v9", 1), recorded("a", "off", 2), recorded("b", None, 3))
    expected = read_expectation(str(path))

    assert expected.of("a", "off")[0]["rc"] == 2
    assert expected.of("a", "v5")[0]["rc"] == 1
    assert expected.of("b", "v9")[0]["rc"] == 3


def test_a_name_that_nobody_recorded_is_bad_input(tmp_path: Path) -> None:
    """But a single vector needs no name."""
    many = read_expectation(str(vector(tmp_path, recorded("a", "v9", 1), recorded("b", "v9", 2))))
    one = read_expectation(str(vector(tmp_path, recorded("a", "v9", 1), name="one.jsonl")))

    with pytest.raises(BadInput) as caught:
        many.check("c", "v9")
    assert str(caught.value) == f"{tmp_path}/many.jsonl: holds no vector named 'c'; --expect a file that does"
    assert one.of("c", "v9")[0]["rc"] == 1


@pytest.mark.parametrize("form", ["archive", "file", "packed file"])
def test_a_dump_is_told_by_its_content(form: str, tmp_path: Path) -> None:
    """What `movsdk import` reads, `--expect` reads."""
    place = tmp_path / "dump"
    if form == "archive":
        with zipfile.ZipFile(place, "w") as archive:
            for file in BOOT.iterdir():
                archive.write(file, file.name)
    else:
        data = (BOOT / "lspci-xxxx.txt").read_bytes()
        place.write_bytes(gzip.compress(data) if form == "packed file" else data)

    expected = read_expectation(str(place))

    assert expected.dump is not None
    assert len(expected.dump.functions) == 15


def test_a_root_bus_belongs_to_a_dump(tmp_path: Path) -> None:
    """It is chosen there; vectors have none to choose."""
    assert read_expectation(str(BOOT), "0000:00").dump is not None
    with pytest.raises(BadInput, match="no root bus 0000:40; there are 0000:00"):
        read_expectation(str(BOOT), "0000:40")
    with pytest.raises(BadInput, match=r"chooses a root bus of a dump, and .*one.jsonl is none; leave it out"):
        read_expectation(str(vector(tmp_path, recorded("a", "v9", 1), name="one.jsonl")), "0000:00")


def test_a_broken_dump_is_bad_input(tmp_path: Path) -> None:
    """Named by file and line."""
    folder = copy_of(BOOT, tmp_path, drivers=replacing("0000:03:00.0 nvme", "0000:03:00.0"))
    with pytest.raises(BadInput, match=r"drivers.txt:\d+: not `address driver`"):
        read_expectation(str(folder))


def test_a_folder_is_a_dump(tmp_path: Path) -> None:
    """It is read at once, so that a broken one is told before anything is played; any scenario may be compared with it."""
    expected = read_expectation(str(BOOT))

    expected.check("anything", "v9")
    assert expected.differences("anything", "v9", []) == ["no event was played"]
    with pytest.raises(BadInput, match=r": holds no dump of PCI devices; give lspci -vv or -xxxx"):
        read_expectation(str(tmp_path))


def test_a_file_without_an_outcome_expects_nothing(tmp_path: Path) -> None:
    """Comparing with it would find everything equal."""
    path = vector(tmp_path, plain())

    with pytest.raises(BadInput) as caught:
        read_expectation(str(path))
    assert str(caught.value) == f"{path}: holds no recorded outcome (`expect`); give a golden vector file or a dump"
