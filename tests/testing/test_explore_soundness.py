""" "Proved" must not be false on the real bus: what is lost when a cell of silicon or of a driver's own state is left out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mockbus import BarKind, BarSpec, DeviceModel, Pm, footprint
from movsdk import PciDev, PciId
from movsdk.bench.bench import Bench
from movsdk.explore import Result, World, explore
from movsdk.kernel.pcidev import view_of
from movsdk.pci_regs import BASE_ADDRESS_0, MEMORY_BASE, PowerState
from movsdk.points import checkpoint
from movsdk.testing.tasks import Tasks


class Card(DeviceModel):
    """Registers that read 1."""

    vendor_id, device_id, class_code = 0x6D76, 0x0003, 0x00FF00
    bars = (BarSpec(0, BarKind.MEM32, 0x1000),)
    capabilities = (Pm(),)

    def read(self, bar: int, offset: int, size: int) -> int:
        return 1


class Driver:
    """Movable; `is_busy` is a flag that nobody declares."""

    name, id_table = "card", (PciId(0x6D76, 0x0003),)
    is_busy = False

    def probe(self, dev: PciDev, id: PciId) -> None:
        dev.enable_device()
        dev.drvdata = dev.iomap(0)

    def remove(self, dev: PciDev) -> None:
        dev.disable_device()

    def rescan_prepare(self, dev: PciDev) -> None:
        self.is_busy = True
        dev.iounmap(dev.drvdata)

    def rescan_done(self, dev: PciDev) -> None:
        dev.drvdata = dev.iomap(0)
        self.is_busy = False

    def look(self, dev: PciDev) -> None:
        """What a user's request would do: something that is allowed at any time, and then a look at the flag."""
        checkpoint("a request begins")
        if self.is_busy:
            raise RuntimeError("a request in the middle of a rescan")


def explored(set_up: Callable[[Tasks, Bench, list[PciDev]], object], **terms: Any) -> Result:
    """Explore tasks on a bench with two cards, new for every run."""

    def program(world: World) -> None:
        tasks, bench = Tasks(world), Bench(faults="hardware", strict=False)
        cards = [bench.plug(Driver, Card()) for _ in range(2)]
        tasks.watch(bench, **terms)
        set_up(tasks, bench, cards)

    return explore(program, shorten=False)


def without(monkeypatch: pytest.MonkeyPatch, cell: tuple[str, ...]) -> None:
    """Let accesses forget one of the cells they read."""
    whole = footprint.of_access

    def forgetful(*where: Any, **how: Any) -> tuple[footprint.Cells, footprint.Cells]:
        reads, writes = whole(*where, **how)
        return [one for one in reads if one != cell], writes

    monkeypatch.setattr(footprint, "of_access", forgetful)


def _another_bar_claims_the_address(tasks: Tasks, bench: Bench, cards: list[PciDev]) -> None:
    one, other = cards
    address, ports = one.resource_start(0), [bench.world.find(f"port{n}") for n in (1, 2)]
    first, second = (view_of(port) for port in ports if port is not None)
    second.write_config_dword(MEMORY_BASE, first.read_config_dword(MEMORY_BASE))
    tasks.spawn("read", lambda: one.drvdata.readl(0))
    tasks.spawn("write", lambda: other.write_config_dword(BASE_ADDRESS_0, address))


def _its_port_goes_to_sleep(tasks: Tasks, bench: Bench, cards: list[PciDev]) -> None:
    def sleep() -> None:
        checkpoint("port1 goes to sleep")
        bench.world.machine.function("port1").set_power(PowerState.D3HOT)

    tasks.spawn("read", lambda: cards[0].drvdata.readl(0))
    tasks.spawn("sleep", sleep)


def _it_is_pulled(tasks: Tasks, bench: Bench, cards: list[PciDev]) -> None:
    tasks.spawn("read", lambda: cards[0].drvdata.readl(0))
    tasks.spawn("pull", lambda: bench.pull(cards[0], told=False))


@pytest.mark.parametrize(
    ("set_up", "cell", "failure"),
    [
        pytest.param(_another_bar_claims_the_address, footprint.MAP, "two decoders", id="decode map"),
        pytest.param(_its_port_goes_to_sleep, footprint.POWER, "MMIO to a sleeping device", id="power state"),
        pytest.param(_it_is_pulled, footprint.POWER, "MMIO to an absent device", id="presence"),
    ],
)
def test_an_access_reads_what_decides_who_answers(
    set_up: Callable[[Tasks, Bench, list[PciDev]], object],
    cell: tuple[str, ...],
    failure: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A register read depends on whatever may make somebody else answer, or nobody; without that cell the bug is lost."""
    found = explored(set_up).failure
    assert found is not None
    assert found.name == failure

    without(monkeypatch, cell)
    assert explored(set_up).verdict == "proved"


def _a_request_meets_a_rescan(tasks: Tasks, bench: Bench, cards: list[PciDev]) -> None:
    tasks.spawn("look", bench.driver(cards[0]).look, cards[0])
    tasks.spawn("rescan", lambda: bench.force_move(cards[0], bar=0))


def test_undeclared_state_of_a_driver_is_a_cell_of_its_device() -> None:
    """A flag that a hook sets and a request reads is nobody's announcement; said to be declared, the bug is lost."""
    found = explored(_a_request_meets_a_rescan).failure
    assert found is not None
    assert (found.name, found.message) == ("RuntimeError", "a request in the middle of a rescan")

    assert explored(_a_request_meets_a_rescan, is_declared=True).verdict == "proved"


def test_what_the_bench_does_is_not_a_drivers_code() -> None:
    """A rescan of a device is the kernel's: only its hooks touch the driver's state. Else every config cycle would count."""

    def set_up(tasks: Tasks, bench: Bench, cards: list[PciDev]) -> None:
        tasks.spawn("look", bench.driver(cards[0]).look, cards[0])
        tasks.spawn("rescan", bench.force_move, cards[0])

    found = explored(set_up).failure
    assert found is not None
    assert ("begin look" in found.timeline, "begin rescan" in found.timeline) == (True, False)
