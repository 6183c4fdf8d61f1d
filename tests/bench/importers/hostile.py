"""Broken dumps out of whole ones, by seed: cut, shuffled, doubled, in other encodings, with junk, giants and loops."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from movsdk.bench.assembly import assemble
from movsdk.bench.importers.folder import read_dump
from movsdk.bench.importers.story import import_dumps
from movsdk.bench.scenario_schema import parse
from movsdk.bench.scenario_text import to_plain
from movsdk.errors import BadInput
from tests.bench.importers import samples
from tests.bench.importers.dumps import BOOT, OFF

Files = dict[str, bytes]
LONGEST_MESSAGE = 700


def whole_dumps() -> list[Files]:
    """What is broken: two recorded machines, and the samples, each as files by name."""
    recorded = [{path.name: path.read_bytes() for path in sorted(folder.iterdir())} for folder in (BOOT, OFF[1])]
    words = [samples.LAPTOP, samples.GPU, samples.EPYC, samples.SRIOV, samples.ENHANCED]
    logs = [samples.NEW_LOG, samples.OLD_LOG]
    alone = [{"lspci.txt": text.encode()} for text in words] + [{"dmesg.txt": text.encode()} for text in logs]
    together = {"lspci.txt": samples.GPU.encode(), "dmesg.txt": samples.NEW_LOG.encode(), "iomem.txt": recorded[0]["iomem.txt"]}
    return [*recorded, *alone, together]


def broken(whole: list[Files], seed: int) -> Files:
    """One of them with one to three things done to it; the same for the same seed."""
    chance = random.Random(seed)
    files = dict(chance.choice(whole))
    for _ in range(chance.randint(1, 3)):
        if files:
            name = chance.choice(sorted(files))
            files[name] = chance.choice(HARMS)(files[name], chance)
    if chance.random() < 0.1:
        del files[chance.choice(sorted(files))]
    if chance.random() < 0.05:
        files["other.txt"] = chance.choice(list(chance.choice(whole).values()))
    return files


def outcome(files: Mapping[str, bytes], folder: Path) -> str:
    """``refused: why`` in one line that names a file of `folder`, or ``imported``; raises AssertionError if it is neither.

    What is imported can be built, and reads back equal.
    """
    for name, data in files.items():
        (folder / name).write_bytes(data)
    try:
        imported = import_dumps([read_dump(folder)])
    except BadInput as error:
        message = str(error)
        assert message.startswith(str(folder)), message
        assert message.isprintable(), repr(message)
        assert len(message) < LONGEST_MESSAGE + len(str(folder)) * message.count(str(folder)), message
        return f"refused: {message.replace(str(folder), '')}"
    finally:
        for name in files:
            (folder / name).unlink()
    assert parse(to_plain(imported.scenario)) == imported.scenario
    assemble(imported.scenario)
    for note in imported.notes:
        assert note.isprintable(), repr(note)
    return "imported"


# --- harms -----------------------------------------------------------------------------------------
def _cut(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data) + 1)]


def _cut_at_a_line(data: bytes, chance: random.Random) -> bytes:
    lines = data.splitlines(keepends=True)
    return b"".join(lines[: chance.randrange(len(lines) + 1)])


def _lose_lines(data: bytes, chance: random.Random) -> bytes:
    lines = data.splitlines(keepends=True)
    first = chance.randrange(len(lines) + 1)
    return b"".join(lines[:first] + lines[first + chance.randint(1, 30) :])


def _double_lines(data: bytes, chance: random.Random) -> bytes:
    lines = data.splitlines(keepends=True)
    first = chance.randrange(len(lines) + 1)
    return b"".join(lines[: first + chance.randint(1, 30)] + lines[first:])


def _shuffle(data: bytes, chance: random.Random) -> bytes:
    lines = data.splitlines(keepends=True)
    first = chance.randrange(len(lines) + 1)
    part = lines[first : first + 20]
    chance.shuffle(part)
    return b"".join(lines[:first] + part + lines[first + 20 :])


def _dos(data: bytes, chance: random.Random) -> bytes:
    return data.replace(b"\n", chance.choice([b"\r\n", b"\r", b"\n\n", b"\n\r"]))


def _encode(data: bytes, chance: random.Random) -> bytes:
    text = data.decode("latin-1")
    return chance.choice(
        [text.encode("utf-16"), text.encode("utf-16-be"), b"\xef\xbb\xbf" + data, data.replace(b"e", "é".encode("latin-1"))]
    )


def _junk(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + chance.randbytes(chance.choice([1, 3, 64, 5000])) + data[at:]


def _flip(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.randint(1, 8)):
        if changed:
            changed[chance.randrange(len(changed))] = chance.choice(b"0123456789abcdefgx[]-: \t\n\x00\xff")
    return bytes(changed)


def _giant(data: bytes, chance: random.Random) -> bytes:
    numbers = list(re.finditer(rb"[0-9a-f]{2,16}", data))
    if not numbers:
        return data
    match = chance.choice(numbers)
    number = chance.choice(
        [b"f" * 16, b"f" * 200, b"0" * 16, b"9" * 30, b"ffffffffffff0000", b"-1", b"8" * 8, b"7fffffffffffffff"]
    )
    return data[: match.start()] + number + data[match.end() :]


def _swap_numbers(data: bytes, chance: random.Random) -> bytes:
    """Bus numbers, addresses, sizes: one in the place of another; this makes loops of bridges, too."""
    numbers = list(re.finditer(rb"\b[0-9a-f]{2}\b", data))
    if len(numbers) < 2:
        return data
    one, other = chance.sample(numbers, 2)
    return data[: one.start()] + other[0] + data[one.end() :]


def _long_line(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + chance.choice([b"x", b" ", b"0", b"(", b"["]) * chance.choice([300, 5000]) + data[at:]


def _nothing(data: bytes, chance: random.Random) -> bytes:
    return chance.choice([b"", b"\n", b" \n\t\n", b"\0" * 100])


HARMS: list[Callable[[bytes, random.Random], bytes]] = [
    _cut,
    _cut_at_a_line,
    _lose_lines,
    _double_lines,
    _shuffle,
    _dos,
    _encode,
    _junk,
    _flip,
    _giant,
    _swap_numbers,
    _swap_numbers,
    _long_line,
    _nothing,
]
