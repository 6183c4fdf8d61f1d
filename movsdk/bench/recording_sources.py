"""Which source files a scenario's drivers and models are made of, and what is in them: so that a changed driver is noticed.

Twin: the build id that an oops prints beside a module. Follows imports within the folder of the class; runs nothing of them.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final

from movsdk.bench import reference
from movsdk.bench.scenario import RECORDED_DRIVERS, Scenario
from movsdk.bench.user_code import driver_class, model_class

_SDK: Final = ("movsdk.", "mockbus.")
_SHIPPED: Final = "movsdk.reference."
Hashes = dict[str, str]
"""File name, relative to the folder of its class, under the name that the scenario gives the class: sha256 in hex."""


def sources_of(scenario: Scenario) -> Hashes:
    """Hash every file of the drivers and models of `scenario`; line ends count as one character whatever they are.

    Raises:
        BadInput: a reference does not import.
    """
    found: Hashes = {}
    for spec in scenario.devices:
        if spec.driver not in RECORDED_DRIVERS:
            found |= _hashes(spec.driver, driver_class(spec, scenario.folder))
        if (model := model_class(spec, scenario.folder)) is not None:
            found |= _hashes(getattr(spec, "model", None) or spec.driver, model)
    return dict(sorted(found.items()))


def user_references(scenario: Scenario) -> tuple[str, ...]:
    """The classes that do not ship with the SDK, as the scenario names them."""
    names = {name for spec in scenario.devices for name in (spec.driver, getattr(spec, "model", None)) if name}
    return tuple(sorted(name for name in names if name not in RECORDED_DRIVERS and name not in reference.NAMES))


def changes(before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    """What is not as it was, a line each."""
    for name in sorted({*before, *now}):
        if name not in now:
            yield f"{name} was part of the recorded run and is not now"
        elif name not in before:
            yield f"{name} was no part of the recorded run"
        elif before[name] != now[name]:
            yield f"{name} has changed since the recording"


def _hashes(name: str, found: type | None) -> Hashes:
    if found is None:
        return {}
    start = _file(found.__module__)
    if start is None:
        return {}
    head = name.rpartition(":")[0].rpartition("/")[0] if ".py:" in name else name.partition(":")[0]
    return {
        "/".join(part for part in (head, path.relative_to(start.parent).as_posix()) if part): _hash(path)
        for path in _closure(found.__module__, start.parent)
    }


def _closure(module: str, folder: Path) -> list[Path]:
    """The file of `module`, and those below `folder` that it imports by whatever way; but not the SDK, nor what pip installed."""
    todo, seen = [module], set()
    paths: list[Path] = []
    while todo:
        name = todo.pop()
        path = _file(name)
        if name in seen or path is None or not path.is_relative_to(folder):
            continue
        seen.add(name)
        is_ours = f"{name}.".startswith(_SDK) and not name.startswith(_SHIPPED)
        if is_ours or "site-packages" in path.relative_to(folder).parts:
            continue
        paths.append(path)
        todo += _imported(name, path)
    return sorted(set(paths))


def _imported(module: str, path: Path) -> Iterable[str]:
    """Names under which sys.modules may hold what this file imports."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")
            above = ".".join(parts[: len(parts) - node.level + 1]) if node.level else ""
            base = ".".join(part for part in (above, node.module or "") if part)
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _file(module: str) -> Path | None:
    """The source of a loaded module; None for what has none."""
    place = getattr(sys.modules.get(module), "__file__", None)
    path = Path(place).resolve() if place else None
    return path if path is not None and path.suffix == ".py" and path.is_file() else None


def _hash(path: Path) -> str:
    return sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()
