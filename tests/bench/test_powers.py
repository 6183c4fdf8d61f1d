"""The power tools: each does to the device what it says, in an ordinary rescan, and nothing beyond it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from drivers.gpu.driver import Gpu
from drivers.gpu.model import GpuModel
from drivers.nvme.driver import Nvme
from drivers.nvme.model import NvmeModel
from movsdk.bench.bench import Bench
from movsdk.bench.force import FORCE_KEYS, Force
from movsdk.errors import BadInput, HookFailed, PciError
from movsdk.hooks import PciId
from movsdk.kernel.pcidev import PciDev, device_of
from movsdk.pci_regs import PowerState


class Recorder(Edu):
    """Notes which hook was called on which card."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def rescan_prepare(self, dev: PciDev) -> None:
        self.calls.append(f"prepare {device_of(dev).label}")
        super().rescan_prepare(dev)

    def rescan_done(self, dev: PciDev) -> None:
        self.calls.append(f"done {device_of(dev).label}")
        super().rescan_done(dev)


def place(dev: PciDev, bar: int = 0) -> int:
    """Where a BAR is."""
    return dev.resource_start(bar)


# --- BARs ------------------------------------------------------------------------------------------------
def test_all_bars_are_forced_where_none_is_named(bench: Bench) -> None:
    """And the device works on."""
    dev = bench.plug(Gpu, GpuModel())

    report = bench.force(dev)

    assert {move.bar for move in report.moves} == {0, 2}
    bench.run_io(dev)
    assert not bench.faults


@pytest.mark.parametrize("rules", ["v9", "v5"])
def test_the_same_place(make_bench: Callable[..., Bench], rules: str) -> None:
    """Paused and resumed, though an ordinary rescan would have packed the BAR to the front."""
    bench = make_bench(rules=rules)
    dev = bench.plug(Edu, EduModel)
    bench.force_move(dev)

    kept = bench.force_same(dev)
    packed = bench.rescan()

    assert (kept.moves, kept.paused) == ((), ("edu0",))
    assert [move.bar for move in packed.moves] == [0]


def test_a_shrunk_bar_is_small_for_everybody(bench: Bench) -> None:
    """Silicon, sizing by ones, the kernel's table and the driver agree on the half; the device moves and works."""
    dev = bench.plug(Edu, EduModel)

    report = bench.force(dev, shrink=0)

    assert dev.resource_len(0) == 512 * 1024
    assert bench.world.machine.function("edu0").bars[0].spec.size == 512 * 1024
    assert [move.new.size for move in report.moves if move.new] == [512 * 1024]
    assert dev.drvdata.size == 512 * 1024
    bench.run_io(dev)
    bench.rescan()
    assert not bench.faults


def test_a_bar_can_shrink_where_it_is(bench: Bench) -> None:
    """No move is needed for it."""
    dev = bench.plug(Edu, EduModel)
    before = place(dev)

    bench.force(dev, bars=(), shrink=0)

    assert (dev.resource_len(0), place(dev)) == (512 * 1024, before)


def test_one_bar_is_lost_and_the_other_moves(make_bench: Callable[..., Bench]) -> None:
    """In one rescan; the driver says which one it misses."""
    bench = make_bench(strict=False)
    dev = bench.plug(Gpu, GpuModel())
    before = place(dev, 0)

    bench.force(dev, lose=2)

    assert place(dev, 0) != before
    assert device_of(dev).bar_span(2) is None
    assert "BAR 2" in str(bench.failures[0])


# --- state -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("how", ["model", "power"])
@pytest.mark.parametrize(("driver", "model"), [(Edu, EduModel), (Gpu, GpuModel), (Nvme, NvmeModel)])
def test_state_lost_while_paused(bench: Bench, driver: Any, model: Any, how: str) -> None:
    """Every reference driver starts its device anew, whether it was reset or its power was cut."""
    dev = bench.plug(driver, model())
    resets: list[object] = []
    silicon = bench.model(dev)
    reset = silicon.reset

    def noted() -> None:
        resets.append(device_of(dev).is_paused)
        reset()

    silicon.reset = noted

    bench.force(dev, reset=how)

    assert True in resets
    bench.run_io(dev)
    assert not bench.faults


def test_power_takes_what_is_in_memory(bench: Bench) -> None:
    """A reset of the model leaves VRAM, a power cut does not."""
    dev = bench.plug(Gpu, GpuModel())
    bench.driver(dev).draw(dev, b"\x55" * 64)

    bench.force(dev, reset="model")
    kept = bench.driver(dev).read_picture(dev)[:4]
    bench.force(dev, reset="power")

    assert kept == b"\x55" * 4
    assert bench.driver(dev).read_picture(dev)[:4] != kept


def test_pulled_in_the_middle(make_bench: Callable[..., Bench]) -> None:
    """Its hook finds it gone; nobody has told the kernel."""
    bench = make_bench(strict=False, faults="hardware")
    dev = bench.plug(Gpu, GpuModel())

    bench.force(dev, pull="bridges")

    assert bench.world.find("gpu0") is not None
    assert "was it pulled?" in str(bench.failures[0])


# --- interrupts ------------------------------------------------------------------------------------------
def test_fewer_vectors_at_another_address(bench: Bench) -> None:
    """What the driver asks for after the move is cut; its messages go to another CPU, and arrive."""
    dev = bench.plug(Nvme, NvmeModel())
    before = len(dev.held.vectors)

    bench.force(dev, vectors=1)

    assert (before > 1, len(dev.held.vectors)) == (True, 1)
    count = dev.held.vectors[0].count
    bench.run_io(dev)
    assert dev.held.vectors[0].count > count


