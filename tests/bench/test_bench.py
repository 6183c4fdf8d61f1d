"""The bench, as a driver author holds it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from movsdk.bench.bench import Bench
from movsdk.errors import BadInput, HookFailed, PciError
from movsdk.kernel.pcidev import PciDev, device_of
from tests.bench.cards import Big, Crashing, Driver, Model, Refusing

Make = Callable[..., Bench]


# --- plugging --------------------------------------------------------------------------------------------
def test_the_shape_of_a_test(bench: Bench) -> None:
    """Twenty lines of driver, four of test: plug, move, and the registers are still there."""
    dev = bench.plug(Driver, Model)
    dev.drvdata.writel(7, 0)

    bench.force_move(dev, bar=0)

    assert dev.drvdata.readl(0) == 7
    assert bench.driver(dev).log == ["probe", "prepare", "done"]


def test_classes_and_instances_are_welcome(bench: Bench) -> None:
    """An instance is shared by its cards, a class is instantiated once."""
    driver, model = Driver(), Model()

    one, two = bench.plug(driver, model), bench.plug(driver, Model)

    assert bench.driver(one) is bench.driver(two) is driver
    assert bench.model(one) is model
    assert isinstance(bench.model(two), Model)
    assert bench.driver(bench.plug(Driver, Model)) is bench.driver(bench.plug(Driver, Model))


def test_each_card_has_a_port_of_its_own(bench: Bench) -> None:
    """The first free one, or the one that is named."""
    devs = [bench.plug(Driver, Model), bench.plug(Driver, Model, slot="port3"), bench.plug(Driver, Model)]
    assert [str(dev.slot_path) for dev in devs] == ["0000:01.0/00.0", "0000:03.0/00.0", "0000:02.0/00.0"]


@pytest.mark.parametrize(
    ("name", "labels"), [("nic", ["nic0", "nic1"]), ("e1000", ["e1000-0", "e1000-1"]), ("{x}", ["{x}0", "{x}1"])]
)
def test_a_card_is_called_by_its_driver_and_a_number(name: str, labels: list[str], bench: Bench) -> None:
    """A name that ends in a digit is set apart: e10000 might be the eleventh card of e100."""
    driver = type("Named", (Driver,), {"name": name})

    assert [device_of(bench.plug(driver, Model)).label for _ in range(2)] == labels


def test_no_port_is_free(make_bench: Make) -> None:
    """The message says how to get more."""
    bench = make_bench(ports=1)
    bench.plug(Driver, Model)

    with pytest.raises(BadInput, match=r"all 1 ports are taken; make Bench\(ports=2\) or remove a card"):
        bench.plug(Driver, Model)


@pytest.mark.parametrize("leave", [Bench.remove, Bench.pull])
def test_a_port_is_free_when_its_card_is_gone(leave: Callable[[Bench, PciDev], object], make_bench: Make) -> None:
    """Ports that never had a card come first; the next card has a name of its own, and the old one's silicon is still known."""
    bench = make_bench(ports=2)
    first = bench.plug(Driver, Model)
    leave(bench, first)

    later = [bench.plug(Driver, Model) for _ in range(2)]

    assert [dev.name for dev in (first, *later)] == ["0000:01:00.0", "0000:02:00.0", "0000:01:00.0"]
    assert [device_of(dev).label for dev in later] == ["driver1", "driver2"]
    assert bench.model(first) is not bench.model(later[1])
    leave(bench, later[0])
    assert bench.plug(Driver, Model, slot="port2").name == "0000:02:00.0"


def test_a_card_that_nobody_missed_keeps_its_port(make_bench: Make) -> None:
    """The kernel still has it."""
    bench = make_bench(ports=1)
    bench.pull(bench.plug(Driver, Model), told=False)

    with pytest.raises(BadInput, match="all 1 ports are taken"):
        bench.plug(Driver, Model)


def test_a_card_that_no_row_of_the_table_names(bench: Bench) -> None:
    """It would never be probed."""

    class Other(Model):
        """Another card."""

        device_id = 0x0002

    with pytest.raises(BadInput, match=r"driver driver does not serve this card: Other is 1234:0002 class 020000"):
        bench.plug(Driver, Other)


@pytest.mark.parametrize(
    ("driver", "error", "message"),
    [
        pytest.param(Refusing, PciError, "probe by refusing: rc=-5: broken card", id="PciError: what probe said"),
        pytest.param(Crashing, HookFailed, "probe raised KeyError", id="anything else is a bug"),
    ],
)
def test_a_probe_that_fails(bench: Bench, driver: type[Any], error: type[Exception], message: str) -> None:
    """The author hears what probe reported or raised; the device is there, unbound."""
    with pytest.raises(error, match=message):
        bench.plug(driver, Model)

    device = bench.world.find(f"{driver.name}0")
    assert device is not None
    assert device.driver is None


def test_a_card_that_gets_no_place(make_bench: Make) -> None:
    """probe reports it, and the bench passes it on."""
    bench = make_bench()
    bench.plug(Driver, Big)

    with pytest.raises(PciError, match=r"probe by driver: rc=-22: .*BAR 0 0x40000000 bytes is not assigned"):
        bench.plug(Driver, Big)


def test_what_probe_reported_leads_to_its_line(bench: Bench) -> None:
    """Text, line of the driver, and the exception itself as the cause."""
    with pytest.raises(PciError, match=r"probe by refusing: rc=-5: broken card \(at tests/bench/cards.py:\d+\)") as caught:
        bench.plug(Refusing, Model)

    assert str(caught.value.__cause__) == "[EIO] broken card"


