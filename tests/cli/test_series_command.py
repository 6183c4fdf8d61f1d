"""``movsdk series`` and ``movsdk run --without``: what each patch is for, in 80 columns."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.calls import call


def test_the_list_counts_21_of_21(capsys: pytest.CaptureFixture[str]) -> None:
    """Number, title, where, what breaks, how it comes out, and that its experiment tells."""
    called = call(capsys, "series")

    lines = called.out.splitlines()
    titles = [line for line in lines if line[:2].strip().isdigit() and not line.startswith("    ")]
    assert called.status == 0
    assert lines[-1] == "21 of 21 patches make the difference in their experiment"
    assert [int(line[:2]) for line in titles[:21]] == list(range(1, 22))
    for label in ("where:", "without it:", "comes out:", "experiment:"):
        assert sum(line.strip().startswith(label) for line in lines) == 21
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("number", range(1, 22))
def test_an_experiment_stands_side_by_side(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    """In 80 columns, with the verdict in the last row."""
    called = call(capsys, "series", str(number))

    lines = called.out.splitlines()
    (verdict,) = [line.split() for line in lines if line.startswith("it goes")]
    assert called.status == 0
    assert any(f"with patch {number} " in line and line.endswith(f"without patch {number}") for line in lines)
    assert verdict == ["it", "goes", "well", "wrong"]
    assert max(map(len, lines)) <= 80


def test_under_other_rules_it_may_not_tell(capsys: pytest.CaptureFixture[str]) -> None:
    """Then it says so, with status 1."""
    called = call(capsys, "series", "16", "--rules", "v9")

    assert called.status == 1
    assert "under rules v9 this experiment does not tell the patch: it is made for v2" in called.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["series", "22"], "movsdk series: the series has patches 1 to 21, not 22; `movsdk series` lists them"),
        (["series", "0", "--scenario"], "movsdk series: the series has patches 1 to 21, not 0; `movsdk series` lists them"),
        (
            ["series", "4", "--scenario"],
            "movsdk series: experiment 4 is no scenario file: A driver looks at its registers all the time while they move.",
        ),
        (
            ["series", "1", "--rules", "v5"],
            "movsdk series: rules 'v5' have no patch 1 to take out: "
            "v5 and later save the state of bridges after the move instead",
        ),
        (["series", "6", "--rules", "v3"], "movsdk series: rules 'v3' are not known; use one of v9, v5, v2, off"),
    ],
)
def test_a_wrong_wish_is_one_line(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """On standard error, with status 2."""
    called = call(capsys, *words)

    assert (called.status, called.out, called.err) == (2, "", message + "\n")


@pytest.fixture
def theft(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """The scenario of experiment 6, saved as a user would."""
    path = tmp_path / "theft.yaml"
    path.write_text(call(capsys, "series", "6", "--scenario").out)
    return str(path)


def test_run_takes_a_patch_out(theft: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The head says which and what breaks; the outcome shows it."""
    called = call(capsys, "run", theft, "--rules", "v2", "--without", "6")

    assert called.status == 0
    assert "rules v2 without 6:" in called.out
    assert "without 6: a newcomer takes the place of a BAR in use, and the device that worked is cut off" in called.out
    assert "lost: old BAR 0: [0xe0000000-0xe01fffff] -> unassigned" in called.out


@pytest.mark.parametrize(
    ("number", "note"),
    [
        ("15", "so `run --without 15` shows nothing"),
        ("5", "; 2, 8, 9 and 11-14 have little to do then"),
        ("19", "; only platform"),
    ],
)
def test_run_says_where_a_patch_does_not_come_out_alone(
    theft: str, number: str, note: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever sees no difference learns why in the head."""
    head = call(capsys, "run", theft, "--rules", "v2", "--without", number).out.splitlines()[1]

    assert head.startswith(f"without {number}: ")
    assert note in head


def test_run_prints_what_is_inferred_under_v2(theft: str, capsys: pytest.CaptureFixture[str]) -> None:
    """And nothing of the sort under recorded rules."""
    ours, recorded = (call(capsys, "run", theft, "--rules", rules).out for rules in ("v2", "v9"))

    assert "inferred: sizes, ranges, order and addresses are v5's" in ours
    assert "inferred" not in recorded


def test_run_refuses_a_patch_that_is_not_there(theft: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything is played."""
    called = call(capsys, "run", theft, "--rules", "off", "--without", "6")

    message = "movsdk run: rules 'off' are the kernel without the series; take patch 6 out of v2, v5 or v9\n"
    assert (called.status, called.out, called.err) == (2, "", message)
