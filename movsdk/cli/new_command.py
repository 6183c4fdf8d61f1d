"""``movsdk new NAME``: the folder of a driver that conforms as written: datasheet, registers, driver, silicon, tests."""

from __future__ import annotations

import argparse
import keyword
import re
import shlex
import sys
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Final

from movsdk.bench.file_out import new_folder
from movsdk.errors import BadInput

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_TEMPLATES: Final = ("README.md", "__init__.py", "regs.py", "driver.py", "model.py", "test_driver.py")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("name", metavar="NAME", help="what the driver is called: small letters, digits and _")
    parser.add_argument("directory", metavar="DIR", nargs="?", help="the new folder (default: NAME)")


def run(options: argparse.Namespace) -> int:
    """Write the files, all or none, and say what to do with them."""
    name = options.name
    folder = Path(name if options.directory is None else options.directory)
    _check(name, "the name")
    if name.startswith("test"):
        raise BadInput(f"the name {name!r} makes a class that pytest takes for tests; choose another, as my_{name}")
    _check(folder.resolve().name, "the folder's name")
    if folder.exists() or folder.is_symlink():
        raise BadInput(f"{folder}: is there already; name a new folder, as movsdk new {name} drivers/{name}")
    texts = driver_texts(name, str(folder))
    with new_folder(folder) as place:
        for file, text in texts.items():
            (place / file).write_text(text)
    print(f"{folder}: {' '.join(texts)}")
    shown = shlex.quote(str(folder))
    print(f"  pytest {shown}   its tests, and the conformance kit rule by rule")
    print(f"  movsdk check {shown}/driver.py   the kit alone")
    return 0


def driver_texts(name: str, folder: str) -> dict[str, str]:
    """Every file of a new driver called `name`, by its name; `folder` is how the README calls the place."""
    words = {"name": name, "Class": name.title().replace("_", ""), "folder": folder}
    place = files("movsdk.testing") / "new_driver"
    texts = {file: Template((place / f"{file}.txt").read_text()).substitute(words) for file in _TEMPLATES}
    return {file.replace("test_driver", f"test_{name}"): text for file, text in texts.items()}


def _check(name: str, what: str) -> None:
    """A name must be one that Python can import, and must hide nothing that others import."""
    if not _NAME.fullmatch(name):
        raise BadInput(f"{what} {name!r:.60} is not 1 to 40 small letters, digits and _, beginning with a letter, as my_card")
    if keyword.iskeyword(name) or name in sys.stdlib_module_names or name in ("movsdk", "mockbus", "pytest"):
        raise BadInput(f"{what} {name!r} belongs to Python or to a package; choose another, as {name}_card")
