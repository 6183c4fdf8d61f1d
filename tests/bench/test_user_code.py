"""The user's own classes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from movsdk.bench import reference
from movsdk.bench.place import Place
from movsdk.bench.scenario import BridgeSpec, EndpointSpec, Scenario
from movsdk.bench.user_code import check_references, driver_class, load_class, model_class
from movsdk.errors import BadInput


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A driver's folder as people copy it."""
    (tmp_path / "regs.py").write_text("SIZE = 4096\n")
    (tmp_path / "driver.py").write_text("from .regs import SIZE\nclass Mine:\n    size = SIZE\n")
    (tmp_path / "plain.py").write_text("import regs\nclass Plain:\n    size = regs.SIZE\n")
    (tmp_path / "model.py").write_text("from . import regs\nclass Model:\n    regs = regs\n")
    return tmp_path


def test_a_file_may_import_its_neighbours(folder: Path) -> None:
    """Relatively, as the reference drivers do, or by bare name, as scripts do."""
    assert load_class("driver.py:Mine", folder).size == 4096
    assert load_class("plain.py:Plain", folder).size == 4096
    sys.modules.pop("regs", None)


def test_driver_and_model_of_one_folder_share_its_modules(folder: Path) -> None:
    """Two references to one folder are one package; the same class is one object."""
    model = load_class("model.py:Model", folder)

    assert load_class("driver.py:Mine", folder) is load_class("./driver.py:Mine", folder)
    assert sys.modules[load_class("driver.py:Mine", folder).__module__.rpartition(".")[0] + ".regs"] is model.regs


def test_a_packages_init_runs_first(folder: Path) -> None:
    """A folder that is a package is imported as one, whatever it is called."""
    (folder / "__init__.py").write_text("READY = True\n")
    (folder / "late.py").write_text("from . import READY\nclass Late:\n    ready = READY\n")

    assert load_class("late.py:Late", folder).ready is True


def test_a_package_in_a_package_may_look_up(tmp_path: Path) -> None:
    """``from ..common import`` works where the parent folders are packages, and files of one package share its modules."""
    inner = tmp_path / "outer" / "inner"
    inner.mkdir(parents=True)
    (tmp_path / "outer" / "common.py").write_text("class Base: pass\n")
    for folder in (inner, inner.parent):
        (folder / "__init__.py").touch()
        (folder / "mine.py").write_text("from .common import Base\nclass Mine(Base): pass\n")
    (inner / "mine.py").write_text("from ..common import Base\nclass Mine(Base): pass\n")

    deep, flat = load_class("mine.py:Mine", inner), load_class("mine.py:Mine", inner.parent)

    assert deep is not flat
    assert deep.__base__ is flat.__base__


def test_a_module_beside_the_scenario_is_found(folder: Path) -> None:
    """The scenario's folder is looked in last, and only while importing."""
    (folder / "only_here_xyz").mkdir()
    (folder / "only_here_xyz" / "mod.py").write_text("class Driver: pass\n")

    assert load_class("only_here_xyz.mod:Driver", folder).__name__ == "Driver"
    assert str(folder) not in sys.path


def test_a_drivers_folder_of_the_users_is_not_ours(folder: Path) -> None:
    """`edu` is the reference driver even where a folder `drivers/edu` stands."""
    (folder / "drivers" / "edu").mkdir(parents=True)
    (folder / "drivers" / "edu" / "driver.py").write_text("class Edu:\n    mine = True\n")

    assert load_class("drivers/edu/driver.py:Edu", folder).mine is True
    assert not hasattr(driver_class(EndpointSpec(id="a", driver="edu"), folder), "mine")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("syntax.py:A", "class A\n", "syntax.py:A: importing it failed: SyntaxError: expected ':' ({folder}/syntax.py:1)"),
        ("raises.py:A", "raise KeyError('x')", "raises.py:A: importing it failed: KeyError: 'x' ({folder}/raises.py:1)"),
        ("leaves.py:A", "import sys\nsys.exit(3)", "leaves.py:A: importing it failed: SystemExit: 3 ({folder}/leaves.py:2)"),
        ("empty.py:A", "A = 1", "empty.py:A: no class 'A' in empty.py; it defines no class"),
        ("other.py:A", "class B: pass\nfrom pathlib import Path", "other.py:A: no class 'A' in other.py; it has B"),
        ("a.v2.py:A", "class A: pass", "a.v2.py:A: a.v2.py cannot be imported; take the dot out of its name"),
        (
            "away.py:A",
            "from .x import y",
            "away.py:A: importing it failed: ModuleNotFoundError: No module named '.x' ({folder}/away.py:1)",
        ),
        ("sub/none.py:A", "", "sub/none.py:A: there is no file {folder}/sub/none.py"),
    ],
)
def test_what_goes_wrong_in_the_users_code_is_one_line(name: str, text: str, message: str, tmp_path: Path) -> None:
    """Their line is named, not ours; nothing of theirs gets past."""
    if "/" not in name:
        (tmp_path / name.partition(":")[0]).write_text(text)

    with pytest.raises(BadInput) as caught:
        load_class(name, tmp_path)

    assert str(caught.value) == message.replace("{folder}", str(tmp_path))


