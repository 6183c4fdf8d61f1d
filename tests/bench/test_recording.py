"""Recordings: what is written is read back equal, and what is not exactly what was written is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import movsdk
from movsdk.bench import gallery
from movsdk.bench.player import Player
from movsdk.bench.recording import Recording, Run, event_of, tidy
from movsdk.bench.recording_file import read, write_text
from movsdk.bench.recording_sources import changes, sources_of, user_references
from movsdk.bench.scenario import Scenario
from movsdk.bench.scenario_schema import parse
from movsdk.errors import BadInput
from movsdk.rescan.rules import by_name
from tests.cli.calls import DRIVERS, plain
from tests.strategies import machines


def played(scenario: Scenario, rules: str = "v9") -> Run:
    """Play and write down."""
    player = Player(scenario, by_name(rules))
    events = [event_of(player, outcome) for outcome in player.play()]
    return Run("it", rules, "raise", scenario, sources_of(scenario), events)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(scenario=machines(), rules=st.sampled_from(["v9", "v5", "v2", "off"]))
def test_what_is_written_is_read_back_and_plays_the_same(scenario: Scenario, rules: str, tmp_path: Path) -> None:
    """Scenario, rules, events, sources: all of it, for random machines; and a second run gives the same events."""
    recording = Recording((played(scenario, rules),))
    path = tmp_path / "it.rec"
    path.write_text(write_text(recording, path))

    back = read(path)

    assert back == recording
    assert played(back.runs[0].scenario, rules).events == back.runs[0].events


@pytest.mark.parametrize("name", ["nested-docks", "z370-i350", "epyc-20", "f8-unaware-cut-off"])
def test_real_machines_too(name: str, tmp_path: Path) -> None:
    """With firmware windows, drivers of all kinds and a description in several lines."""
    recording = Recording((played(gallery.load(name).scenario),))
    path = tmp_path / "it.rec"
    path.write_text(write_text(recording, path))

    assert read(path) == recording


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The recording of one card."""
    return write_text(Recording((played(parse(plain(), "x")),)), tmp_path_factory.mktemp("x") / "x.rec")


def refusal(folder: Path, content: str | bytes) -> str:
    """What is said of this content; the reading must fail."""
    path = folder / "x.rec"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(BadInput) as refused:
        read(path)
    assert "\n" not in str(refused.value)
    return str(refused.value).replace(str(path), "FILE")


def test_a_file_that_is_cut_off_is_refused(text: str, tmp_path: Path) -> None:
    """Wherever it ends: at no line does the rest pass for a whole."""
    lines = text.splitlines(keepends=True)

    told = {refusal(tmp_path, "".join(lines[:count])) for count in range(1, len(lines))}

    assert told == {"FILE: is cut off: its last line is no checksum; ask for the whole file"}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_file_that_was_changed_is_refused(data: st.DataObject, text: str, tmp_path: Path) -> None:
    """Any one byte, any other value: never a replay of something else, never a traceback."""
    content = bytearray(text.encode())
    at = data.draw(st.integers(0, len(content) - 2))
    content[at] = data.draw(st.integers(0, 255).filter(lambda value: value != content[at]))

    assert refusal(tmp_path, bytes(content)).startswith("FILE: ")


def test_line_ends_of_another_system_are_no_change(text: str, tmp_path: Path) -> None:
    """Mail programs and git may write CRLF."""
    path = tmp_path / "x.rec"
    path.write_bytes(text.replace("\n", "\r\n").encode())

    assert read(path).runs[0].events[0]["op"] == "boot"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("windows: []\n", "FILE: is no recording; `movsdk run SCENARIO --record FILE` writes one"),
        ("", "FILE: is no recording"),
        (b"\xff\xfe", "FILE: not text: byte 0xff at offset 0"),
    ],
    ids=["a scenario", "nothing", "bytes"],
)
def test_what_is_no_recording_is_said(content: str | bytes, message: str, tmp_path: Path) -> None:
    """With what would be one."""
    assert refusal(tmp_path, content).startswith(message)


def test_another_format_is_refused(text: str, tmp_path: Path) -> None:
    """A later movsdk may write what this one cannot know."""
    recording = Recording((played(parse(plain(), "x")),))
    path = tmp_path / "x.rec"
    later = write_text(recording, path).rpartition("checksum")[0].replace("recording: 1", "recording: 2", 1)

    assert "its checksum differs" in refusal(tmp_path, text.replace("recording: 1", "recording: 2", 1))
    assert refusal(tmp_path, signed(later)) == ("FILE:2: recording: 2 is a format that this version does not read; it reads 1")


