"""Which driver a file means."""

from __future__ import annotations

from pathlib import Path

import pytest

from movsdk.testing.conformance.find_driver import find_driver

TEXT = """\
from abc import ABC, abstractmethod

from movsdk import PciId
from movsdk.reference.edu.driver import Edu


class Nameless:
    id_table = [PciId(0x1234, 0x11E8)]

    def probe(self, dev, id): ...


class Abstract(Edu, ABC):
    @abstractmethod
    def start(self, dev): ...


class Mine(Nameless):
    name = "mine"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A driver, and what drivers are built upon."""
    (tmp_path / "based.py").write_text(TEXT)
    return tmp_path / "based.py"


def test_what_drivers_build_upon_is_no_driver(file: Path) -> None:
    """A class without a name, an abstract class: the one that is left is meant."""
    assert find_driver(str(file))[0].__name__ == "Mine"


def test_who_forgot_the_name_is_told(file: Path) -> None:
    """Nobody builds upon it, so it was meant to be one."""
    file.write_text(TEXT.split("class Abstract", maxsplit=1)[0])

    assert find_driver(str(file))[0].__name__ == "Nameless"


def test_a_folder_stands_for_the_driver_in_it(tmp_path: Path) -> None:
    """As `movsdk new` writes it, wherever one calls from."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "driver.py").write_text(TEXT)

    assert find_driver(str(folder))[0].__name__ == "Mine"
    assert find_driver("mine", tmp_path)[0].__name__ == "Mine"
