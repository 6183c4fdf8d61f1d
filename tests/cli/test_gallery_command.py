"""``movsdk gallery`` lists what comes with movsdk, and ``movsdk run NAME`` plays it."""

from __future__ import annotations

from pathlib import Path

import pytest

from movsdk.bench import gallery
from movsdk.cli.gallery_command import first_sentence
from tests.cli.calls import MOVING, call

Capsys = pytest.CaptureFixture[str]


def test_every_name_is_listed_with_its_first_sentence(capsys: Capsys) -> None:
    """What is not listed is not found; a name stands alone on its line, to be copied."""
    called = call(capsys, "gallery")

    assert (called.status, called.err) == (0, "")
    assert [line for line in called.out.splitlines() if line in gallery.names()] == list(gallery.names())
    assert "f6-window-slides-below\n    A window may slide below its fixed area.\n" in called.out


@pytest.mark.parametrize("name", gallery.names())
def test_a_listed_name_runs_from_anywhere(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capsys) -> None:
    """No path, no clone of the repository; the rules are those of its file, or v9."""
    monkeypatch.chdir(tmp_path)
    called = call(capsys, "run", name)

    assert (called.status, called.err) == (0, "")
    assert called.out.startswith(f"== {name}, rules {gallery.load(name).rules or 'v9'}: ")


def test_options_work_on_a_name_as_on_a_file(capsys: Capsys) -> None:
    """F3 without patch 6: the newcomer takes what the working card had."""
    called = call(capsys, "run", "f3-newcomer-given-up", "--rules", "v2", "--without", "6")

    assert called.status == 0
    assert "lost: old BAR 0" in called.out


def test_a_file_of_that_name_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capsys) -> None:
    """What lies in the user's folder is the user's choice."""
    monkeypatch.chdir(tmp_path)
    Path("nested-docks").write_text(MOVING.replace("DRIVER", "edu"))

    assert call(capsys, "run", "nested-docks").out.startswith("== moving, ")


@pytest.mark.parametrize(
    ("word", "advice"),
    [
        ("epyc", "did you mean epyc-00 or epyc-20 or epyc-40 or epyc-60?"),
        ("f4-window-to-small", "did you mean f4-window-too-small?"),
        ("weather", "`movsdk gallery` lists the names"),
    ],
)
def test_a_word_that_is_no_name(word: str, advice: str, capsys: Capsys) -> None:
    """One line, status 2, and the names that were probably meant."""
    called = call(capsys, "run", word)

    assert (called.status, called.out) == (2, "")
    assert called.err == f"movsdk run: {word}: cannot be read: there is no such file, and no scenario of that name; {advice}\n"


def test_a_name_prints_its_file(capsys: Capsys) -> None:
    """To begin one's own with; what is printed is what is played."""
    path = gallery.find("vesnin-nvme")
    assert path is not None

    assert call(capsys, "gallery", "vesnin-nvme").out == path.read_text()
    refused = call(capsys, "gallery", "../gallery")
    assert (refused.status, refused.err) == (
        2,
        "movsdk gallery: there is no scenario '../gallery'; `movsdk gallery` lists the names\n",
    )


@pytest.mark.parametrize(
    ("about", "first"),
    [
        ("A card\nof 2.5 MiB comes. It fits.", "A card of 2.5 MiB comes."),
        ("no end", "no end"),
        ("", ""),
    ],
)
def test_a_sentence_ends_before_a_capital(about: str, first: str) -> None:
    """A number's point is no end; line ends are blanks."""
    assert first_sentence(about) == first