@pytest.mark.parametrize("name", ["my-card.py", "my card.py", "class.py"])
def test_a_file_need_not_be_named_like_a_variable(name: str, folder: Path) -> None:
    """Nobody imports it by that name."""
    (folder / name).write_text((folder / "driver.py").read_text())

    assert load_class(f"{name}:Mine", folder).__name__ == "Mine"


def test_a_name_that_leads_nowhere_is_no_file(tmp_path: Path) -> None:
    """A link to itself, a name that is too long."""
    (tmp_path / "ring.py").symlink_to("ring.py")

    for name in ("ring.py", f"{'a' * 300}.py"):
        with pytest.raises(BadInput, match="there is no file"):
            load_class(f"{name}:A", tmp_path)


def test_a_broken_package_is_told_each_time(tmp_path: Path) -> None:
    """A failed import leaves nothing half-made behind."""
    (tmp_path / "__init__.py").write_text("1 / 0\n")
    (tmp_path / "driver.py").write_text("class A: pass\n")

    for _ in range(2):
        with pytest.raises(BadInput, match="importing it failed: ZeroDivisionError"):
            load_class("driver.py:A", tmp_path)


def test_who_drives_and_what_is_driven(folder: Path) -> None:
    """A reference driver brings its model; recorded kinds and bridges bring none; a model of one's own wins."""
    nvme = reference.load("nvme")

    assert driver_class(EndpointSpec(id="a", driver="movable")) is None
    assert driver_class(EndpointSpec(id="a", driver="nvme")) is nvme.driver
    assert model_class(EndpointSpec(id="a", driver="nvme")) is nvme.model
    assert model_class(EndpointSpec(id="a", driver="fixed", model="nvme")) is nvme.model
    assert model_class(EndpointSpec(id="a", driver="nvme", model="model.py:Model"), folder) is load_class(
        "model.py:Model", folder
    )
    assert model_class(EndpointSpec(id="a", driver="driver.py:Mine"), folder) is None
    assert model_class(BridgeSpec(id="p", driver="port")) is None


def test_references_are_checked_by_place(folder: Path) -> None:
    """The device and the key are named."""
    devices = (EndpointSpec(id="a", driver="edu"), EndpointSpec(id="b", slot="01.0", model="model.py:Modell"))
    scenario = Scenario(windows=(), devices=devices, folder=str(folder))

    with pytest.raises(BadInput) as caught:
        check_references(scenario, Place("m.yaml", "scenario"))

    assert str(caught.value) == (
        "m.yaml: scenario.devices[1].model: model.py:Modell: no class 'Modell' in model.py; it has Model"
    )


def test_what_is_no_driver_is_refused_by_place(folder: Path) -> None:
    """Before anything is played: a class without a name would only be found out at boot."""
    scenario = Scenario(windows=(), devices=(EndpointSpec(id="a", driver="driver.py:Mine"),), folder=str(folder))

    with pytest.raises(BadInput) as caught:
        check_references(scenario, Place("m.yaml", "scenario"))

    assert str(caught.value).startswith("m.yaml: scenario.devices[0].driver: driver.py:Mine: driver Mine needs `name`, ")
