"""The power tools over hooks: their order, their calls, out of turn; a second rescan; a machine that sleeps."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from drivers.gpu.driver import Gpu
from drivers.gpu.model import GpuModel
from drivers.nvme.driver import Nvme
from drivers.nvme.model import NvmeModel
from movsdk.bench.bench import Bench
from movsdk.errors import BadInput, PciError
from movsdk.kernel.pcidev import PciDev, device_of
from movsdk.pci_regs import PowerState


class Recorder(Edu):
    """Notes which hook was called on which card."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []

    def rescan_prepare(self, dev: PciDev) -> None:
        self.calls.append(f"prepare {device_of(dev).label}")
        super().rescan_prepare(dev)

    def rescan_done(self, dev: PciDev) -> None:
        self.calls.append(f"done {device_of(dev).label}")
        super().rescan_done(dev)


# --- hooks -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("order", [("edu0", "edu1", "edu2"), ("edu2", "edu0", "edu1"), ("edu2",)])
def test_the_order_of_cards(bench: Bench, order: tuple[str, ...]) -> None:
    """Two hooks each, in the order asked for; who is not named comes behind, and the next rescan is as ever."""
    driver = Recorder()
    cards = {f"edu{number}": bench.plug(driver, EduModel) for number in range(3)}
    driver.calls.clear()
    told = [*order, *(label for label in cards if label not in order)]

    bench.force(cards["edu0"], order=order)
    forced = driver.calls.copy()
    driver.calls.clear()
    bench.rescan()

    assert forced == [*(f"prepare {label}" for label in told), *(f"done {label}" for label in told)]
    assert driver.calls[:3] == ["prepare edu0", "prepare edu1", "prepare edu2"]


def test_the_order_of_the_functions_of_one_card(bench: Bench) -> None:
    """A card with two functions, told in either order; devices may be named instead of labels."""
    driver = Recorder()
    first, second = bench.plug_functions((driver, EduModel), (driver, EduModel), slot="port2")
    driver.calls.clear()

    bench.force(first, order=[second, first])

    assert (first.name, second.name) == ("0000:02:00.0", "0000:02:00.1")
    assert driver.calls == ["prepare edu1", "prepare edu0", "done edu1", "done edu0"]
    bench.run_io(first)
    bench.run_io(second)
    bench.remove(second)
    bench.run_io(first)


@pytest.mark.parametrize("call", ["request_regions", "iomap", "alloc_irq_vectors", "request_irq"])
def test_a_call_that_fails_in_done(make_bench: Callable[..., Bench], call: str) -> None:
    """Only there, only for this card, and only inside."""
    bench = make_bench(strict=False)
    dev, other = bench.plug(Edu, EduModel), bench.plug(Edu, EduModel)

    with bench.failing(dev, call):
        bench.force_move(other)
    bench.run_io(other)

    assert [f"{call}() failed, out of memory" in str(failure) for failure in bench.failures] == [True]
    assert device_of(dev).is_gone
    bench.remove(dev)
    bench.run_io(bench.plug(Edu, EduModel))


def test_hooks_out_of_turn(bench: Bench) -> None:
    """Called as often as named; the card is paused afterwards only if prepare came last."""
    driver = Recorder()
    dev = bench.plug(driver, EduModel)

    bench.call_hooks(dev, "rescan_prepare", "rescan_prepare")
    paused = device_of(dev).is_paused
    bench.call_hooks(dev, "rescan_done")

    assert driver.calls == ["prepare edu0", "prepare edu0", "done edu0"]
    assert (paused, device_of(dev).is_paused) == (True, False)
    bench.run_io(dev)


def test_a_second_rescan_waits_for_the_first(bench: Bench) -> None:
    """Asked for in its middle, it follows as soon as time passes; both are reported."""
    driver = Recorder()
    dev = bench.plug(driver, EduModel)
    reports = len(bench.reports)
    driver.calls.clear()

    bench.force(dev, again="attempts")

    assert [len(report.moves) for report in bench.reports[reports:]] == [1, 0]
    assert driver.calls == ["prepare edu0", "done edu0"] * 2
    bench.run_io(dev)


class Recovers(Recorder):
    """Lets rescan_done start the card, if a rescan is under way."""

    name = "recovers"

    def error_detected(self, dev: PciDev, state: int) -> None:
        self.calls.append(f"error {state}")

    def slot_reset(self, dev: PciDev) -> None:
        self.calls.append(f"reset, {as_config_says(dev)}")


def as_config_says(dev: PciDev) -> str:
    """Where config space says that BAR 0 is, and whether it decodes."""
    return f"{dev.read_config_dword(0x10):#x} {dev.read_config_word(4) & 2}"


def test_an_error_of_the_link_while_paused(bench: Bench) -> None:
    """Both hooks between prepare and done; config space is back, with the BAR where it is by then."""
    driver = Recovers()
    dev = bench.plug(driver, EduModel)
    bench.run_io(dev)
    driver.calls.clear()

    bench.force(dev, recover="resume")

    assert driver.calls == ["prepare recovers0", "error 2", f"reset, {dev.resource_start(0):#x} 2", "done recovers0"]
    bench.run_io(dev)
    assert not bench.faults


def test_who_cannot_recover_cannot_be_asked_to(bench: Bench) -> None:
    """Both hooks are needed."""
    with pytest.raises(BadInput, match=r"has no error_detected\(\) and slot_reset\(\), so nothing recovers it"):
        bench.force(bench.plug(Edu, EduModel), recover="bridges")


# --- sleep -----------------------------------------------------------------------------------------------
def test_the_machine_sleeps_and_wakes(bench: Bench) -> None:
    """Every card that can goes to D3hot, moves meanwhile, and works again; one without power management is only told."""
    gpu, drive = bench.plug(Gpu, GpuModel()), bench.plug(Nvme, NvmeModel())

    rc = bench.sleep()
    states = [device_of(dev).current_state for dev in (gpu, drive)]
    bench.force_move(gpu, bars=(0, 2))
    woken = bench.wake()

    assert (rc, states, woken) == (0, [PowerState.D3HOT] * 2, 0)
    for dev in (gpu, drive):
        assert device_of(dev).current_state == PowerState.D0
        bench.run_io(dev)


class Stubborn(Edu):
    """Does not want to sleep."""

    name = "stubborn"

    def suspend(self, dev: PciDev, state: int) -> None:
        raise PciError(16, f"{dev}: busy")

    def resume(self, dev: PciDev) -> None:
        raise AssertionError("it was never suspended")


def test_one_that_refuses_keeps_all_awake(bench: Bench) -> None:
    """Those that slept already are woken."""
    stubborn, gpu = bench.plug(Stubborn, EduModel), bench.plug(Gpu, GpuModel())

    rc = bench.sleep()

    assert rc == -16
    bench.run_io(gpu)
    bench.run_io(stubborn)
