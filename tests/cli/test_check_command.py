"""``movsdk check``: conforms, does not, or one line about what cannot be checked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from movsdk.bench import alarm, reference
from movsdk.cli import check_command
from tests.cli.calls import call

TEXT = """\
from movsdk import PciId
from movsdk.reference.edu.driver import Edu
from movsdk.reference.edu.model import EduModel


class Good(Edu):
    name = "good"


class Stale(Good):
    name = "stale"

    def rescan_prepare(self, dev):
        pass

    def rescan_done(self, dev):
        dev.drvdata.readl(0)


class Misspelt(Good):
    def rescan_prepair(self, dev):
        pass


class Wants(Good):
    def __init__(self, port):
        pass


class Bursts(Good):
    def __init__(self):
        raise ValueError("no")


class Exits(Good):
    def probe(self, dev, id):
        raise SystemExit(3)


class Waived(Good):
    not_applicable = {"C16": "it never loses power"}


class WaivedWrongly(Good):
    not_applicable = {"C16": ""}


class WaivedAway(Good):
    not_applicable = {"base": "it never works"}


class Elsewhere(Good):
    id_table = [PciId(1, 2)]
    bars = "0:mem32:1M"


class Oddly(Good):
    def start_load(self, dev):
        pass


class Loaded(Good):
    def start_load(self, dev, reads, writes, size):
        return 3


class Needy(EduModel):
    def __init__(self, port):
        pass
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with drivers in it, where the command runs."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(TEXT)
    (tmp_path / "one.py").write_text(TEXT.split("\n\n\nclass Stale", maxsplit=1)[0])
    (tmp_path / "syntax.py").write_text("class (\n")
    (tmp_path / "empty.py").write_text("x = 1\n")
    (tmp_path / "raises.py").write_text("raise KeyError('ring')\n")
    return tmp_path


