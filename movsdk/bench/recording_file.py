"""A recording as a file: YAML that people can read, with a checksum in its last line.

Twin: `git bundle`. Whatever is not exactly what was written is refused in one line; plays nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from movsdk.bench.fields import Fields
from movsdk.bench.load import check_loads
from movsdk.bench.place import Place
from movsdk.bench.recording import Events, Race, Recording, Run
from movsdk.bench.recording_sources import user_references
from movsdk.bench.scenario import Scenario
from movsdk.bench.scenario_schema import parse
from movsdk.bench.scenario_text import Hex, to_plain, yaml_block
from movsdk.bench.user_code import check_references
from movsdk.bench.yaml_text import read_yaml
from movsdk.errors import BadInput

FORMAT: Final = 1
MAX_FILE: Final = 256 << 20
_HEAD: Final = "# A recording of movsdk: `movsdk replay FILE` plays it again and compares. The last line is a checksum.\n"
_LAST: Final = re.compile(r"(?s)(.*\n)checksum: ([0-9a-f]{64})\s*")
_TOP: Final = ("recording", "made_by", "folder", "runs", "race")
_RUN: Final = ("name", "rules", "faults", "sources", "scenario", "events", "stopped")
_ADDRESS: Final = 0x1000  # numbers from here on read best in hex


def write_text(recording: Recording, place: str | Path) -> str:
    """Return the text of a recording that will lie at `place`."""
    plain: dict[str, Any] = {"recording": FORMAT, "made_by": {"movsdk": recording.movsdk, "python": recording.python}}
    if any(user_references(run.scenario) for run in recording.runs):
        here = Path(place).resolve().parent
        plain["folder"] = Path(os.path.relpath(Path(recording.runs[0].scenario.folder).resolve(), here)).as_posix()
    if recording.runs:
        plain["runs"] = [_run(run) for run in recording.runs]
    if recording.race is not None:
        race = recording.race
        plain["race"] = {"scenario": race.scenario, "runs": race.runs, "stop": race.stop, "outcome": race.outcome}
    text = _HEAD + yaml_block(plain)
    return f"{text}checksum: {_checksum(text)}\n"


def _run(run: Run) -> dict[str, Any]:
    plain: dict[str, Any] = {"name": run.name, "rules": run.rules, "faults": run.faults}
    if run.sources:
        plain["sources"] = [{"file": name, "sha256": value} for name, value in run.sources.items()]
    plain |= {"scenario": to_plain(run.scenario), "events": _in_hex(run.events)}
    return plain | {"stopped": run.stopped} if run.stopped else plain


def _in_hex(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _in_hex(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_in_hex(item) for item in value]
    return Hex(value) if isinstance(value, int) and value >= _ADDRESS else value


def read(path: str | Path, drivers: str | Path | None = None) -> Recording:
    """Read the recording at `path`; `drivers` is the folder where its references start, if they are not where they were.

    Raises:
        BadInput: no recording, cut off, changed, or a driver it names cannot be found; one line.
    """
    text = _whole_text(path)
    value, lines = read_yaml(text, str(path))
    top = Fields(value, Place(str(path), lines=lines), _TOP)
    if top.number("recording") != FORMAT:
        raise top.bad("recording", f"is a format that this version does not read; it reads {FORMAT}")
    made_by = Fields(top["made_by"], top.place.at("made_by"), ("movsdk", "python"))
    folder = top.text("folder", ".")
    start = Path(drivers) if drivers is not None else Path(path).resolve().parent / folder
    runs = tuple(_read_run(item, place, start) for item, place in top.items("runs"))
    race = _read_race(top["race"], top.place.at("race")) if "race" in top else None
    if bool(runs) == (race is not None):
        raise top.place.bad("holds either `runs` or a `race`")
    return Recording(runs, race, folder, made_by.text("movsdk"), made_by.text("python"))


def _whole_text(path: str | Path) -> str:
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_FILE + 1)
    except (OSError, ValueError) as error:
        raise BadInput(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if len(data) > MAX_FILE:
        raise BadInput(f"{path}: longer than {MAX_FILE >> 20} MiB; that is no recording of ours")
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: not text: byte {data[error.start]:#04x} at offset {error.start}") from None
    if not text.startswith(_HEAD[:24]):
        raise BadInput(f"{path}: is no recording; `movsdk run SCENARIO --record FILE` writes one, `movsdk run` plays a scenario")
    match = _LAST.fullmatch(text)
    if match is None:
        raise BadInput(f"{path}: is cut off: its last line is no checksum; ask for the whole file")
    if _checksum(match[1]) != match[2]:
        raise BadInput(f"{path}: was changed after it was recorded (its checksum differs); ask for the original")
    return match[1]


def _checksum(text: str) -> str:
    return sha256(text.encode("utf-8", "backslashreplace")).hexdigest()


def _read_run(value: object, place: Place, folder: Path) -> Run:
    fields = Fields(value, place, _RUN)
    events: Events = []
    for item, here in fields.items("events", required=True):
        if not isinstance(item, dict):
            raise here.bad("is not an object; one for each event")
        events.append(item)
    sources = {}
    for item, here in fields.items("sources"):
        source = Fields(item, here, ("file", "sha256"))
        sources[source.text("file")] = source.text("sha256")
    return Run(
        name=str(fields["name"]),
        rules=fields.text("rules"),
        faults=fields.word("faults", ("raise", "hardware")),
        scenario=_scenario(fields["scenario"], place.at("scenario"), folder),
        sources=sources,
        events=events,
        stopped=str(fields.values.get("stopped", "")),
    )


def _scenario(value: object, place: Place, folder: Path) -> Scenario:
    scenario = parse(value, place.where, lines=place.lines, at=place.path, folder=str(folder))
    try:
        check_references(scenario, place)
    except BadInput as error:
        raise BadInput(f"{error}; name the folder of the drivers with --drivers DIR") from error
    check_loads(scenario, place)
    return scenario


def _read_race(value: object, place: Place) -> Race:
    fields = Fields(value, place, ("scenario", "runs", "stop", "outcome"))
    for key in ("scenario", "outcome"):
        if not isinstance(fields[key], dict):
            raise fields.bad(key, "is not an object")
    return Race(fields["scenario"], fields.number("runs", low=1), fields.flag("stop", True), fields["outcome"])