def test_what_is_no_card_and_no_device_is_bad_input(bench: Bench) -> None:
    """The value is shown, and what to give instead."""
    with pytest.raises(BadInput, match=r"^5 is no card; give a DeviceModel class or instance"):
        bench.plug(Driver, 5)
    with pytest.raises(BadInput, match=r"^'port1' is no device; give the PciDev that plug\(\) returned"):
        bench.force_move("port1")  # type: ignore[arg-type]  # the slip that is tested


# --- going away ------------------------------------------------------------------------------------------
def test_an_orderly_removal(bench: Bench) -> None:
    """remove is called while the card still answers; then the power is off."""
    dev = bench.plug(Driver, Model)
    driver = bench.driver(dev)

    report = bench.remove(dev)

    assert (driver.log, report.op) == (["probe", "remove"], "remove")
    assert not bench.world.machine.function("driver0").present
    assert bench.world.find("driver0") is None


def test_a_surprise(make_bench: Make) -> None:
    """The slot tells the kernel, which removes the device; untold, it is all-ones until somebody looks."""
    bench = make_bench(faults="hardware")
    told, untold = bench.plug(Driver, Model), bench.plug(Driver, Model)

    bench.pull(told)
    bench.pull(untold, told=False)

    assert bench.world.find("driver0") is None
    assert untold.drvdata.readl(0) == 0xFFFF_FFFF
    assert bench.world.find("driver1") is not None


# --- the kernel ------------------------------------------------------------------------------------------
def test_a_rescan_pauses_everybody(bench: Bench) -> None:
    """All cards with hooks, moved or not."""
    devs = [bench.plug(Driver, Model) for _ in range(2)]

    report = bench.rescan()

    assert (report.op, report.paused, report.moves) == ("rescan", ("driver0", "driver1"), ())
    assert bench.driver(devs[0]).log[-2:] == ["done", "done"]


def test_every_event_is_judged_and_kept(bench: Bench) -> None:
    """`reports` in order, findings with the referee."""
    dev = bench.plug(Driver, Model)
    bench.rescan()
    bench.remove(dev)

    assert [report.op for report in bench.reports] == ["boot", "hotadd", "rescan", "remove"]
    assert bench.referee.findings == []


def test_hot_adding_by_hand(bench: Bench) -> None:
    """ENODEV where nothing is new; a port that does not exist is bad input."""
    assert bench.hotadd("port1").rc == -19
    with pytest.raises(BadInput, match="'port9' is not a port; there are port1 to port4"):
        bench.hotadd("port9")


def test_losing_a_bar(bench: Bench) -> None:
    """A rescan in which the BAR finds no place; the driver wakes without it."""
    dev = bench.plug(Driver, Model)

    with pytest.raises(HookFailed, match="BAR 0"):
        bench.lose_bar(dev, 0)

    assert device_of(dev).bar_span(0) is None
    assert [finding.rule for finding in bench.referee.findings] == ["E03"]


def test_a_hand_in_the_rescan(bench: Bench) -> None:
    """An action right before a named step, once, while inside."""
    dev, seen = bench.plug(Driver, Model), list[str]()

    with bench.before_step("release", lambda: seen.append("release")):
        bench.rescan()
        bench.rescan()
    bench.rescan()

    assert seen == ["release"]
    with pytest.raises(BadInput, match="a rescan with rules v9 has no step 'lunch'; it has wake, pause"):
        bench.before_step("lunch", lambda: None)
    assert dev.is_enabled


# --- its terms -------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("terms", "moves"),
    [
        ({}, True),
        ({"cmdline": "pci=no_movable_bars"}, False),
        ({"rules": "v2"}, True),
        ({"rules": "v2", "cmdline": "pcie_movable_bars=off"}, False),
        ({"rules": "v2", "platform": "powernv"}, False),
        ({"rules": "v2", "platform": "powernv", "cmdline": "pcie_movable_bars=force"}, True),
        ({"rules": "v9", "platform": "powernv"}, False),
        ({"platform": "generic"}, True),
    ],
)
def test_the_platform_and_the_command_line_decide_whether_bars_move(make_bench: Make, terms: dict[str, str], moves: bool) -> None:
    """As in a scenario; a driver is paused only where they do, and works in any case."""
    bench = make_bench(**terms)
    dev = bench.plug(Driver, Model)

    report = bench.rescan()

    assert (report.paused != (), bench.world.system.can_move_bars) == (moves, moves)
    dev.drvdata.writel(7, 0)
    assert (dev.drvdata.readl(0), list(bench.faults)) == (7, [])


def test_the_command_line_beats_the_reserve_and_what_it_cannot_do_is_said(make_bench: Make) -> None:
    """Word by word; the rest of the reserve stands."""
    bench = make_bench(cmdline="pci=hpmmiosize=16M,magic")

    port = next(device for device in bench.world.system.devices() if device.label == "port1")
    assert [window.size for window in port.row.windows[:2]] == [0x1000, 16 << 20]
    assert bench.warnings == ("command line: the kernel does not know magic in pci=, and only logs it",)


def test_a_platform_that_nobody_knows(make_bench: Make) -> None:
    """One line that names what there is."""
    with pytest.raises(BadInput, match="platform 'arm64' is not known; use one of x86, powernv, generic"):
        make_bench(platform="arm64")