class KeepsVectors(Edu):
    """Allocates its vector once, at probe."""

    name = "keeper"

    def _stop(self, dev: PciDev) -> None:
        dev.drvdata.iounmap()
        dev.release_regions()

    def rescan_done(self, dev: PciDev) -> None:
        dev.request_regions(self.name)
        dev.drvdata = dev.iomap(0)


def test_vectors_that_are_kept_get_the_new_address(bench: Bench) -> None:
    """The core writes it, as when an interrupt is moved to another CPU."""
    dev = bench.plug(KeepsVectors, EduModel)
    msi = dev.find_capability(0x05)
    before = dev.read_config_dword(msi + 4)

    bench.force(dev, vectors=1)

    assert dev.read_config_dword(msi + 4) == before ^ 0x1000
    count = dev.held.vectors[0].count
    bench.run_io(dev)
    bench.run(1)
    assert dev.held.vectors[0].count > count


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

    assert len(bench.reports) == reports + 2
    assert driver.calls == ["prepare edu0", "done edu0"] * 2
    bench.run_io(dev)


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


# --- refusals --------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"bar": 0}, "force knows no 'bar'; it knows bars, lose, shrink"),
        ({"bars": 0, "lose": 0}, "edu0 (0000:01:00.0): BAR 0 cannot both be moved and be lost"),
        ({"bars": 3}, "edu0 (0000:01:00.0): BAR 3 has no place to be moved from; assigned are [0]"),
        ({"lose": 3}, "BAR 3 has no place"),
        ({"shrink": 3}, "BAR 3 has no place"),
        ({"reset": "hammer"}, "state can be lost by model or power, not by 'hammer'"),
        ({"vectors": 0}, "at most 0 interrupt vectors; leave it 1"),
        ({"fails": "readl"}, "'readl' cannot be made to fail; these can: enable_device, request_regions, iomap"),
        ({"pull": "lunch"}, "a rescan with rules v9 has no step 'lunch'; it has wake, pause"),
        ({"again": "lunch"}, "a rescan with rules v9 has no step 'lunch'"),
        ({"order": ["nobody"]}, "order: the kernel knows no device 'nobody'; it knows port1"),
    ],
)
def test_what_cannot_be_done_is_refused(bench: Bench, words: dict[str, Any], message: str) -> None:
    """One line, no rescan, and no hand left in the machine."""
    dev = bench.plug(Edu, EduModel)
    reports, before = len(bench.reports), bench.world.engine.before_step

    with pytest.raises(BadInput) as refused:
        bench.force(dev, **words)

    assert message in str(refused.value)
    assert (len(bench.reports), bench.world.engine.before_step) == (reports, before)


def test_a_bar_cannot_lose_its_interrupt_table(bench: Bench) -> None:
    """The upper half of a drive's BAR holds it."""
    dev = bench.plug(Nvme, NvmeModel())

    with pytest.raises(BadInput, match="BAR 0 cannot shrink to 0x2000 bytes, its MSI-X table lies behind that"):
        bench.force(dev, shrink=0)


def test_without_movement_there_is_no_pause(make_bench: Callable[..., Bench]) -> None:
    """Rules `off`."""
    bench = make_bench(rules="off")
    dev = bench.plug(Edu, EduModel)

    with pytest.raises(BadInput, match="nobody is paused with rules 'off'; use v9, v5 or v2"):
        bench.force(dev, bars=(), reset="model")


class Hookless:
    """No rescan hooks."""

    name = "hookless"
    id_table = (PciId(0x1234, 0x11E8),)

    def probe(self, dev: PciDev, id: PciId) -> None: ...


def test_hooks_that_are_not_there_are_not_called(bench: Bench) -> None:
    """The message says which."""
    with pytest.raises(BadInput, match=r"its driver has no rescan_done\(\) to be called"):
        bench.call_hooks(bench.plug(Hookless, EduModel), "rescan_done")


def test_a_hook_that_raises_anything_else_comes_through(bench: Bench) -> None:
    """A refusal is a `PciError`; the rest is a bug."""

    class Broken(Edu):
        name = "broken"

        def rescan_done(self, dev: PciDev) -> None:
            raise ValueError("no")

    dev = bench.plug(Broken, EduModel)
    with pytest.raises(ValueError, match="no"):
        bench.call_hooks(dev, "rescan_done")
    with pytest.raises(HookFailed):
        bench.rescan()


# --- the value -------------------------------------------------------------------------------------------
def test_a_force_says_only_what_it_does() -> None:
    """Words in, words out; single BARs may be numbers."""
    words: dict[str, Any] = {"bars": [0, 2], "reset": "power", "vectors": 1}

    assert Force.of(words).plain() == words
    assert Force.of({"bars": 0, "shrink": [2]}) == Force(bars=(0,), shrink=(2,))
    assert Force().plain() == {}
    assert Force.of({"bars": []}).plain() == {"bars": []}
    assert set(FORCE_KEYS) >= set(words)


def test_a_card_is_pulled_with_all_its_functions(bench: Bench) -> None:
    """Told or not; removing takes one function only."""
    for told in (True, False):
        first, second = bench.plug_functions((Edu, EduModel), (Edu, EduModel))
        labels = [device_of(dev).label for dev in (first, second)]
        bench.pull(second, told=told)
        assert [bench.world.machine.function(label).present for label in labels] == [False, False]
        assert [bench.world.find(label) is None for label in labels] == [told, told]