@pytest.mark.parametrize("name", reference.NAMES)
def test_reference_drivers_conform(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """By bare name."""
    called = call(capsys, "check", name)

    assert (called.status, called.err) == (0, "")
    assert called.out.startswith(f"{name}: CONFORMS (")


@pytest.mark.parametrize(
    "words", [["one.py"], ["one.py:Good"], ["mine.py:Good", "--model", "mine.py:EduModel"], ["one.py", "--model", "edu"]]
)
@pytest.mark.usefixtures("here")
def test_a_file_or_a_class_in_it(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """The model is found in the same module, or named."""
    called = call(capsys, "check", *words)

    assert (called.status, called.out.splitlines()[0][:15]) == (0, "good: CONFORMS ")


def test_a_module_on_the_path(capsys: pytest.CaptureFixture[str]) -> None:
    """package.module:Class, with the model beside the module."""
    assert call(capsys, "check", "drivers.edu.driver:Edu").out.startswith("edu: CONFORMS (movable BARs; ")


@pytest.mark.usefixtures("here")
def test_a_broken_driver_is_told_where_and_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    """Status 1; the first line names the rules, causes in front; no line is wider than a page."""
    called = call(capsys, "check", "mine.py:Stale", "--model", "edu")

    assert (called.status, called.err) == (1, "")
    assert called.out.startswith("stale: DOES NOT CONFORM (movable BARs): ")
    assert "C01  broken: After a move no access goes through a mapping of the old place." in called.out
    assert "mine.py:17, by stale.rescan_done through a mapping of" in " ".join(called.out.split())
    assert "     remedy: iounmap() in rescan_prepare" in called.out
    assert max(map(len, called.out.splitlines()[1:])) <= 120


@pytest.mark.usefixtures("here")
def test_json_says_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    """On standard output with ``-``, else in a file beside the text."""
    printed = json.loads(call(capsys, "check", "mine.py:Stale", "--model", "edu", "--json", "-").out)
    called = call(capsys, "check", "mine.py:Stale", "--model", "edu", "--json", "out.json")

    assert json.loads(Path("out.json").read_text()) == printed
    assert called.out.startswith("stale: DOES NOT CONFORM")
    assert (printed["verdict"], printed["driver"], printed["generic_model"]) == ("does not conform", "stale", False)
    assert "C01" in printed["causes"]
    (rule,) = [rule for rule in printed["rules"] if rule["id"] == "C01"]
    assert rule["status"] == "broken"
    assert rule["violations"][0]["at"] == "mine.py:17"
    assert "/drivers/edu/driver.py:" in rule["violations"][0]["sites"]["mapped"]


@pytest.mark.usefixtures("here")
def test_what_a_driver_prints_is_not_part_of_the_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    """JSON on standard output stays JSON."""
    noisy = (
        Path("one.py").read_text()
        + "\n    def probe(self, dev, id):\n        print('found', dev)\n        super().probe(dev, id)\n"
    )
    Path("noisy.py").write_text("print('imported')\n" + noisy)

    called = call(capsys, "check", "noisy.py", "--json", "-")

    assert json.loads(called.out)["verdict"] == "conforms"
    assert called.err.startswith("imported\nfound good0 (0000:01:00.0)\n")


@pytest.mark.usefixtures("here")
def test_a_waived_rule_is_not_tried_and_gives_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    """With --verbose every rule that was not tried says why."""
    called = call(capsys, "check", "mine.py:Waived", "--model", "edu", "--verbose")

    assert called.status == 0
    assert "C16   not applicable: says the driver: it never loses power\n" in called.out
    assert "C49   not modelled yet: " in called.out


@pytest.mark.parametrize("words", [["edu", "--bars", "0:mem32:1M"], ["mine.py:Elsewhere"]])
@pytest.mark.usefixtures("here")
def test_without_a_model_less_is_checked_and_said_so(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """BARs as text, from the option or the driver: rules about behaviour are not claimed."""
    called = call(capsys, "check", *words, "--verbose")

    assert called.status == 0
    assert "C10   not checked: needs a model\n" in called.out
    assert "C16   not checked: exercise() needs a model; on plain memory: " in called.out


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Exits", "base  broken: "),
        ("Exits", "mine.py:37: SystemExit: 3"),
        ("Oddly", "mine.py:58: TypeError: Oddly.start_load() got an unexpected keyword argument"),
    ],
)
@pytest.mark.usefixtures("here")
def test_what_a_driver_raises_is_a_breach(name: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Even an exit: status 1, and no traceback."""
    called = call(capsys, "check", f"mine.py:{name}", "--model", "edu")

    assert (called.status, called.err) == (1, "")
    assert said in called.out


@pytest.mark.usefixtures("here")
def test_a_load_that_is_none_is_not_checked(capsys: pytest.CaptureFixture[str]) -> None:
    """What start_load returns must be a load; other trials go on."""
    called = call(capsys, "check", "mine.py:Loaded", "--model", "edu")

    assert (called.status, called.err) == (0, "")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nobody"], "'nobody' is no driver; write file.py, file.py:Class, package.module:Class or one of edu, gpu, "),
        (["no.py"], "no.py: there is no file {here}/no.py"),
        (["no.such.module:X"], "no.such.module:X: importing it failed: ModuleNotFoundError: No module named 'no'"),
        (["syntax.py"], "syntax.py: importing it failed: SyntaxError: invalid syntax ({here}/syntax.py:1)"),
        (["raises.py"], "raises.py: importing it failed: KeyError: 'ring' ({here}/raises.py:1)"),
        (["empty.py"], "empty.py: there is no driver in it; a driver is a class with"),
        (["mine.py"], "mine.py: there are several drivers in it: Good, Stale, Misspelt"),
        (["mine.py:Bad"], "mine.py:Bad: no class 'Bad' in mine.py; it has"),
        (["mine.py:Misspelt"], "mine.py:Misspelt: driver 'good' (Misspelt): rescan_prepair() looks like the hook "),
        (["mine.py:Wants"], "mine.py:Wants: driver class Wants cannot be created without arguments"),
        (["mine.py:Bursts"], "Bursts: creating the driver raised ValueError at mine.py:32: no"),
        (["mine.py:EduModel"], "mine.py:EduModel: driver EduModel needs `name`"),
        (["mine.py:WaivedWrongly"], "WaivedWrongly: not_applicable is a mapping of rules to reasons: "),
        (["mine.py:WaivedAway"], "WaivedAway: not_applicable names base; rules are C01, C02"),
        (["one.py", "--model", "nobody"], "'nobody' is no model; write file.py"),
        (["one.py", "--model", "port"], "port: has no model; it drives any bridge"),
        (["one.py", "--model", "gpu"], "gpu: Good does not serve this card, "),
        (["one.py", "--model", "one.py:Good"], "one.py:Good: is no model of a card; "),
        (["one.py", "--model", "empty.py"], "empty.py: there are 0 models in it; name one, as empty.py:Class"),
        (["mine.py:Good", "--model", "mine.py:Needy"], "Needy: creating the model raised TypeError at "),
        (["edu", "--bars", "0:mem32"], "bars: '0:mem32' is not NUMBER:KIND:SIZE, such as 0:mem32:16K; kinds are io, mem32"),
        (["edu", "--bars", ""], "bars: '' is not NUMBER:KIND:SIZE"),
        (["edu", "--bars", "0:mem32:3K"], "BAR 0 of 0xc00 bytes: mem32 needs a power of two from "),
        (["edu", "--bars", "0:mem64:4K,1:mem32:4K"], "bars: '0:mem64:4K,1:mem32:4K' names a BAR twice; "),
        (["edu", "--bars", "5:mem64:4K"], "BAR 5 cannot be mem64: "),
        (["edu", "--bars", "0:mem32:1M", "--model", "edu"], "--model and --bars exclude each other: "),
        (["gpu", "--bars", "0:mem32:1M"], "gpu: not checked: needs a model; on plain memory: "),
        (["port", "--deep"], "port: drives bridges; --deep is for drivers of cards"),
        (["edu", "--json", "no/out.json"], "no/out.json: cannot be written: there is no folder "),
        (["edu", "--json", "."], ".: is a folder; name a file in it"),
    ],
)  # fmt: skip
def test_what_cannot_be_checked_is_one_line(
    words: list[str], message: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Status 2, nothing on standard output, no traceback."""
    called = call(capsys, "check", *words)

    assert (called.status, called.out) == (2, "")
    assert called.err.startswith(f"movsdk check: {message.format(here=here)}")
    assert called.err.count("\n") == 1


@pytest.mark.usefixtures("here")
def test_a_driver_without_a_model_says_what_to_write(capsys: pytest.CaptureFixture[str]) -> None:
    """The two remedies."""
    Path("bare.py").write_text("from movsdk.reference.edu.driver import Edu\n\nclass Bare(Edu): ...\n")

    called = call(capsys, "check", "bare.py")

    assert called.status == 2
    assert "write a DeviceModel in model.py beside it, or say which BARs it has: bars = " in called.err


def test_who_cannot_be_stopped_ends_the_process(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """One line on standard error, status 1; the alarm calls it only while a driver is checked."""
    ended: list[int] = []
    monkeypatch.setattr("os._exit", ended.append)
    monkeypatch.setattr(check_command, "_check", lambda _options: [end("x hangs") for end in alarm._last_resorts])

    call(capsys, "check", "edu")
    assert ended == [1]
    assert alarm._last_resorts == []

    check_command._give_up("x hangs")
    assert capsys.readouterr().err == "movsdk check: x hangs; gave up\n"
