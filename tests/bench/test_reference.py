"""`movsdk.bench.reference`: a bare name means the driver that ships with the SDK, whatever else is called drivers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mockbus.model import DeviceModel
from movsdk.bench import reference
from movsdk.errors import BadInput

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", reference.NAMES)
def test_each_name_has_a_driver_and_the_model_it_drives(name: str) -> None:
    """The folder's one driver class and its one model class; a driver without model.py (a bridge port) has none."""
    found = reference.load(name)

    assert found.driver.__module__ == f"movsdk.reference.{name}.driver"
    assert found.driver.id_table
    if (ROOT / "drivers" / name / "model.py").exists():
        assert found.model is not None
        assert issubclass(found.model, DeviceModel)
    else:
        assert found.model is None


def test_every_folder_of_drivers_has_a_name() -> None:
    """A new reference driver is known by its bare name."""
    assert sorted(path.parent.name for path in (ROOT / "drivers").glob("*/driver.py")) == sorted(reference.NAMES)


def test_an_unknown_name_is_refused_with_the_list() -> None:
    """The message lists the names and says how to name a driver of one's own."""
    with pytest.raises(
        BadInput, match="'nvmee' is not a reference driver; there are edu, gpu, legacy, nvme, port; write your own"
    ):
        reference.load("nvmee")


def test_a_drivers_folder_of_yours_is_left_alone(tmp_path: Path) -> None:
    """With a top-level `drivers` of the user's own first on the path, ours still loads and theirs stays importable."""
    (tmp_path / "drivers").mkdir()
    (tmp_path / "drivers" / "__init__.py").write_text("name = 'yours'\n")
    program = (
        "import sys; sys.path[:0] = [sys.argv[1], sys.argv[2]]\n"
        "from movsdk.bench.reference import load\n"
        "assert load('edu').driver.name == 'edu'\n"
        "assert 'drivers' not in sys.modules\n"
        "import drivers; print(drivers.name)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path), str(ROOT)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("yours\n", "")
