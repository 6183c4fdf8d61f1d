"""Interrupts: which kind a device gets, who hears it, and what is wrong about one that comes too late."""

from __future__ import annotations

import errno

import pytest

from movsdk.errors import ContractError, PciError
from movsdk.kernel.irq import FIRST_NUMBER, IrqDomain
from movsdk.pci_regs import PowerState
from movsdk.trace import What
from tests.kernel.rig import Card, MsiCard, PinCard, Rig, listen, raise_irq, ready


def domain(rig: Rig) -> IrqDomain:
    """The rig's interrupt domain."""
    assert rig.system.irq is not None
    return rig.system.irq


@pytest.mark.parametrize(
    ("card", "wanted", "got", "kind"),
    [
        pytest.param(Card, (1, 8), 4, "msix", id="MSI-X first"),
        pytest.param(Card, (2, 3), 3, "msix", id="MSI-X any number"),
        pytest.param(MsiCard, (1, 8), 4, "msi", id="MSI next"),
        pytest.param(MsiCard, (1, 3), 2, "msi", id="MSI powers of two"),
        pytest.param(PinCard, (1, 8), 1, "intx", id="INTx last"),
    ],
)
def test_the_best_kind_is_chosen(card: type[Card], wanted: tuple[int, int], got: int, kind: str) -> None:
    """MSI-X, then MSI, then the pin; never more than asked for; each vector reaches its own handler."""
    rig = Rig.of(card())
    dev = ready(rig)

    assert dev.alloc_irq_vectors(*wanted) == got
    assert {vector.kind for vector in dev.held.vectors} == {kind}
    dev.free_irq_vectors()
    heard = listen(dev, got)
    for n in range(got):
        raise_irq(rig, n)

    assert heard == list(range(got))
    assert list(rig.machine.fabric.faults) == []


@pytest.mark.parametrize(
    ("wanted", "error", "text"),
    [
        ((5, 8), errno.ENOSPC, "cannot have 5 to 8 interrupt vectors (MSI-X offers 4, MSI 4, INTx 1); ask for fewer"),
        ((0, 1), errno.ERANGE, "cannot allocate 0 to 1 interrupt vectors"),
        ((2, 1), errno.ERANGE, "cannot allocate 2 to 1 interrupt vectors"),
    ],
)
def test_too_many_or_nonsense_is_refused(wanted: tuple[int, int], error: int, text: str) -> None:
    """The message has the numbers."""
    dev = ready(Rig.of(Card()))

    with pytest.raises(PciError) as caught:
        dev.alloc_irq_vectors(*wanted)

    assert caught.value.errno == error
    assert text in str(caught.value)


def test_vectors_are_allocated_once() -> None:
    """EBUSY until they are freed; freeing twice is fine."""
    dev = ready(Rig.of(Card()))
    dev.alloc_irq_vectors(1, 2)

    with pytest.raises(PciError, match=r"\[EBUSY\] .*already has 2 interrupt vectors; free_irq_vectors\(\) first"):
        dev.alloc_irq_vectors(1, 1)
    dev.free_irq_vectors()
    dev.free_irq_vectors()

    assert dev.alloc_irq_vectors(1, 1) == 1


def test_vectors_of_a_sleeper_are_refused() -> None:
    """EINVAL: its table is out of reach."""
    dev = ready(Rig.of(Card()))
    dev.set_power_state(PowerState.D3HOT)

    with pytest.raises(PciError, match=r"\[EINVAL\] .*no interrupt vectors in D3HOT; wake it first"):
        dev.alloc_irq_vectors(1, 1)


def test_numbers_are_unique_and_reused() -> None:
    """From 0x20 up, an MSI block on a power of two; a freed number is given out again."""
    rig = Rig.of(Card(), MsiCard(), Card())
    devs = [ready(rig, f"card{n}") for n in (1, 2, 3)]
    for dev, count in zip(devs, (3, 4, 2), strict=True):
        assert dev.alloc_irq_vectors(count, count) == count
    numbers = [[vector.number - FIRST_NUMBER for vector in dev.held.vectors] for dev in devs]
    assert numbers == [[0, 1, 2], [4, 5, 6, 7], [8, 9]]

    devs[0].free_irq_vectors()
    devs[0].alloc_irq_vectors(2, 2)

    assert [vector.number - FIRST_NUMBER for vector in devs[0].held.vectors] == [0, 1]


