"""Deep mode: random histories, and the shortest failing one as a scenario that plays again."""

from __future__ import annotations

from pathlib import Path

import pytest

from movsdk import PciDev, PciId, PowerState
from movsdk.bench import reference
from movsdk.bench.force import Force
from movsdk.bench.player import Player
from movsdk.bench.scenario import EventSpec
from movsdk.bench.scenario_file import load
from movsdk.rescan.rules import by_name
from movsdk.testing.conformance import deep
from movsdk.testing.conformance.deep import DeepVerdict, deep_scenario, histories_of, reference_of
from movsdk.testing.conformance.subject import Subject
from tests.mutants.c37_one_flag import MODEL, OneFlag


def test_a_reference_driver_goes_well() -> None:
    """Whatever happens to it."""
    edu = reference.load("edu")
    subject = Subject.of(edu.driver, edu.model)

    verdict = histories_of(subject, deep_scenario(subject, edu.driver, edu.model), histories=5, steps=6)

    assert verdict == DeepVerdict(verdict.histories)
    assert verdict.histories >= 5


@pytest.fixture(scope="module")
def failing() -> DeepVerdict:
    subject = Subject.of(OneFlag, MODEL)
    return histories_of(subject, deep_scenario(subject, OneFlag, MODEL), histories=20, steps=8)


def test_a_failing_history_is_as_short_as_can_be(failing: DeepVerdict) -> None:
    """Two cards and their moves; nothing else is left."""
    assert failing.events[0] == "boot"
    assert 2 <= len(failing.events) <= 3
    assert "raised StaleMapping" in failing.broken[0]


def test_the_scenario_fails_again(failing: DeepVerdict, tmp_path: Path) -> None:
    """Played as `movsdk run` plays it."""
    path = tmp_path / "history.yaml"
    path.write_text(failing.scenario)

    (found,) = load(path)
    outcomes = list(Player(found.scenario, by_name("v9")).play())

    assert outcomes[-1].breaches.broken == failing.broken


class Sleeper(reference.load("edu").driver):  # type: ignore[misc]  # any class
    """Breaks down in the rescan after one through which it slept."""

    name = "sleeper"

    def probe(self, dev: PciDev, id: PciId) -> None:
        super().probe(dev, id)
        self.slept: set[PciDev] = getattr(self, "slept", set())
        self.asleep: set[PciDev] = getattr(self, "asleep", set())

    def suspend(self, dev: PciDev, state: int) -> None:
        super().rescan_prepare(dev)
        self.asleep.add(dev)

    def resume(self, dev: PciDev) -> None:
        self.asleep.discard(dev)
        super().rescan_done(dev)

    def rescan_prepare(self, dev: PciDev) -> None:
        if dev in self.asleep:
            self.slept.add(dev)
        elif dev in self.slept:
            raise KeyError(dev.name)
        else:
            super().rescan_prepare(dev)

    def rescan_done(self, dev: PciDev) -> None:
        if dev not in self.asleep:
            super().rescan_done(dev)


def test_a_history_is_made_simpler_too() -> None:
    """The card that came later is one that was there, and where any rescan will do, it is a rescan."""
    model = reference.load("edu").model
    scenario = deep_scenario(Subject.of(Sleeper, model), Sleeper, model)
    state = PowerState.D3HOT
    events = (
        EventSpec("boot"),
        EventSpec("wait", ms=20),
        EventSpec("plug", "card3"),
        EventSpec("hotadd", "port3"),
        EventSpec("suspend", "card3", state=state),
        EventSpec("force", "card1", force=Force()),
        EventSpec("resume", "card3"),
        EventSpec("force", "card2", force=Force()),
    )

    shortest = deep._shortened(scenario, deep._Failure(events, ("whatever",)), "v9")

    assert list(map(str, shortest.events)) == ["boot", "suspend card1", "rescan", "resume card1", "rescan"]
    assert "raised KeyError" in shortest.broken[0]


def test_how_a_scenario_names_a_class() -> None:
    """A reference driver by its name, everybody else by file and class."""
    assert reference_of(reference.load("gpu").driver) == "gpu"
    assert reference_of(OneFlag) == f"{Path(__file__).parents[2] / 'mutants' / 'c37_one_flag.py'}:OneFlag"


def test_a_driver_without_a_model_has_plain_registers() -> None:
    """As its BARs are declared."""

    class Plain(reference.load("edu").driver):  # type: ignore[misc]  # any class
        """No model."""

    scenario = deep_scenario(Subject.of(Plain, None, "0:mem32:1M"), Plain, None, "0:mem32:1M")

    assert [bar.size for spec in scenario.devices if spec.id == "card1" for bar in spec.bars] == [1 << 20]
