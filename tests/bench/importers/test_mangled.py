"""Dumps as mails, browsers and forums leave them mean what they meant; every line keeps its number."""

from __future__ import annotations

import quopri
import re
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from movsdk.bench.importers.dump_lines import text_of
from movsdk.bench.importers.folder import read_dump
from movsdk.bench.importers.mangled import plain, rejoined, without_encoding, without_numbers
from movsdk.bench.importers.story import import_dumps
from movsdk.bench.scenario_text import dump_scenario
from movsdk.errors import BadInput
from tests.bench.importers import samples
from tests.bench.importers.dumps import BOOT

Harm = Callable[[str], str]


def each_line(change: Callable[[str], str]) -> Harm:
    """Change every line of a text by itself."""
    return lambda text: "".join(change(line) + "\n" for line in text.splitlines())


def wrapped(width: int, mark: str = "") -> Harm:
    """Broken as a mail program does, perhaps quoted as well."""
    return each_line(lambda line: "\n".join(mark + part for part in textwrap.wrap(line, width) or [""]) if line else mark)


EVERYWHERE: dict[str, Harm] = {
    "quoted": each_line(lambda line: f"> >> {line}"),
    "a code block": lambda text: f"```\n{text}```\n",
    "indented as a block": each_line(lambda line: f"    {line}"),
    "a page": lambda text: "<pre>" + text.replace("<", "&lt;").replace(">", "&gt;") + "</pre>",
    "hard spaces": lambda text: text.replace(" ", "\u00a0"),
    "the source of a mail": lambda text: quopri.encodestring(text.encode()).decode(),
    "an old Macintosh": lambda text: text.replace("\n", "\r"),
    "with the prompt": lambda text: f"me@host:~$ sudo lspci -vv\n{text}me@host:~$ ",
}
WORDS = {
    "no indentation": each_line(str.strip),
    "broken at 72": wrapped(72),
    "broken and quoted": wrapped(70, "> "),
}
LOG = {
    "blanks made one": each_line(lambda line: re.sub(r"\s+", " ", line)),
    "broken at 72": wrapped(72),
    "broken and quoted": wrapped(70, "> "),
    "broken without stamps": lambda text: wrapped(64)(re.sub(r"(?m)^\[ *[\d.]+\] ", "", text)),
    "days and hours": lambda text: re.sub(r"(?m)^\[ *[\d.]+\]", "[Di Mär  5 10:00:01 2024]", text),
    "of journalctl": lambda text: re.sub(r"(?m)^\[ *[\d.]+\]", "2024-06-11T10:02:11.123456+02:00 host kernel:", text),
}
TREE = {
    "no indentation": each_line(str.strip),
    "a blank a level": each_line(lambda line: re.sub(r"^ +", " ", line)),
    "a tab a level": each_line(lambda line: re.sub(r"^ +", lambda blanks: "\t" * (len(blanks[0]) // 2), line)),
    "eight blanks a tab": each_line(lambda line: re.sub(r"^( {8})+", lambda blanks: "\t" * (len(blanks[0]) // 8), line)),
}


def machine(folder: Path, text: str, *others: Path) -> str:
    """The scenario of `text`, in a file called x, as text."""
    path = folder / "x.txt"
    path.write_text(text, encoding="utf-8", newline="")
    return dump_scenario(import_dumps([read_dump([*others, path])]).scenario)


@pytest.mark.parametrize("harm", [*EVERYWHERE, *WORDS])
@pytest.mark.parametrize("text", [samples.LAPTOP.partition("00:02.0")[0] + samples.LAPTOP.partition("made\n")[2], samples.GPU])
def test_words_of_lspci_survive(text: str, harm: str, tmp_path: Path) -> None:
    """Ids at the end of a long line, windows, capabilities: nothing is lost."""
    text += "\n"

    assert machine(tmp_path, (EVERYWHERE | WORDS)[harm](text)) == machine(tmp_path, text)


@pytest.mark.parametrize("harm", [*EVERYWHERE, *LOG])
def test_a_log_survives(harm: str, tmp_path: Path) -> None:
    """Apertures, BARs and windows whose line was broken within the brackets, or after a colon."""
    assert machine(tmp_path, (EVERYWHERE | LOG)[harm](samples.NEW_LOG)) == machine(tmp_path, samples.NEW_LOG)


@pytest.mark.parametrize("harm", [*EVERYWHERE, *TREE])
@pytest.mark.parametrize("name", ["iomem.txt", "ioports.txt"])
def test_a_tree_of_ranges_survives(name: str, harm: str, tmp_path: Path) -> None:
    """Where the indentation is gone, what lies inside is inside."""
    others = [path for path in BOOT.iterdir() if path.name != name]
    text = (BOOT / name).read_text()

    assert machine(tmp_path, (EVERYWHERE | TREE)[harm](text), *others) == machine(tmp_path, text, *others)


def test_messages_point_into_the_file_as_it_is(tmp_path: Path) -> None:
    """A line that was put together stands where it began; those after it where they are."""
    log = [f"[    0.{number:06}] pci 0000:00:00.0: a line that says nothing of interest, only long" for number in range(3)]
    broken = wrapped(64)("\n".join(log))

    assert rejoined(broken.splitlines(), lambda _begun, line: not line.startswith("["))[0::2] == log
    assert without_encoding([b"x" * 70 + b"=", b"y=3D", b"z" * 70 + b"=", b""]) == [b"x" * 70 + b"y=", b"", b"z" * 70, b""]
    text = samples.GPU.replace("[size=512K]", "[size=513K]")
    with pytest.raises(BadInput, match=rf"x\.txt:{1 + text[: text.index('513K')].count(chr(10))}: .* no power of two"):
        machine(tmp_path, each_line(lambda line: f"> {line}")(text))


def test_what_only_looks_harmed_is_left_alone() -> None:
    """Levels of a log, brackets of a dump, a mail's own arrows within a line."""
    for line in ("<6>[    0.1] pci 0000:00:00.0: x", "\tCapabilities: [e0] Vendor Specific Information: Len=0c <?>", "a > b"):
        assert plain(line) == line


# --- line numbers ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("lines", "found"),
    [
        pytest.param(
            ["     1\t00:00.0 Host bridge: it", "     2", "    10\tx"], ["00:00.0 Host bridge: it", "", "x"], id="cat -n"
        ),
        pytest.param(["4:one", "", "17:two"], ["one", "", "two"], id="grep -n"),
        pytest.param(["1:one", "1:two"], None, id="the same number again"),
        pytest.param(["1:one", "two"], None, id="a line without"),
        pytest.param(["10: 04 00 40 fe", "20: 00 00 00 00"], None, id="bytes of lspci"),
        pytest.param(["01:00.0 VGA: one", "02:00.0 VGA: two"], None, id="addresses"),
    ],
)
def test_line_numbers_are_taken_away(lines: list[str], found: list[str] | None) -> None:
    """Only where every line has one, each greater than the last; else they are something of the dump."""
    assert without_numbers(lines) == (lines if found is None else found)


@pytest.mark.parametrize("name", ["lspci-xxxx.txt", "iomem.txt", "ioports.txt", "resource.txt", "drivers.txt"])
def test_numbered_dumps_are_read_as_the_plain_ones(name: str) -> None:
    """By `cat -n` and by `grep -n`; no plain dump is taken for a numbered one."""
    plain_text = text_of(BOOT / name, (BOOT / name).read_bytes())
    assert without_numbers(list(plain_text.lines)) == list(plain_text.lines)
    for form in ("{:>6}\t{}", "{}:{}"):
        numbered = "\n".join(form.format(n, line) for n, line in enumerate(plain_text.lines, start=1))
        assert text_of(BOOT / name, numbered.encode()).lines == plain_text.lines
