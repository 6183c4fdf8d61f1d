"""Scenarios out of files: YAML, JSON, JSON lines, each perhaps gzipped.

Checks the wrapper round a scenario; the scenario itself is `scenario_schema`'s. Keeps a golden vector's `expect` as it stands.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final, NoReturn

from movsdk.bench.assembly import assemble
from movsdk.bench.fields import Fields
from movsdk.bench.load import check_loads
from movsdk.bench.place import Place, show
from movsdk.bench.scenario import NamedScenario, Scenario
from movsdk.bench.scenario_schema import parse
from movsdk.bench.user_code import check_references, model_name
from movsdk.bench.yaml_text import read_yaml
from movsdk.errors import BadInput
from movsdk.kernel import actor

RULES: Final = ("v9", "v5", "v2", "off")
MAX_DOCUMENT: Final = 64 << 20
_PACKING_KEYS: Final = ("new", "optimum", "greedy")
WRAPPER_KEYS: Final = ("scenario", "name", "rules", "about", "kernel", "expect", *_PACKING_KEYS)


_Stream = IO[bytes] | gzip.GzipFile


def load(path: str | Path) -> list[NamedScenario]:
    """Return every scenario in the file at `path`, in order; at least one.

    The references to drivers and models that a user wrote (``file.py:Class``) are imported, so that a bad one is told here.

    Raises:
        BadInput: one line naming file, line, path in the document, value and remedy.
    """
    path = Path(path)
    suffixes = [suffix.lower() for suffix in path.suffixes]
    is_packed = suffixes[-1:] == [".gz"]
    kind = suffixes[-2:-1] if is_packed else suffixes[-1:]
    try:
        with gzip.open(path, "rb") if is_packed else path.open("rb") as stream:
            if kind == [".jsonl"]:
                found = list(_json_lines(path, stream))
            else:
                found = [_document(path, stream, is_json=kind == [".json"])]
    except IsADirectoryError:
        raise BadInput(f"{path}: is a folder; make a scenario of a dump folder with `movsdk import {path}`") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise BadInput(f"{path}: not a whole gzip file: {error}") from None
    except (OSError, ValueError) as error:
        raise BadInput(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if not found:
        raise BadInput(f"{path}: holds no scenario; write one a line")
    return found


def _json_lines(path: Path, stream: _Stream) -> Iterator[NamedScenario]:
    number = 0
    while line := stream.readline(MAX_DOCUMENT + 1):
        number += 1
        where = f"{path}:{number}"
        text = _text(line, str(path), first_line=number)
        if text.strip():
            yield _named(_json(text, where, is_line=True), Place(where), path, f"{path.name}:{number}")


def _document(path: Path, stream: _Stream, *, is_json: bool) -> NamedScenario:
    text = _text(stream.read(MAX_DOCUMENT + 1), str(path), first_line=1)
    if not is_json:
        value, lines = read_yaml(text, str(path))
        if not lines:
            raise BadInput(f"{path}: is empty; a scenario has at least `windows` and `devices`")
        return _named(value, Place(str(path), lines=lines), path, path.name)
    value = _json(text, str(path))
    try:
        return _named(value, Place(str(path)), path, path.name)
    except BadInput as error:
        if "path" not in error.fields:
            raise
        _retell_with_lines(text, path, error)


def _retell_with_lines(text: str, path: Path, error: BadInput) -> NoReturn:
    """JSON is YAML, and our YAML reader knows the lines: read it again and say the same with a line."""
    try:
        value, lines = read_yaml(text, str(path))
    except BadInput:
        raise error from None
    _named(value, Place(str(path), lines=lines), path, path.name)
    raise error


def _text(data: bytes, name: str, *, first_line: int) -> str:
    if len(data) > MAX_DOCUMENT:
        raise BadInput(f"{name}:{first_line}: longer than {MAX_DOCUMENT >> 20} MiB; a scenario is a few kilobytes")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = first_line + data.count(b"\n", 0, error.start)
        raise BadInput(f"{name}:{line}: not text: byte {data[error.start]:#04x}; a scenario is UTF-8") from None
    if "\0" in text:
        line = first_line + text.count("\n", 0, text.index("\0"))
        raise BadInput(f"{name}:{line}: not text: a zero byte; a scenario is UTF-8")
    return text


def _json(text: str, where: str, *, is_line: bool = False) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_no_twins, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        line = "" if is_line else f":{error.lineno}"
        raise BadInput(f"{where}{line}: not JSON: {error.msg} at column {error.colno}") from None
    except RecursionError:
        raise BadInput(f"{where}: not JSON: nested too deep") from None
    except ValueError as error:
        raise BadInput(f"{where}: not JSON: {str(error).split(';')[0]}") from None


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        twice = next(key for index, (key, _) in enumerate(pairs) if key in (other for other, _ in pairs[:index]))
        raise ValueError(f"key {show(twice)} stands twice in one object")
    return values


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not a number here")


def _named(value: object, place: Place, path: Path, default_name: str) -> NamedScenario:
    if isinstance(value, dict) and "recording" in value:
        raise place.at("recording").bad("this is a recording; play it again with `movsdk replay`")
    is_wrapped = isinstance(value, dict) and ("scenario" in value or ("rules" in value and "windows" not in value))
    if not is_wrapped:
        if isinstance(value, dict) and "rules" in value:
            raise place.at("rules").bad("belongs beside the scenario; write {rules: ..., scenario: {...}}")
        scenario = _scenario(value, place, path)
        return NamedScenario(scenario.name or default_name, None, scenario, None, _told(place, path))
    wrapper = Fields(value, place, WRAPPER_KEYS)
    scenario = _scenario(wrapper["scenario"], place.at("scenario"), path)
    name = wrapper.text("name", None)
    return NamedScenario(
        name=name or scenario.name or default_name,
        rules=wrapper.word("rules", RULES) if wrapper.values.get("rules") is not None else None,
        scenario=scenario,
        expect=_expect(wrapper),
        place=_told(place, path),
        extra={key: wrapper[key] for key in ("about", "kernel", *_PACKING_KEYS) if key in wrapper},
    )


def _told(place: Place, path: Path) -> str:
    return place.where or str(path)


def _scenario(value: object, place: Place, path: Path) -> Scenario:
    scenario = parse(value, place.where, lines=place.lines, at=place.path, folder=str(path.parent))
    check_references(scenario, place)
    check_loads(scenario, place)
    if any(spec.config is not None or spec.pcie is not None or model_name(spec) is not None for spec in scenario.devices):
        _check_silicon(scenario, place)
    return scenario


def _check_silicon(scenario: Scenario, place: Place) -> None:
    """Build the machine once: whether a model agrees with the BARs and bytes beside it, only the model knows."""
    try:
        assemble(scenario)
    except BadInput as error:
        device = error.fields.get("device")
        index = next((index for index, spec in enumerate(scenario.devices) if spec.id == device), None)
        raise (place if index is None else place.at("devices").at(index)).bad(str(error)) from error
    except Exception as error:  # a user's model may raise anything
        where = actor.show(actor.raise_site(error))
        raise place.bad(f"building the machine raised {type(error).__name__}: {error} ({where})") from error


def _expect(wrapper: Fields) -> list[dict[str, Any]] | None:
    if wrapper.values.get("expect") is None:
        return None
    found: list[dict[str, Any]] = []
    for item, place in wrapper.items("expect"):
        if not isinstance(item, dict):
            raise place.bad(f"{show(item)} is not an object; one for each event")
        found.append(item)
    return found
