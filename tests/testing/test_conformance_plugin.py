"""Driver files as pytest users meet them: each driver is a class of tests, one a rule, without a test file."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from movsdk.bench import alarm, reference
from movsdk.testing import conformance_plugin

pytest_plugins = ["pytester"]
LOADED = (conformance_plugin, reference.load("edu"))  # a pytest in this process forgets what it is the first to import

GOOD = """\
from movsdk import PciId
from movsdk.reference.edu.driver import Edu
from movsdk.reference.edu.model import EduModel


class Good(Edu):
    name = "good"
    model = EduModel
"""
STALE = """

class Stale(Good):
    name = "stale"

    def rescan_prepare(self, dev):
        pass

    def rescan_done(self, dev):
        dev.drvdata.readl(0)


def test_of_its_own():
    assert issubclass(Stale, Good)
"""
BESIDE = """\
from pathlib import Path

from movsdk.bench.user_code import load_class
from movsdk.testing import DriverConformance

Stale = load_class(f"{Path(__file__).parent}/good.py:Stale")


class TestKnown(DriverConformance):
    driver = Stale
    xfail = {"C01": "the card is retired next year", "C50": "so are its regions"}


class TestOutdated(DriverConformance):
    driver = load_class(f"{Path(__file__).parent}/good.py:Good")
    xfail = {"C01": "long ago"}

    def test_C02(self, tmp_path):
        assert tmp_path.is_dir()
        self.check_rule("C02")


class TestUnsaid(DriverConformance):
    pass


class TestMisnamed(DriverConformance):
    driver = TestOutdated.driver
    xfail = {"C99": "which one?"}
"""
BARE = """\
class Bare:
    name, id_table = "bare", []

    def probe(self, dev, id): ...
"""
Inside = Callable[..., list[str]]


def pytest_in(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--color=no", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env={**environment, "COLUMNS": "130"})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of somebody's: good and broken drivers, one without a model, helpers, tests beside them."""
    root = tmp_path_factory.mktemp("project")
    drivers = root / "drivers"
    (drivers / "bare").mkdir(parents=True)
    (root / "pyproject.toml").write_text("[tool.pytest.ini_options]\naddopts = '--strict-markers --import-mode=importlib'\n")
    (drivers / "good.py").write_text(GOOD + STALE)
    (drivers / "helper.py").write_text("raise RuntimeError('no driver: nobody may import this')\n")
    (drivers / "test_beside.py").write_text(BESIDE)
    (drivers / "bare" / "driver.py").write_text(BARE)
    return root


@pytest.fixture(scope="module")
def ran(folder: Path) -> subprocess.CompletedProcess[str]:
    """All of it in one process, with durations and junit's XML."""
    return pytest_in(folder, "-rA", "--durations=3", "--junitxml=junit.xml", "drivers")


@pytest.mark.parametrize(
    "line",
    [
        "PASSED drivers/good.py::Good::C01",
        "FAILED drivers/good.py::Stale::C01 - Failed: C01  broken: After a move no access goes through",
        "PASSED drivers/good.py::Stale::base",
        "XFAIL drivers/test_beside.py::TestKnown::test_C01 - the card is retired next year",
        "XFAIL drivers/test_beside.py::TestKnown::test_C03 - follows from ",
        "PASSED drivers/test_beside.py::TestOutdated::test_C02",
        "FAILED drivers/test_beside.py::TestOutdated::test_C01 - Failed: C01 is kept now",
        "FAILED drivers/test_beside.py::TestUnsaid::test_base - Failed: TestUnsaid does not say which driver;",
        "FAILED drivers/test_beside.py::TestMisnamed::test_base - Failed: xfail of TestMisnamed names C99: no rule of the kit",
    ],
)
def test_each_rule_is_a_test(line: str, ran: subprocess.CompletedProcess[str]) -> None:
    """Of drivers that were found, and of classes written by hand; node ids are file, driver and rule."""
    assert any(printed.startswith(line[:100]) for printed in ran.stdout.splitlines()), ran.stdout


def test_a_broken_rule_is_the_kits_text_and_nothing_else(ran: subprocess.CompletedProcess[str]) -> None:
    """Who, where, what to do; no line of pytest's or the kit's source."""
    shown = ran.stdout.split(" Stale C01 _")[1].split("\n_____")[0]

    assert "drivers/good.py:18, by stale.rescan_done through a mapping of" in shown
    assert "remedy: iounmap() in rescan_prepare" in shown
    assert "conformance.py" not in shown


def test_each_driver_has_a_line_in_the_summary(ran: subprocess.CompletedProcess[str]) -> None:
    """Conforms, does not conform and why, cannot be checked and what is missing; advice stands beneath."""
    section = ran.stdout.split("= movable BARs conformance =")[1].split("\n=====")[0]

    said = dict(line.split("  ", 1) for line in section.splitlines() if line.startswith("drivers/"))
    broken = said["drivers/good.py::Stale"]
    assert list(said) == sorted(said)
    assert said["drivers/bare/driver.py::Bare"].startswith("NOT CHECKED: Bare: there is no model of its device; write a Dev")
    assert said["drivers/good.py::Good"].startswith("good: CONFORMS (movable BARs; ")
    assert broken.startswith("stale: DOES NOT CONFORM (movable BARs): C01")
    assert said["drivers/test_beside.py::TestKnown"].startswith(f"{broken} [expected: C01, ")
    assert said["drivers/test_beside.py::TestOutdated"].startswith("good: CONFORMS (movable BARs; ")
    assert said["drivers/test_beside.py::TestUnsaid"].startswith("NOT CHECKED: TestUnsaid does not say which driver")
    assert "C02  advice: rescan_prepare leaves no mapping of a movable BAR open." in section
    assert re.search(r"^  \d\.\d\ds every BAR moves$", section, re.MULTILINE)


