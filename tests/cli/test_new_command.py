"""``movsdk new``: a folder that conforms as written, or one line and no folder at all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from movsdk.cli import new_command
from tests.cli.calls import call

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, where the command runs."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("here")
def test_it_says_what_it_wrote_and_what_to_do_next(capsys: pytest.CaptureFixture[str]) -> None:
    """The lines are commands one can paste."""
    called = call(capsys, "new", "my_card", "drivers/nic")

    assert (called.status, called.err) == (0, "")
    assert called.out == (
        "drivers/nic: README.md __init__.py regs.py driver.py model.py test_my_card.py\n"
        "  pytest drivers/nic   its tests, and the conformance kit rule by rule\n"
        "  movsdk check drivers/nic/driver.py   the kit alone\n"
    )
    assert {path.name for path in Path("drivers/nic").iterdir()} == set(called.out.splitlines()[0].split()[1:])
    assert "class MyCard:" in Path("drivers/nic/driver.py").read_text()


@pytest.mark.usefixtures("here")
def test_what_it_wrote_conforms(capsys: pytest.CaptureFixture[str]) -> None:
    """No breach and no advice, with its own model."""
    call(capsys, "new", "my_card")

    called = call(capsys, "check", "my_card/driver.py")

    assert (called.status, called.err) == (0, "")
    assert called.out.startswith("my_card: CONFORMS (movable BARs; ")
    assert "advice" not in called.out


def test_its_tests_pass_and_the_kit_joins_them(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With pytest's own ways, from a folder that has no settings."""
    call(capsys, "new", "nic")
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", "nic"]

    done = subprocess.run(command, cwd=here, capture_output=True, text=True, check=False, env=environment)

    assert done.returncode == 0, done.stdout
    assert "nic/driver.py::Nic  nic: CONFORMS (movable BARs; " in done.stdout


@pytest.mark.usefixtures("here")
def test_what_it_wrote_is_formatted_and_typed(capsys: pytest.CaptureFixture[str]) -> None:
    """As the reference drivers are: people copy what they see."""
    call(capsys, "new", "my_card")
    settings = ["--no-cache", "--config", str(ROOT / "pyproject.toml")]

    for check in (["check", *settings], ["format", "--check", *settings]):
        done = subprocess.run([sys.executable, "-m", "ruff", *check, "my_card"], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def test_a_name_stands_everywhere_and_no_mark_of_the_template_is_left() -> None:
    """``$`` begins nothing any more."""
    texts = new_command.driver_texts("two_words", "drivers/two_words")

    assert not [name for name, text in texts.items() if "$" in text]
    assert "class TwoWordsModel(DeviceModel):" in texts["model.py"]
    assert 'name = "two_words"' in texts["driver.py"]
    assert "movsdk check drivers/two_words/driver.py" in texts["README.md"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["My-Card"], "the name 'My-Card' is not 1 to 40 small letters, digits and _, beginning with a letter, as my_card"),
        (["a" * 41], "the name 'aaaa"),
        (["1st"], "the name '1st' is not 1 to 40 small letters"),
        (["../up"], "the name '../up' is not 1 to 40 small letters"),
        ([""], "the name '' is not 1 to 40 small letters"),
        (["class"], "the name 'class' belongs to Python or to a package; choose another, as class_card"),
        (["tester"], "the name 'tester' makes a class that pytest takes for tests; choose another, as my_tester"),
        (["json"], "the name 'json' belongs to Python or to a package"),
        (["card", "my-card"], "the folder's name 'my-card' is not 1 to 40"),
        (["card", "taken"], "taken: is there already; name a new folder, as movsdk new card drivers/card"),
        (["card", "file/card"], "file/card: cannot be written: Not a directory"),
    ],
)
def test_what_cannot_be_written_is_one_line(
    words: list[str], message: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Status 2, and the folder is as it was."""
    (here / "taken").mkdir()
    (here / "file").write_text("")

    called = call(capsys, "new", *words)

    assert (called.status, called.out) == (2, "")
    assert called.err.startswith(f"movsdk new: {message}")
    assert called.err.count("\n") == 1
    assert sorted(path.name for path in here.iterdir()) == ["file", "taken"]


@pytest.mark.usefixtures("here")
def test_all_or_nothing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A disk that is full in the middle leaves no half driver."""
    write_text = Path.write_text

    def full(path: Path, text: str) -> int:
        if path.name == "model.py":
            raise OSError(28, "No space left on device", str(path))
        return write_text(path, text)

    monkeypatch.setattr(Path, "write_text", full)

    called = call(capsys, "new", "card", "drivers/card")

    assert (called.status, called.out) == (2, "")
    assert "model.py: cannot be written: No space left on device" in called.err
    assert not Path("drivers").exists()