def signed(text: str) -> str:
    """The text with a checksum that is right: what a liar would write."""
    from hashlib import sha256

    return f"{text}checksum: {sha256(text.encode()).hexdigest()}\n"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("made_by: {movsdk:", "made_by: {mvsdk:"),
        ("faults: raise", "faults: never"),
        ("    events:", "    evants:"),
        ("type: mem32", "type: mem31"),
        ("runs:", "race: 1\nruns:"),
    ],
)
def test_a_right_checksum_saves_nothing_that_is_wrong(old: str, new: str, text: str, tmp_path: Path) -> None:
    """One line naming the place, as for a scenario."""
    body = text.rpartition("checksum")[0]
    assert old in body
    assert refusal(tmp_path, signed(body.replace(old, new, 1))).startswith("FILE:")


def test_a_register_that_no_field_shows_is_noticed() -> None:
    """The digest is of all config space of all functions, and tells nothing else."""
    player = Player(parse(plain(), "x"), by_name("v9"))
    (outcome,) = player.play()
    before = event_of(player, outcome)
    player.world.machine.function("card").config.data[0xF0] ^= 1
    after = event_of(player, outcome)

    assert {key for key, value in after.items() if value != before[key]} == {"silicon"}


# --- drivers -----------------------------------------------------------------------------------------------
def own_machine(folder: Path) -> Scenario:
    """A scenario with a driver in a file of its own, which imports another file."""
    (folder / "regs.py").write_text("ID = 0\n")
    (folder / "elsewhere.py").write_text("nobody imports this\n")
    (folder / "mine.py").write_text("from .regs import ID\n" + DRIVERS)
    card = plain()["devices"][0] | {"driver": "mine.py:Good", "model": "edu", "bars": []}
    return parse(plain(devices=[card]), "x", folder=str(folder))


def test_the_sources_are_the_drivers_file_and_what_it_imports(tmp_path: Path) -> None:
    """Not what lies beside them, not the SDK; reference drivers under their own name. Line ends do not count."""
    scenario = own_machine(tmp_path)

    found = sources_of(scenario)
    (tmp_path / "regs.py").write_bytes(b"ID = 0\r\n")
    same = sources_of(scenario)
    (tmp_path / "regs.py").write_text("ID = 1\n")

    assert [name for name in found if not name.startswith("edu/")] == ["mine.py", "regs.py"]
    assert {name for name in found if name.startswith("edu/")} >= {"edu/model.py", "edu/regs.py"}
    assert same == found
    assert list(changes(found, sources_of(scenario))) == ["regs.py has changed since the recording"]
    assert list(changes({"a": "1"}, {"b": "1"})) == [
        "a was part of the recorded run and is not now",
        "b was no part of the recorded run",
    ]
    assert user_references(scenario) == ("mine.py:Good",)


def test_a_driver_beside_a_checkout_of_the_sdk_does_not_take_it_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK has a version, and what pip installed is not the user's."""
    scenario = own_machine(tmp_path)
    installed = tmp_path / "venv" / "site-packages"
    for file in (tmp_path / "movsdk" / "__init__.py", installed / "installed_once.py"):
        file.parent.mkdir(parents=True)
        file.write_text("")
    monkeypatch.setattr(movsdk, "__file__", str(tmp_path / "movsdk" / "__init__.py"))
    monkeypatch.syspath_prepend(str(installed))
    (tmp_path / "regs.py").write_text("import installed_once\nID = 0\n")

    assert [name for name in sources_of(scenario) if not name.startswith("edu/")] == ["mine.py", "regs.py"]


def test_the_folder_of_the_drivers_is_found_from_the_recording(tmp_path: Path) -> None:
    """Both may move together; without the driver the line says what to do."""
    (tmp_path / "out").mkdir()
    scenario = own_machine(tmp_path)
    path = tmp_path / "out" / "it.rec"
    path.write_text(write_text(Recording((played(scenario),)), path))

    assert read(path).folder == ".."
    assert Path(read(path).runs[0].scenario.folder).resolve() == tmp_path
    moved = tmp_path / "elsewhere.rec"
    path.rename(moved)
    with pytest.raises(BadInput, match=r"mine.py:Good: there is no file .*; name the folder of the drivers with --drivers DIR$"):
        read(moved)
    assert evolve(read(moved, tmp_path).runs[0].scenario, folder=".") == evolve(scenario, folder=".")


def test_what_differs_between_computers_is_left_out(tmp_path: Path) -> None:
    """Folders before a source file, and where Python put an object; numbers of the machine stay."""
    assert tidy([f"KeyError: <A object at 0x7f0012ab> at {tmp_path}/my folder/mine.py:12"], f"{tmp_path}/my folder") == [
        "KeyError: <A object at 0x...> at mine.py:12"
    ]
    assert tidy({"a": "readl at 0xfe000000", "b": 3}) == {"a": "readl at 0xfe000000", "b": 3}
