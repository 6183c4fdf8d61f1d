"""Announcements in words: names, values, locks, and one operation for what one access announces."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator

import pytest

from mockbus.footprint import MAP
from movsdk import points
from movsdk.bench.announce import Announcer
from movsdk.bench.race_machine import RaceMachine
from movsdk.bench.race_scenario import Act, RaceScenario
from movsdk.explore import explore
from movsdk.explore.footprint import Claim, Mark
from movsdk.explore.tasks import World
from movsdk.kernel.mutex import Mutex
from movsdk.pci_regs import COMMAND

Guard = Callable[[], bool] | None
Heard = list[tuple[str, Iterable[Hashable], Iterable[Hashable], Guard]]


@pytest.fixture
def machine() -> RaceMachine:
    made = RaceMachine(RaceScenario("all-writers"))
    made.reset()
    return made


@pytest.fixture
def heard(machine: RaceMachine) -> Iterator[Heard]:
    """What the explorer would hear of the machine: its operations."""
    found: Heard = []

    def listen(label: str, reads: Iterable[Hashable], writes: Iterable[Hashable], guard: Guard) -> None:
        if guard is not points.mentioned:
            found.append((label, reads, writes, guard))

    before = points.install(listen)
    machine.announcer.listen()
    yield found
    points.install(before)


def test_registers_and_counts_have_their_owners_name(machine: RaceMachine, heard: Heard) -> None:
    """``config_read`` says nothing; ``R br0.COMMAND`` does."""
    machine.act(Act("probe", "br0"))

    labels = [label for label, *_ in heard]
    assert labels[:4] == ["br0 probe", "lock br0.enable_mutex", "br0.enable_cnt += 1", "R br0.COMMAND"]
    assert labels[-1] == "unlock br0.enable_mutex"
    assert not any("config" in label for label in labels)


def test_other_registers_are_named_by_their_offset(machine: RaceMachine, heard: Heard) -> None:
    """Only COMMAND has a name here; its value is worth telling, theirs is not."""
    machine.device("br0").config_read(0x18, 4)

    assert [label for label, *_ in heard] == ["R br0.config 0x18"]


def test_one_access_is_one_operation(machine: RaceMachine, heard: Heard) -> None:
    """The driver says which register it means, silicon through what it goes: both belong to the one read."""
    machine.act(Act("probe", "nvme0"))

    accesses = [(label, set(reads), set(writes)) for label, reads, writes, _ in heard if "readl" in label]
    assert [label for label, *_ in accesses] == ["nvme0 readl BAR 0 + 0x0"]
    _, reads, writes = accesses[0]
    assert {("paused", "nvme0"), ("generation", "nvme0", 0), MAP, ("command", "br0"), ("command", "nvme0")} <= reads
    assert ("device", "nvme0") in writes


@pytest.mark.parametrize("covers", [False, True])
def test_what_a_device_fetches_its_driver_may_have_written(covers: bool) -> None:
    """Where state of drivers is not declared, a view that was taken long ago may be looked at in any step of theirs."""
    race = RaceMachine(RaceScenario("v9"))
    race.reset()
    heard: list[Hashable] = []
    before = points.install(lambda label, _reads, writes, _guard: heard.extend(writes) if label.startswith("DMA") else None)
    try:
        Announcer(race.world.machine, covers_drivers=covers).listen()
        race.act(Act("probe", "nvme0"))
    finally:
        points.install(before)

    assert (("hook", "nvme0") in heard, ("device", "nvme0") in heard) == (covers, True)


def test_the_sanitizers_second_look_is_no_step(machine: RaceMachine, heard: Heard) -> None:
    """After a read that nobody answered it asks whether the device is there; a driver that asks is heard."""
    machine.act(Act("probe", "nvme0"))
    machine.device("br0").config_write(COMMAND, 2, 0)
    heard.clear()

    machine.device("nvme0").drvdata.readl(0)
    machine.device("nvme0").config_read(0, 2)

    assert [label for label, *_ in heard] == ["nvme0 readl BAR 0 + 0x0", "R nvme0.config 0x0"]
    assert [miss.oracle for miss in machine.oracles.misses] == ["master abort"]


def test_kernel_mutexes_are_locks_to_the_explorer(machine: RaceMachine, heard: Heard) -> None:
    """Class and nesting level come along, so that the order of locks can be judged."""
    machine.act(Act("probe", "nvme0"))

    claims = {label: guard for label, _, _, guard in heard if isinstance(guard, Claim)}
    assert {label: (claim.mark.kind, claim.mark.nesting) for label, claim in claims.items()} == {
        "lock nvme0.enable_mutex": ("enable_mutex", 1),
        "lock br0.enable_mutex": ("enable_mutex", 0),
    }
    releases = [guard for label, _, _, guard in heard if label.startswith("unlock")]
    assert all(isinstance(guard, Mark) and guard.action == "release" for guard in releases)


def test_cells_that_are_looked_up_later_stay_so(heard: Heard) -> None:
    """Where an address leads may change until the operation happens."""

    class Live:
        now: tuple[Hashable, ...] = ("here",)

        def __iter__(self) -> Iterator[Hashable]:
            return iter(self.now)

    cells = Live()
    points.checkpoint("dma", cells, ())
    cells.now = ("there",)

    (_, reads, writes, _) = heard[0]
    assert (list(reads), list(writes)) == (["there"], [])


def test_checks_see_an_operation_when_its_turn_has_come(machine: RaceMachine) -> None:
    """After all that goes before it, not when it is announced."""
    order: list[str] = []
    announcer = Announcer(machine.world.machine, checks=[lambda label, reads, writes: order.append(f"check {label}")])

    def program(world: World) -> None:
        announcer.listen()
        for name in "ab":
            world.spawn(name, points.checkpoint, f"step {name}", (), ("cell",))

    order.clear()
    assert explore(program).runs == 2
    assert order[-2:] in (["check step a", "check step b"], ["check step b", "check step a"])


def test_lock_order_is_judged_across_bridges() -> None:
    """Root before leaf in one task, leaf before root in another: two levels of one class, in a circle."""
    scenario = RaceScenario("v9", bridges=2)
    machine = RaceMachine(scenario)
    outer, inner = (Mutex(f"br{n}.enable_mutex", kind="enable_mutex") for n in range(2))

    def take(*mutexes: tuple[Mutex, int]) -> None:
        for mutex, nesting in mutexes:
            mutex.lock(nesting=nesting)
        for mutex, _ in reversed(mutexes):
            mutex.unlock()

    def program(world: World) -> None:
        machine.announcer.listen()
        outer.owner = inner.owner = None
        world.spawn("enable", take, (inner, 1), (outer, 0))
        world.spawn("rescan", take, (outer, 0), (inner, 1))

    result = explore(program)

    assert result.verdict == "failed"
    assert result.failure is not None
    assert result.failure.name in ("lock order", "deadlock")
    assert "enable_mutex/1 -> enable_mutex" in result.failure.message or "held by" in result.failure.message