def test_a_pin_is_shared() -> None:
    """Two devices on one line: both handlers run; slots rotate the pins below a bridge."""
    rig = Rig.of(PinCard(), PinCard())
    first, second = listen(ready(rig), 1), listen(ready(rig, "card2"), 1)

    raise_irq(rig)
    assert (first, second) == ([0], [0])
    below = Rig.of(PinCard(), PinCard(), behind_port=True)
    lines = []
    for label in ("card1", "card2"):
        dev = ready(below, label)
        dev.alloc_irq_vectors(1, 1)
        lines.append(dev.held.vectors[0].number)

    assert lines == [1, 2]


@pytest.mark.parametrize("card", [PinCard, MsiCard])
def test_an_interrupt_nobody_wants_is_spurious(card: type[Card]) -> None:
    """Counted and noted."""
    rig = Rig.of(card())
    dev = ready(rig)
    dev.alloc_irq_vectors(1, 1)

    raise_irq(rig)

    assert domain(rig).spurious == 1
    assert rig.timeline("nobody cared, no handler is registered")


def test_an_interrupt_while_paused_is_a_fault() -> None:
    """C12: the handler runs as on hardware, the fault names the vector."""
    rig = Rig.of(Card())
    dev = ready(rig)
    heard = listen(dev, 1)
    rig.device().is_paused = True

    raise_irq(rig)

    assert heard == [0]
    (event,) = rig.system.trace.of(What.FAULT)
    assert isinstance(event.detail, ContractError)
    assert "irq 0 (card-0) arrived between rescan_prepare and rescan_done; mask the device's interrupts" in event.text
    assert domain(rig).spurious == 1


def test_a_paused_neighbour_on_a_shared_line_is_not_blamed() -> None:
    """The interrupt was not its own."""
    rig = Rig.of(PinCard(), PinCard())
    listen(ready(rig), 1)
    listen(ready(rig, "card2"), 1)
    rig.device().is_paused = True

    raise_irq(rig, label="card2")

    assert list(rig.system.trace.of(What.FAULT)) == []


def test_a_raising_handler_is_recorded() -> None:
    """It does not hit whoever let time pass; the fault is told in the handler's name."""
    rig = Rig.of(Card())
    dev = ready(rig)
    regs = dev.iomap(0)
    dev.alloc_irq_vectors(1, 1)
    dev.request_irq(0, lambda: regs.readl(0), "late")
    rig.device().is_paused = True

    raise_irq(rig)

    arrived, failure = rig.system.failures
    assert "irq 0 (late) arrived between rescan_prepare and rescan_done" in str(arrived)
    assert "irq 0 late raised AccessWhilePaused at tests/kernel/test_irq.py:" in str(failure)
    assert rig.timeline("readl of BAR 0 + 0x0 at tests/kernel/test_irq.py:", "by irq 0 late between rescan_prepare")


def test_handlers_are_requested_and_freed_once() -> None:
    """EBUSY, EINVAL: the vector, and who has it."""
    dev = ready(Rig.of(Card()))
    with pytest.raises(PciError, match=r"\[EINVAL\] .*there is no irq 0, it has 0 vectors; alloc_irq_vectors\(\) first"):
        dev.request_irq(0, lambda: None)
    dev.alloc_irq_vectors(1, 1)
    with pytest.raises(PciError, match=r"\[EINVAL\] .*irq 0 has no handler to free; free each once"):
        dev.free_irq(0)
    dev.request_irq(0, lambda: None, "first")

    with pytest.raises(PciError, match=r"\[EBUSY\] .*irq 0 already has handler 'first'; free_irq\(0\) first"):
        dev.request_irq(0, lambda: None, "second")


def test_synchronize_lets_arrive_what_is_on_its_way() -> None:
    """After it, no handler of an interrupt raised before still has to run."""
    rig = Rig.of(Card())
    dev = ready(rig)
    heard = listen(dev, 1)
    rig.models["card1"].raise_irq(0)
    assert heard == []

    dev.synchronize_irq(0)

    assert heard == [0]


def test_a_message_needs_bus_mastering() -> None:
    """Without set_master() it stays in the device: silicon notes it, nobody hears it."""
    rig = Rig.of(Card())
    heard = listen(rig.dev(), 1)

    raise_irq(rig)

    assert heard == []
    assert "no-bus-master" in str(rig.machine.fabric.faults[-1])
