"""The house keeps its shape: arrows between rooms, weight of an import, size and names of files (see architecture.md)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import house

ROOT = Path(__file__).resolve().parent.parent
Rule = Callable[[Path], Iterator[str]]


@pytest.mark.parametrize("rule", [house.rooms, house.drivers, house.sizes, house.packages])
def test_the_house_keeps_its_rules(rule: Rule) -> None:
    """Each breach is named by file and line."""
    breaches = list(rule(ROOT))
    assert not breaches, "\n" + "\n".join(breaches)


@pytest.mark.parametrize(
    ("rule", "path", "text", "breach"),
    [
        pytest.param(
            house.rooms,
            "movsdk/layout/fit.py",
            "x = 1\nimport movsdk.kernel.device",
            ":2: layout may not import",
            id="layout, kernel",
        ),
        pytest.param(
            house.rooms,
            "movsdk/kernel/probe.py",
            "from movsdk import RescanReport",
            ":1: kernel may not import",
            id="kernel, rescan",
        ),
        pytest.param(
            house.rooms,
            "movsdk/rescan/hotplug.py",
            "def f():\n    from mockbus import slot",
            ":2: rescan may not",
            id="not lazily",
        ),
        pytest.param(house.rooms, "movsdk/bench/load.py", "import drivers.edu", ":1: bench may not import drivers", id="drivers"),
        pytest.param(house.rooms, "movsdk/kernel/mmio.py", "import rich", ":1: kernel may not import rich", id="third party"),
        pytest.param(house.rooms, "movsdk/errors.py", "import movsdk.kernel", ":1: facts may not import", id="facts, kernel"),
        pytest.param(
            house.rooms, "mockbus/fabric.py", "from movsdk.hooks import PciId\nimport movsdk.layout", ":2: mockbus", id="mockbus"
        ),
        pytest.param(house.rooms, "movsdk/gadgets/a.py", "", ":1: gadgets is not a room", id="a new room"),
        pytest.param(house.rooms, "movsdk/kernel/a.py", "from . import irq", ":1: a relative import", id="relative"),
        pytest.param(
            house.drivers, "drivers/edu/driver.py", "from movsdk.kernel import mmio", ":1: a driver knows", id="driver, kernel"
        ),
        pytest.param(
            house.drivers, "drivers/edu/driver.py", "from .model import EduModel", ":1: a driver never", id="driver, model"
        ),
        pytest.param(house.drivers, "drivers/edu/model.py", "from movsdk import PciDev", ":1: a model knows", id="model, kernel"),
        pytest.param(house.drivers, "drivers/edu/model.py", "from . import driver", ":1: a model never", id="model, driver"),
        pytest.param(house.drivers, "drivers/edu/regs.py", "import mockbus", ":1: a driver knows", id="shared, mockbus"),
        pytest.param(
            house.drivers, "drivers/edu/test_edu.py", "import drivers.edu.regs", ":1: a driver's folder uses", id="absolute"
        ),
        pytest.param(house.sizes, "mockbus/long.py", "x = 1\n" * 301, ":301: 301 lines", id="a long file"),
        pytest.param(house.sizes, "docs/long.md", "word\n" * 201, ":201: 201 lines", id="a long page"),
        pytest.param(house.sizes, "movsdk/utils.py", "", ":1: utils says nothing", id="a vague file"),
        pytest.param(house.sizes, "movsdk/core/table.py", "", ":1: core says nothing", id="a vague folder"),
        pytest.param(house.packages, "movsdk/kernel/irq.py", "", "has no __init__.py", id="no package"),
    ],
)
def test_a_breach_is_found(rule: Rule, path: str, text: str, breach: str, tmp_path: Path) -> None:
    """A check that cannot fail is none: each rule finds its breach in a tree that has nothing else."""
    for name, content in {"drivers/edu/driver.py": "from . import regs", "drivers/edu/regs.py": "", path: text}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    assert any(breach in found and found.startswith(path.rsplit("/", 1)[0]) for found in rule(tmp_path)), list(rule(tmp_path))


@pytest.mark.parametrize(
    ("statement", "unloaded"),
    [
        ("import movsdk", "attrs mmap mockbus pluggy pytest rich"),
        ("import movsdk.hooks, movsdk.errors, movsdk.ops, movsdk.trace", "mmap mockbus movsdk.kernel pytest rich"),
        ("from movsdk import PciDev, IoMem", "mmap mockbus movsdk.rescan pytest rich"),
        ("import mockbus", "mmap movsdk.kernel pytest rich"),
        ("import movsdk.testing.pytest_plugin", "hypothesis mmap mockbus movsdk.kernel pyfakefs rich yaml"),
        ("import movsdk.cli.main", "hypothesis mmap mockbus movsdk.kernel pytest"),
    ],
)
def test_an_import_loads_no_more_than_it_needs(statement: str, unloaded: str) -> None:
    """The facts cost nothing, hardware memory appears when a BAR needs it, and the command never pulls pytest."""
    program = f"{statement}\nimport sys; print(*sorted(set({unloaded!r}.split()) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("", "")
