"""What we ship: the wheel holds both packages, the reference drivers, types and demo data, and works from where it lies."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from movsdk import __version__
from movsdk.bench import reference

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this tree, unpacked."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder], cwd=ROOT, check=True, capture_output=True
    )
    (built,) = folder.glob("*.whl")
    assert built.name == f"movsdk-{__version__}-py3-none-any.whl"
    with zipfile.ZipFile(built) as archive:
        names = archive.namelist()
        assert len(names) == len(set(names))
        archive.extractall(folder / "unpacked")
    return folder / "unpacked"


@pytest.mark.parametrize(
    "path",
    [
        "movsdk/py.typed",
        "mockbus/py.typed",
        "movsdk/reference/__init__.py",
        *(f"movsdk/reference/{name}/{file}" for name in reference.NAMES for file in ("__init__.py", "driver.py", "README.md")),
    ],
)
def test_the_wheel_holds(path: str, wheel: Path) -> None:
    """A folder of drivers/ that pyproject.toml does not list would be missing here."""
    assert (wheel / path).is_file()


def test_the_wheel_holds_every_file_of_both_packages(wheel: Path) -> None:
    """Data beside the code (demo dumps) is not lost."""
    for package in ("movsdk", "mockbus"):
        ours = {
            path.relative_to(ROOT) for path in (ROOT / package).rglob("*") if path.is_file() and "__pycache__" not in path.parts
        }
        assert {path for path in ours if not (wheel / path).is_file()} == set()


def test_the_wheel_holds_nothing_else(wheel: Path) -> None:
    """No top-level `drivers` or `tests` of ours lands in a user's site-packages."""
    assert {path.name for path in wheel.iterdir()} == {"movsdk", "mockbus", f"movsdk-{__version__}.dist-info"}


def test_reference_drivers_load_from_the_wheel(wheel: Path, tmp_path: Path) -> None:
    """Installed, `movsdk.reference.edu` is the copy inside the wheel, also next to a top-level `drivers`."""
    (wheel / "drivers").mkdir(exist_ok=True)
    program = "import sys; sys.path.insert(0, sys.argv[1]); import movsdk.reference.edu.driver as edu; print(edu.__file__)"
    done = subprocess.run([sys.executable, "-c", program, str(wheel)], cwd=tmp_path, capture_output=True, text=True, check=False)
    (wheel / "drivers").rmdir()
    assert (done.stdout.strip(), done.stderr) == (str(wheel / "movsdk/reference/edu/driver.py"), "")


def test_requirements_are_locked_and_name_no_registry() -> None:
    """Each requirement of pyproject.toml has an exact version with hashes; whose mirror they came from is nobody's business."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    lock = (ROOT / "requirements.lock").read_text().lower()
    locked = {line.split("==")[0] for line in lock.splitlines() if "==" in line}

    assert {name for line in wanted if (name := line.split(">=")[0].lower()) not in locked} == set()
    assert lock.count("--hash=sha256:") >= len(locked)
    assert "://" not in lock
