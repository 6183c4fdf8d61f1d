"""The command as a whole: help, exit statuses, and what happens when it is stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from movsdk import __version__
from movsdk.bench.scenario_file import load
from movsdk.cli import run_command
from movsdk.cli.main import COMMANDS, main
from tests.cli.calls import VECTORS, call, moving

MOVSDK = [sys.executable, "-m", "movsdk"]
ROOT = Path(__file__).resolve().parents[2]


def subprocess_of(*words: str | Path, **options: object) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run([*MOVSDK, *map(str, words)], capture_output=True, text=True, check=False, env=environment, timeout=60)


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"], ["help"]])
def test_help_names_every_command(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing at all is a question too. No line is wider than a terminal."""
    called = call(capsys, *words)

    assert called.status == 0
    assert all(f"  {name} " in called.out for name in COMMANDS)
    assert max(map(len, called.out.splitlines())) <= 80


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("words", ["{name} --help", "help {name}"])
def test_each_command_explains_itself(words: str, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What it does, its options, its exit status."""
    called = call(capsys, *words.format(name=name).split())

    assert called.status == 0
    assert called.out.startswith(f"usage: movsdk {name}")
    assert " ".join(called.out.split()).endswith("or an expectation differs; 2 bad input")


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    """For bug reports."""
    assert call(capsys, "--version").out == f"movsdk {__version__}\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["rnu"], "movsdk: there is no command 'rnu'; did you mean 'run'?"),
        (["--frobnicate"], f"movsdk: there is no command '--frobnicate'; there are {', '.join(COMMANDS)}"),
        (["run"], "movsdk run: the following arguments are required: FILE; try movsdk run --help"),
        (["run", "a", "b"], "movsdk run: unrecognized arguments: b; try movsdk run --help"),
        (["run", "a", "--rul", "v9"], "movsdk run: unrecognized arguments: --rul v9; try movsdk run --help"),
        (["run", "a\nb"], "movsdk run: a\\nb: cannot be read: No such file or directory"),
    ],
)
def test_a_wrong_command_line_is_one_line(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """On standard error, with status 2."""
    called = call(capsys, *words)

    assert (called.status, called.out, called.err) == (2, "", message + "\n")


def test_python_m_movsdk_is_the_command() -> None:
    """Where no script is on the path; through a real process, with its real status."""
    assert subprocess_of("--version").stdout == f"movsdk {__version__}\n"
    assert subprocess_of("run", "no.yaml").returncode == 2


@pytest.mark.parametrize(
    ("raised", "status", "message"),
    [
        (KeyboardInterrupt(), 130, ""),
        (BrokenPipeError(), 141, ""),
        (KeyError("x"), 1, r"movsdk run: KeyError: 'x' at tests/cli/test_main.py:"),
    ],
    ids=["Ctrl-C", "closed pipe", "a bug"],
)
def test_no_end_is_a_traceback(
    raised: BaseException, status: int, message: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-C and a reader that went away end quietly; our own bug is a line that says how to see more."""

    def bursts(options: object) -> int:
        raise raised

    monkeypatch.setattr(run_command, "run", bursts)
    monkeypatch.chdir(ROOT)

    assert main(["run", "x"]) == status
    err = capfd.readouterr().err
    assert err.startswith(message)
    assert err.endswith("; MOVSDK_TRACEBACK=1 shows where\n" if message else "")
    assert err.count("\n") == bool(message)


def test_a_bug_shows_its_traceback_to_who_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    """MOVSDK_TRACEBACK lets the exception through."""
    monkeypatch.setattr(run_command, "run", lambda options: next(iter(())))
    monkeypatch.setenv("MOVSDK_TRACEBACK", "1")

    with pytest.raises(StopIteration):
        main(["run", "x"])


def quit_reading(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()


@pytest.mark.parametrize(
    ("stop", "status"),
    [
        pytest.param(quit_reading, 141, id="the reader of its output goes away"),
        pytest.param(lambda process: process.send_signal(signal.SIGINT), 130, id="Ctrl-C"),
    ],
)
def test_a_long_run_that_is_stopped_says_nothing_more(stop: Callable[[subprocess.Popen[str]], None], status: int) -> None:
    """Not even Python does, at exit."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    command = [*MOVSDK, "run", str(VECTORS / "v9.jsonl.gz"), "--log"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        process.stdout.readline()  # it plays
        stop(process)
        assert process.stderr is not None
        assert process.stderr.read() == ""
        assert process.wait(60) == status


@pytest.mark.parametrize("option", ["--record", "--json"])
def test_a_file_is_written_whole_though_nobody_reads_the_output(option: str, tmp_path: Path) -> None:
    """``movsdk run X --record F | head``: F is what a bug report needs, and the printing alone ends."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    many = load(str(VECTORS / "v9.jsonl.gz"))[-12:]
    words = [*MOVSDK, "run", str(VECTORS / "v9.jsonl.gz"), "--log", *(f"--only={case.name}" for case in many), option]
    whole = subprocess.run([*words, str(tmp_path / "whole")], check=False, capture_output=True, env=environment)
    assert len(whole.stdout) > 1 << 16  # more than a pipe holds
    with subprocess.Popen([*words, str(tmp_path / "alone")], stdout=subprocess.PIPE, text=True, env=environment) as process:
        quit_reading(process)
        assert process.wait(60) == 141

    assert (tmp_path / "alone").read_bytes() == (tmp_path / "whole").read_bytes()


def test_a_name_that_the_terminal_cannot_show_is_no_reason_to_stop(tmp_path: Path) -> None:
    """Output in ASCII: names are escaped, trees are drawn with what there is."""
    path = moving(tmp_path)
    path.write_text(path.read_text().replace("id: card", "id: kärtchen"))
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "ascii"}

    done = subprocess.run([*MOVSDK, "run", str(path)], capture_output=True, check=False, env=environment)

    assert (done.returncode, done.stderr) == (0, b"")
    assert b"   `- 01:00.0 k\\xe4rtchen  edu" in done.stdout
