"""Enabling, in every version: what is done, in which order, and what is held meanwhile."""

from __future__ import annotations

import errno
from collections.abc import Callable, Hashable, Iterable

import pytest

from movsdk import points
from movsdk.bench.race_machine import RaceMachine
from movsdk.bench.race_scenario import RaceScenario
from movsdk.errors import BadInput, InvariantBroken, PciError
from movsdk.kernel.device import Device
from movsdk.kernel.enable import BASE, VARIANTS, EnableRules, disable_device, enable_device, set_master, store_enable
from movsdk.kernel.pcidev import view_of
from movsdk.layout.table import UNSET
from movsdk.pci_regs import COMMAND, COMMAND_MASTER, COMMAND_MEMORY

BOTH = COMMAND_MEMORY | COMMAND_MASTER
ALL = sorted(VARIANTS)


def machine(variant: str, bridges: int = 1) -> RaceMachine:
    """Two drives below so many bridges; nobody has enabled anything."""
    made = RaceMachine(RaceScenario(variant, bridges=bridges))
    made.reset()
    return made


def words(made: RaceMachine, act: Callable[[Device], object], label: str = "nvme0") -> list[str]:
    """What `act` announces, in the announcer's words."""
    found: list[str] = []

    def listen(label: str, reads: Iterable[Hashable], writes: Iterable[Hashable], guard: Callable[[], bool] | None) -> None:
        found.append(label)

    before = points.install(listen)
    made.announcer.listen()
    try:
        act(made.device(label))
    finally:
        points.install(before)
    return found


FIRST_CHILD = {
    "mainline": """nvme0.enable_cnt += 1 · R br0.enable_cnt · br0.enable_cnt += 1 · br0 R resources · R br0.COMMAND
        · W br0.COMMAND · R br0.COMMAND · W br0.COMMAND · W br0.is_busmaster · nvme0 R resources · R nvme0.COMMAND
        · W nvme0.COMMAND""",
    "v5": """lock nvme0.enable_mutex · R nvme0.enable_cnt · lock br0.enable_mutex · R br0.enable_cnt · R br0.enable_cnt
        · br0 R resources · R br0.COMMAND · W br0.COMMAND · br0.enable_cnt += 1 · R br0.COMMAND · W br0.COMMAND
        · W br0.is_busmaster · unlock br0.enable_mutex · nvme0 R resources · R nvme0.COMMAND · W nvme0.COMMAND
        · nvme0.enable_cnt += 1 · unlock nvme0.enable_mutex""",
    "v9": """nvme0.enable_cnt += 1 · lock br0.enable_mutex · R br0.enable_cnt · br0.enable_cnt += 1 · br0 R resources
        · R br0.COMMAND · W br0.COMMAND · R br0.COMMAND · W br0.COMMAND · W br0.is_busmaster · unlock br0.enable_mutex
        · nvme0 R resources · R nvme0.COMMAND · W nvme0.COMMAND""",
    "mutex-2017": """nvme0.enable_cnt += 1 · R br0.enable_cnt · lock pci_bridge_mutex · R br0.enable_cnt
        · br0.enable_cnt += 1 · br0 R resources · R br0.COMMAND · W br0.COMMAND · R br0.COMMAND · W br0.COMMAND
        · W br0.is_busmaster · unlock pci_bridge_mutex · nvme0 R resources · R nvme0.COMMAND · W nvme0.COMMAND""",
    "bits-first": """R nvme0.enable_cnt · R br0.enable_cnt · R br0.enable_cnt · br0 R resources · R br0.COMMAND
        · W br0.COMMAND · br0.enable_cnt += 1 · R br0.COMMAND · W br0.COMMAND · W br0.is_busmaster · nvme0 R resources
        · R nvme0.COMMAND · W nvme0.COMMAND · nvme0.enable_cnt += 1""",
    "all-writers": """lock nvme0.enable_mutex · nvme0.enable_cnt += 1 · lock br0.enable_mutex · R br0.enable_cnt
        · br0.enable_cnt += 1 · br0 R resources · R br0.COMMAND · W br0.COMMAND · R br0.COMMAND · W br0.COMMAND
        · W br0.is_busmaster · unlock br0.enable_mutex · nvme0 R resources · R nvme0.COMMAND · W nvme0.COMMAND
        · unlock nvme0.enable_mutex""",
}
SECOND_CHILD = {
    "mainline": """nvme1.enable_cnt += 1 · R br0.enable_cnt · R br0.is_busmaster · nvme1 R resources · R nvme1.COMMAND
        · W nvme1.COMMAND""",
    "v9": """nvme1.enable_cnt += 1 · lock br0.enable_mutex · R br0.enable_cnt · R br0.is_busmaster
        · unlock br0.enable_mutex · nvme1 R resources · R nvme1.COMMAND · W nvme1.COMMAND""",
    "v9+reenable": """nvme1.enable_cnt += 1 · lock br0.enable_mutex · R br0.enable_cnt · br0 R resources · R br0.COMMAND
        · R br0.is_busmaster · unlock br0.enable_mutex · nvme1 R resources · R nvme1.COMMAND · W nvme1.COMMAND""",
    "mutex-2017": "nvme1.enable_cnt += 1 · R br0.enable_cnt · nvme1 R resources · R nvme1.COMMAND · W nvme1.COMMAND",
}


def _split(text: str) -> list[str]:
    return [word.strip() for word in text.split("·")]


@pytest.mark.parametrize(("variant", "expected"), FIRST_CHILD.items())
def test_the_first_child_enables_its_bridge(variant: str, expected: str) -> None:
    """Every read and write of the count, COMMAND, the flag and where BARs are is a step of its own, in the order of the C."""
    made = machine(variant)

    assert words(made, enable_device) == _split(expected)


