"""A run, written down: what was played, with what, and everything that came out, so that it can be played again and compared.

Twin: none; what Bjorn Helgaas asked for on v9: a script that makes the problem happen again. Values and their making;
`recording_file` writes and reads them.
"""

from __future__ import annotations

import platform
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from attrs import field, frozen

from movsdk import __version__
from movsdk.bench.player import Outcome, Player
from movsdk.bench.recording_sources import Hashes
from movsdk.bench.scenario import Scenario
from movsdk.trace import What

Events = list[dict[str, Any]]
_PLACE: Final = re.compile(r"(?:[^\s'\"()]*/)?([\w.-]+\.py:\d+)")
_IDENTITY: Final = re.compile(r" at 0x[0-9a-fA-F]+>")


@frozen
class Run:
    """One scenario that was played: `events` as `event_of` gives them; `stopped`: why it ended early."""

    name: str
    rules: str
    faults: str
    scenario: Scenario
    sources: Hashes
    events: Events = field(repr=False)
    stopped: str = ""


@frozen
class Race:
    """One exploration of the enable race: `scenario` and `budget` as plain words, `outcome` with the schedule that failed."""

    scenario: Mapping[str, Any]
    runs: int
    stop: bool
    outcome: Mapping[str, Any]


@frozen
class Recording:
    """`runs`, or a `race`; made by these versions. `folder`: where the scenarios' references start, seen from the recording."""

    runs: tuple[Run, ...] = ()
    race: Race | None = None
    folder: str = "."
    movsdk: str = __version__
    python: str = field(factory=platform.python_version)

    @property
    def made_by(self) -> str:
        """The versions, for people."""
        return f"movsdk {self.movsdk}, Python {self.python}"


def event_of(player: Player, outcome: Outcome) -> dict[str, Any]:
    """Everything that one event did: what ``--json`` tells, the kernel's log, and digests of the timeline and the silicon."""
    timeline = outcome.report.timeline
    told = outcome.as_json() | {
        "clock": player.world.system.ops.clock.now,
        "log": [f"[{event.time / 1e9:12.6f}] {event.text}" for event in timeline if event.what is What.LOG],
        "timeline": [f"{event.time} {event.what.value} {event.who} {event.text}" for event in timeline],
        "silicon": [f"{one.label} {bytes(one.config.data).hex()}" for one in player.world.machine],
    }
    found: dict[str, Any] = tidy(told, player.scenario.folder)
    return found | {key: _digest(found[key]) for key in ("timeline", "silicon")}


def tidy(value: Any, folder: str | Path = ".") -> Any:
    """The same without what differs between two computers: folders in front of source files, addresses of Python objects.

    >>> tidy({"broken": ["KeyError at /home/me/work/mine.py:12"]})
    {'broken': ['KeyError at mine.py:12']}
    """
    if isinstance(value, Mapping):
        return {key: tidy(item, folder) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [tidy(item, folder) for item in value]
    if not isinstance(value, str) or (".py:" not in value and " at 0x" not in value):
        return value
    home = Path(folder).resolve()
    value = value.replace(f"{home}/", "")
    with suppress(ValueError):
        below = home.relative_to(Path.cwd()).as_posix()
        value = value.replace(f"{below}/", "") if below != "." else value
    return _IDENTITY.sub(" at 0x...>", _PLACE.sub(r"\1", value))


def _digest(lines: Iterable[str]) -> str:
    """16 hex digits: enough to notice a difference, short enough to read aloud."""
    return sha256("\n".join(lines).encode("utf-8", "backslashreplace")).hexdigest()[:16]
