"""The house rules as functions over a source tree: each returns its breaches, one line each, ``path:line: what is wrong``.

Twin: docs/explanation/architecture.md, which tells the same in words. Parses imports and counts lines; loads nothing of the
project but the map of public names. `tests/test_house.py` applies the rules to this tree and, broken, to small ones.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

from movsdk import HOME

FACTS = frozenset({"facts"})
_LAYOUT = FACTS | {"layout"}
_KERNEL = _LAYOUT | {"kernel"}
_RESCAN = _KERNEL | {"rescan"}
_BENCH = _RESCAN | {"bench", "explore", "mockbus", "plan", "report"}
_TESTING = _BENCH | {"testing"}

# Which rooms a room may import. `movsdk.reference` (the drivers) is in no list: it is loaded by name.
ROOMS = {
    "facts": FACTS,
    "layout": _LAYOUT,
    "kernel": _KERNEL,
    "rescan": _RESCAN,
    "plan": _KERNEL | {"plan"},
    "explore": FACTS | {"explore"},
    "report": _RESCAN - {"kernel", "layout"} | {"report"},
    "bench": _BENCH,
    "testing": _TESTING,
    "cli": _TESTING | {"cli"},
    "reference": frozenset(),
    "mockbus": FACTS | {"mockbus"},
}
FOREIGN = {
    "facts": {"attrs", "pluggy"},
    "layout": {"attrs"},
    "kernel": {"attrs", "pluggy"},
    "rescan": {"attrs", "pluggy"},
    "plan": {"attrs"},
    "explore": {"attrs", "greenlet"},
    "report": {"attrs", "jinja2", "rich"},
    "bench": {"attrs", "mfusepy", "pluggy", "pyfakefs", "yaml"},
    "testing": {"attrs", "hypothesis", "pluggy", "pyfakefs", "pytest"},
    "cli": {"attrs"},
    "reference": set(),
    "mockbus": {"attrs"},
}
VAGUE = {"common", "core", "helper", "helpers", "manager", "misc", "util", "utils"}
LINES, PAGE_LINES = 300, 200


@frozen
class Import:
    """One imported name: `module` dotted and absolute unless `level` dots lead it; `is_typing` under ``if TYPE_CHECKING``."""

    where: str
    module: str
    name: str
    level: int
    is_typing: bool

    @property
    def top(self) -> str:
        """The outermost package."""
        return self.module.split(".")[0]

    @property
    def room(self) -> str:
        """The room of our own that this reaches into; a public name of movsdk counts as the room it lives in."""
        if self.top != "movsdk":
            return self.top
        module = HOME.get(self.name, f"movsdk.{self.name}") if self.module == "movsdk" else self.module
        inside = module.split(".")[1]
        return inside if inside in ROOMS else "facts"


def imports(root: Path, path: Path) -> Iterator[Import]:
    """Every import of a file, wherever it stands."""
    tree = ast.parse(path.read_text())
    typing = {
        id(node)
        for branch in ast.walk(tree)
        if isinstance(branch, ast.If)
        and ast.unparse(branch.test).endswith("TYPE_CHECKING")
        and "not" not in ast.unparse(branch.test)
        for statement in branch.body
        for node in ast.walk(statement)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found = [(alias.name, "", 0) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found = [(node.module or "", alias.name, node.level) for alias in node.names]
        else:
            continue
        for module, name, level in found:
            yield Import(f"{path.relative_to(root)}:{node.lineno}", module, name, level, id(node) in typing)


def sources(root: Path, *folders: str) -> list[Path]:
    """The Python files of some folders, sorted."""
    return sorted(path for folder in folders for path in (root / folder).rglob("*.py"))


def room_of(root: Path, path: Path) -> str:
    """The room a file lies in."""
    parts = path.relative_to(root).parts
    if parts[0] == "mockbus":
        return "mockbus"
    if path.name == "__main__.py":
        return "cli"  # ``python -m movsdk`` is the command
    return "facts" if len(parts) == 2 else parts[1]


def rooms(root: Path) -> Iterator[str]:
    """Imports run along the arrows; what a room takes from outside is on its list.

    The facts may name the types of higher rooms (a hook gets a `PciDev`): that costs nothing when the program runs.
    """
    for path in sources(root, "movsdk", "mockbus"):
        room = room_of(root, path)
        if room not in ROOMS:
            yield f"{path.relative_to(root)}:1: {room} is not a room of the house; give it its arrows in tests/house.py"
            continue
        for found in imports(root, path):
            if found.level:
                yield f"{found.where}: a relative import; write the room out"
            elif found.top in ("movsdk", "mockbus", "drivers", "tests"):
                upward_type = room == "facts" and found.is_typing and found.top == "movsdk"
                if found.room not in ROOMS[room] and not upward_type:
                    yield f"{found.where}: {room} may not import {found.module} ({found.room})"
            elif found.top not in sys.stdlib_module_names and found.top not in FOREIGN[room]:
                yield f"{found.where}: {room} may not import {found.top}"


def drivers(root: Path) -> Iterator[str]:
    """A driver knows movsdk's public names, a model knows mockbus and the facts; they share files that know neither."""
    for folder in sorted(path for path in (root / "drivers").iterdir() if (path / "driver.py").is_file()):
        for path in sources(folder, "."):
            for found in imports(root, path):
                if found.top == "drivers" or found.module.startswith("movsdk.reference"):
                    yield f"{found.where}: a driver's folder uses relative imports; it ships as movsdk.reference.{folder.name}"
        for path in _side(root, folder / "driver.py"):
            for found in imports(root, path):
                is_public = found.module == "movsdk" and found.name in HOME
                if not (found.level or is_public or found.top == "attrs" or found.top in sys.stdlib_module_names):
                    yield f"{found.where}: a driver knows the public names of movsdk and nothing else, not {found.module}"
                elif found.level and "model" in (found.module, found.name):
                    yield f"{found.where}: a driver never imports its model"
        for path in _side(root, folder / "model.py"):
            for found in imports(root, path):
                is_ours = found.top == "mockbus" or (found.top == "movsdk" and found.room == "facts")
                if not (found.level or is_ours or found.top == "attrs" or found.top in sys.stdlib_module_names):
                    yield f"{found.where}: a model knows mockbus and the facts of movsdk, not {found.module}"
                elif found.level and "driver" in (found.module, found.name):
                    yield f"{found.where}: a model never imports its driver"