@pytest.mark.parametrize(("variant", "expected"), SECOND_CHILD.items())
def test_the_second_child_finds_it_enabled(variant: str, expected: str) -> None:
    """2017 does not even look; v9 waits for the mutex first; patch 16 reads COMMAND again."""
    made = machine(variant)
    enable_device(made.device("nvme0"))

    assert words(made, enable_device, "nvme1") == _split(expected)


@pytest.mark.parametrize("variant", ALL)
def test_one_after_the_other_all_versions_agree(variant: str) -> None:
    """The versions differ only when tasks meet: probed in turn, everything ends enabled and nobody holds a mutex."""
    made = machine(variant, bridges=3)
    for label in made.scenario.drives:
        view_of(made.device(label)).enable_device()
        set_master(made.device(label))

    for device in made.world.system.discovered:
        assert (device.row.enable_cnt, device.config_read(COMMAND, 2)) == (1, BOTH), device
        assert device.is_busmaster
    made.act(made.scenario.meanwhile[0])  # would wait for itself if a mutex were still held
    assert not made.oracles.misses


@pytest.mark.parametrize(
    ("variant", "counts"),
    [(variant, [1, 1, 0] if variant in ("v2", "v5") else [1, 2, 1]) for variant in ALL],
)
def test_enabling_nests_but_not_in_v5(variant: str, counts: list[int]) -> None:
    """enable, enable, disable leaves a user everywhere except in v2 to v8, where the second enable did not count."""
    device = machine(variant).device("nvme0")

    found = []
    for step in (enable_device, enable_device, disable_device):
        step(device)
        found.append(device.row.enable_cnt)

    assert found == counts


@pytest.mark.parametrize("variant", ALL)
def test_the_last_disable_ends_bus_mastering_and_nothing_else(variant: str) -> None:
    """Decode stays on, as ``pci_disable_device()`` leaves it; the bridge is not told."""
    made = machine(variant)
    device = made.device("nvme0")
    enable_device(device)
    set_master(device)

    disable_device(device)

    assert (device.row.enable_cnt, device.config_read(COMMAND, 2), device.is_busmaster) == (0, COMMAND_MEMORY, False)
    assert made.device("br0").config_read(COMMAND, 2) == BOTH


@pytest.mark.parametrize("variant", ALL)
def test_an_unassigned_bar_fails_the_enable_and_the_count_is_as_before(variant: str) -> None:
    """The bridge stays enabled; the message names the BAR; no mutex is left behind."""
    made = machine(variant)
    device = made.device("nvme0")
    device.resources[0].flags |= UNSET
    try:
        with pytest.raises(PciError, match=r"nvme0 .*: cannot enable, BAR 0 0x1000 bytes is not assigned") as caught:
            enable_device(device)
        with pytest.raises(PciError):
            enable_device(device)
    finally:
        device.resources[0].flags &= ~UNSET

    assert caught.value.errno == errno.EINVAL
    assert (device.row.enable_cnt, made.device("br0").row.enable_cnt) == (0, 1)


def test_the_mutex_of_2017_waits_for_itself_when_a_bridge_cannot_be_enabled() -> None:
    """The upper bridge fails and counts as not enabled, so enabling the lower one asks for the one mutex again."""
    made = machine("mutex-2017", bridges=2)
    window = made.device("br0").resources[8]
    window.flags |= UNSET
    try:
        with pytest.raises(InvariantBroken, match="pci_bridge_mutex: locked by the kernel while the kernel holds it"):
            enable_device(made.device("nvme0"))
    finally:
        window.flags &= ~UNSET


@pytest.mark.parametrize("variant", ["v5", "v9", "all-writers"])
def test_mutexes_are_taken_from_leaf_to_root(variant: str) -> None:
    """Each bridge is held while the one above it is taken, and released before the one below."""
    made = machine(variant, bridges=3)

    said = [word for word in words(made, enable_device) if "lock br" in word]

    order = [f"lock br{n}.enable_mutex" for n in (2, 1, 0)]
    assert said[:4] == [*order, "unlock br0.enable_mutex"]
    assert said[-1] == "unlock br2.enable_mutex"


@pytest.mark.parametrize(
    ("value", "enables", "number"),
    [
        pytest.param(1, 0, None, id="1 enables"),
        pytest.param(0, 1, None, id="0 disables"),
        pytest.param(0, 0, errno.EIO, id="0 to a disabled one"),
    ],
)
def test_the_sysfs_attribute(value: int, enables: int, number: int | None) -> None:
    """``enable`` counts like any user; undoing what nobody did is -EIO."""
    device = machine("mainline").device("br0")
    for _ in range(enables):
        enable_device(device)

    if number is None:
        store_enable(device, value)
        assert device.row.enable_cnt == value
    else:
        with pytest.raises(PciError, match="is not enabled; nothing to undo") as caught:
            store_enable(device, value)
        assert caught.value.errno == number


def test_the_sysfs_attribute_of_a_bound_device_is_busy() -> None:
    """A driver's device is not taken away under it."""
    made = machine("mainline")
    made.act(made.scenario.meanwhile[0])

    with pytest.raises(PciError, match="drive is bound; unbind it") as caught:
        store_enable(made.device("nvme0"), 0)
    assert caught.value.errno == errno.EBUSY


def test_rules_are_checked_at_the_door() -> None:
    """A misspelt field of the rules never reaches the code that asks it."""
    with pytest.raises(ValueError, match="mutex"):
        EnableRules(mutex="devices")
    with pytest.raises(BadInput, match="variant 'v3' is not known; there are mainline, v2, v5, v9"):
        RaceScenario("v3")
    assert VARIANTS["mainline"] == BASE
