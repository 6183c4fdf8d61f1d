"""I/O in flight while an event happens."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import define, evolve, field

from movsdk.bench import load
from movsdk.bench.place import Place
from movsdk.bench.player import Player
from movsdk.bench.scenario import BridgeSpec, EndpointSpec, EventSpec, Load, Scenario
from movsdk.bench.scenario_schema import parse
from movsdk.errors import BadInput, InvariantBroken
from movsdk.kernel.device import Device
from movsdk.rescan.rules import V9

PLACE = Place("m.yaml")
MACHINE = parse(
    {
        "windows": [{"type": "mem", "start": "0xe0000000", "last": "0xefffffff"}],
        "devices": [
            {"id": "port", "slot": "01.0", "kind": "bridge", "driver": "port", "pcie": "root-port"},
            {"id": "disk", "on": "port", "slot": "00.0", "driver": "nvme", "load": True},
            {"id": "card", "slot": "02.0", "driver": "edu"},
        ],
    }
)


def busy_device(player: Player, label: str, target: object) -> Device:
    """A bound device, whose driver is now `target`."""
    device = player.world.find(label)
    assert device is not None
    assert device.driver is not None
    device.driver = evolve(device.driver, target=target)
    return device


@pytest.fixture
def player() -> Player:
    """The machine after boot."""
    player = Player(MACHINE, V9)
    player.step(EventSpec("boot"))
    return player


@define
class Endless:
    """A load as `start_load` returns it."""

    problems: list[str] = field(factory=list)
    is_running: bool = True

    def stop(self) -> None:
        self.is_running = False
        self.problems.append("request 3: never answered")

    def summary(self) -> str:
        return "9 requests"


class Starts:
    """A driver with `start_load`."""

    def __init__(self) -> None:
        self.terms: dict[str, int] = {}
        self.running = Endless()

    def start_load(self, dev: Any, **terms: int) -> Endless:
        self.terms = terms
        return self.running


class Exercises:
    """A driver with only `exercise`; `error` is what it raises."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error, self.rounds = error, 0

    def exercise(self, dev: Any) -> None:
        self.rounds += 1
        if self.error is not None:
            raise self.error


def test_start_load_gets_the_terms_and_is_stopped(player: Player) -> None:
    """What it says of its requests is passed on."""
    driver = Starts()
    busy = load.start(busy_device(player, "card", driver), Load(reads=1, writes=2, size=512))
    assert driver.running.is_running

    busy.end()

    assert driver.terms == {"reads": 1, "writes": 2, "size": 512}
    assert (driver.running.is_running, busy.summary, busy.problems) == (False, "9 requests", ("request 3: never answered",))


class Short:
    """No more than what a driver must offer."""

    problems = ("request 1: lost",)

    def stop(self) -> None:
        """Nothing to stop."""


@pytest.mark.parametrize(
    ("running", "told"),
    [(Short(), ("request 1: lost",)), (7, ("start_load() returned int, which has not stop() and problems",))],
    ids=["no summary", "no load at all"],
)
def test_a_load_needs_no_summary_but_stop_and_problems(player: Player, running: Any, told: tuple[str, ...]) -> None:
    """Without one, the problems are counted; what is no load is a problem itself."""
    driver = Starts()
    driver.running = running
    busy = load.start(busy_device(player, "card", driver), Load(reads=1, writes=1, size=512))

    busy.end()

    assert len(busy.problems) == 1
    assert busy.problems[0].endswith(told[0])
    assert busy.summary


def test_a_driver_without_is_exercised_before_and_after(player: Player) -> None:
    """Twice, unless it was unbound meanwhile."""
    driver = Exercises()
    device = busy_device(player, "card", driver)
    busy = load.start(device, Load())
    busy.end()
    assert (driver.rounds, busy.summary, busy.problems) == (2, "rounds of exercise: 2, in vain: 0", ())

    busy = load.start(device, Load())
    device.driver = None
    busy.end()
    assert (driver.rounds, busy.summary) == (3, "rounds of exercise: 1, in vain: 0")


def test_what_a_driver_raises_is_a_problem_with_its_line(player: Player) -> None:
    """The event goes on. An invariant of ours is not the driver's problem."""
    busy = load.start(busy_device(player, "card", Exercises(OSError("wrong data"))), Load())
    busy.end()

    first, second = busy.problems
    assert first.startswith("exercise 1 raised OSError at tests/bench/test_load.py:") or "/tests/bench/test_load.py:" in first
    assert second.endswith(": wrong data")
    with pytest.raises(InvariantBroken):
        load.start(busy_device(player, "card", Exercises(InvariantBroken("ours"))), Load())


def test_a_device_whose_driver_does_no_io_is_refused(player: Player) -> None:
    """Where a scenario slipped past the check."""
    with pytest.raises(BadInput, match=r"its driver has neither start_load\(\) nor exercise\(\), so `load` has nothing to do"):
        load.start(busy_device(player, "card", object()), Load())


# --- in a scenario -----------------------------------------------------------------------------------------
def test_load_runs_during_every_event_once_the_device_is_bound() -> None:
    """Not during boot, when nobody drives it yet; `io` by hand is for one device."""
    scenario = evolve(MACHINE, events=(EventSpec("boot"), EventSpec("rescan"), EventSpec("io", "card", Load(reads=1))))

    boot, rescan, io = Player(scenario, V9).play()

    assert boot.io == ()
    assert [line.split(":")[0] for line in rescan.io] == ["I/O on disk"]
    assert io.io == ("I/O on card: rounds of exercise: 2, in vain: 0",)
    assert [outcome.breaches.broken for outcome in (boot, rescan, io)] == [(), (), ()]


def machine(**card: Any) -> Scenario:
    return Scenario(windows=(), devices=(BridgeSpec(id="port", slot="01.0"), EndpointSpec(id="card", slot="02.0", **card)))


@pytest.mark.parametrize("driver", ["edu", "gpu", "legacy", "nvme"])
def test_reference_drivers_do_io(driver: str) -> None:
    """All that drive an endpoint."""
    load.check_loads(machine(driver=driver, load=Load()), PLACE)


@pytest.mark.parametrize("driver", ["none", "movable", "fixed", "portlike", "mixed"])
def test_recorded_drivers_do_none(driver: str) -> None:
    """They only enable their device; the place of the key is told before anything is played."""
    with pytest.raises(BadInput) as caught:
        load.check_loads(machine(driver=driver, load=Load()), PLACE)

    assert str(caught.value) == (
        f'm.yaml: devices[1].load: driver "{driver}" has neither start_load() nor exercise(), so it does no I/O; '
        "use nvme or your own"
    )
    with pytest.raises(BadInput, match=rf'm.yaml: events: io "card": driver "{driver}" has neither'):
        load.check_loads(evolve(machine(driver=driver), events=(EventSpec("io", "card"),)), PLACE)