@pytest.fixture
def pytest_here(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Inside:
    """``pytest`` in a folder, in this process: no start to wait for; returns the lines it prints."""

    def run(folder: Path, *words: str) -> list[str]:
        monkeypatch.chdir(folder)
        return pytester.runpytest_inprocess("-p", "no:cacheprovider", *words).outlines

    return run


@pytest.mark.parametrize(("words", "own"), [("drivers", 0), ("drivers/good.py", 1)])
def test_nothing_is_collected_twice(words: str, own: int, folder: Path, pytest_here: Inside) -> None:
    """pytest collects the file itself when it is named: tests in it run then, once, as without us."""
    listed = pytest_here(folder, "--collect-only", "-q", words)

    assert listed.count("drivers/good.py::test_of_its_own") == own
    assert listed.count("drivers/good.py::Stale::C01") == 1


def test_junit_and_xdist_are_told_the_same(folder: Path, ran: subprocess.CompletedProcess[str]) -> None:
    """What the kit says travels with the reports."""
    spread = pytest_in(folder, "-n1", "-q", "drivers").stdout
    assert ran.returncode == 1
    cases = {
        (case.get("classname"), case.get("name")): {item.get("name"): item.get("value") for item in case.iter("property")}
        for case in ElementTree.parse(folder / "junit.xml").iter("testcase")
    }

    assert cases["drivers.good.Stale", "C01"]["mov_status"] == "broken"
    assert cases["drivers.good.Good", "C01"]["mov_rule"] == "C01"
    whole = [line for line in ran.stdout.splitlines() if line.startswith("drivers/") and "CONFORM" in line]
    assert [line for line in spread.splitlines() if line.startswith("drivers/") and "CONFORM" in line] == whole


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["drivers/good.py::Good::C16"], 1),
        (["-m", "conformance", "drivers/good.py", "-k", "Good and not Stale and C16"], 1),
        (["-m", "mov_rule", "drivers/good.py", "-k", "C16"], 2),
        (["-m", "not conformance", "drivers/good.py"], 1),
        (["-o", "mov_drivers=none.py", "drivers"], 0),
        (["-o", "mov_drivers=drivers/**/driver.py", "drivers", "-k", "not test_beside"], 1),
    ],
)
def test_rules_are_chosen_as_tests_are(words: list[str], expected: int, folder: Path, pytest_here: Inside) -> None:
    """By node id, marker and keyword; ``mov_drivers`` says where drivers are."""
    listed = pytest_here(folder, "--collect-only", "-q", *words, "--ignore=drivers/test_beside.py")

    assert sum("::" in line for line in listed) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id_table = 1\nimport no_such_thing\n", "importing it failed: ModuleNotFoundError: No module named 'no_such_thing' ("),
        ("id_table = (\n", "importing it failed: SyntaxError: '(' was never closed ("),
        (GOOD + "    def rescan_prepair(self, dev): ...\n", "driver.py:Good: driver 'good' (Good): rescan_prepair() looks like"),
        (GOOD + "    def __init__(self): raise ValueError('no')\n", "driver.py:Good: creating the driver raised ValueError at "),
    ],
    ids=["import", "syntax", "hook", "constructor"],
)
def test_a_driver_that_cannot_be_made_is_one_line(text: str, message: str, tmp_path: Path, pytest_here: Inside) -> None:
    """A collection error without a traceback."""
    (tmp_path / "driver.py").write_text(text)

    shown = pytest_here(tmp_path, "driver.py")

    start = next(index for index, line in enumerate(shown) if "ERROR collecting driver.py" in line)
    assert shown[start + 1].startswith(message)
    assert shown[start + 2].startswith("====")


def test_who_has_no_drivers_pays_nothing(tmp_path: Path) -> None:
    """The plugin loads the kit when the first driver file is met, and not before."""
    (tmp_path / "driver.py").write_text("printer = 1\n")
    (tmp_path / "test_it.py").write_text(
        "import sys\n\ndef test_it():\n    assert not [name for name in sys.modules if name.startswith('movsdk.testing.conf')]\n"
    )

    assert pytest_in(tmp_path, "-q").returncode == 0


def test_a_driver_that_cannot_be_stopped_ends_the_run(
    pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """With one line; what pytest captures is let go of first, or nobody would read it."""
    ended: list[int] = []
    monkeypatch.setattr("os._exit", ended.append)
    let_go: list[bool] = []
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")
    monkeypatch.setattr(capture, "suspend_global_capture", lambda in_: let_go.append(in_))

    with conformance_plugin.ending(pytestconfig):
        alarm._last_resorts[-1]("x hangs")

    assert (ended, let_go) == ([1], [True])
    assert capfd.readouterr().err == "\nmovsdk: x hangs; the run ends here\n"