def _side(root: Path, start: Path) -> list[Path]:
    """`start` and every file next to it that it reaches by relative imports; but not the other side's first file."""
    found, todo = [], [start]
    while todo:
        path = todo.pop()
        if not path.is_file() or path in found:
            continue
        found.append(path)
        near = [one for one in imports(root, path) if one.level == 1]
        names = {one.module or one.name for one in near} - {"driver", "model"}
        todo += [path.parent / f"{name}.py" for name in sorted(names)]
    return found


def sizes(root: Path) -> Iterator[str]:
    """Past 300 lines look for the second idea; a page past 200 is two pages; a name says what is inside."""
    for path in sources(root, "movsdk", "mockbus", "drivers", "tests", "benchmarks"):
        name = path.relative_to(root)
        if (lines := len(path.read_text().splitlines())) > LINES:
            yield f"{name}:{lines}: {lines} lines; most files have 50 to 200, none more than {LINES}"
        if vague := VAGUE & {part.removesuffix(".py").strip("_") for part in name.parts}:
            yield f"{name}:1: {', '.join(sorted(vague))} says nothing; name the idea"
    for path in sorted([*(root / "docs").rglob("*.md"), *root.glob("*.md")]):
        if path.name != "CHANGELOG.md" and (lines := len(path.read_text().splitlines())) > PAGE_LINES:
            yield f"{path.relative_to(root)}:{lines}: {lines} lines; a page has at most {PAGE_LINES}"


def packages(root: Path) -> Iterator[str]:
    """Every folder of code is a package: without ``__init__.py`` it would merge with a stranger's folder of the same name."""
    code = sources(root, "movsdk", "mockbus", "drivers")
    for folder in sorted({folder for path in code for folder in path.parents if root in folder.parents}):
        if not (folder / "__init__.py").is_file():
            yield f"{folder.relative_to(root)}:1: has no __init__.py"
