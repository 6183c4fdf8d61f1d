"""Who gets a device, and what the core does round probe and remove."""

from __future__ import annotations

import errno
from typing import Any

import pytest

from movsdk.errors import AccessFault, HookFailed, InvariantBroken, PciError
from movsdk.hooks import PciId
from movsdk.kernel.binding import BoundDriver, attach, matching_driver, probe_device, register_driver, unbind
from movsdk.kernel.pcidev import PciDev
from movsdk.pci_regs import COMMAND, COMMAND_MASTER
from movsdk.points import install
from tests.kernel.rig import EDU, Card, Rig, assert_nothing_is_held, driver_of, grab

# --- matching -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "matches"),
    [
        (PciId(0x1234), True),
        (PciId(0x1234, 0x11E9), False),
        (PciId(class_code=0x00FF00, class_mask=0xFFFF00), True),
        (PciId(class_code=0x010802, class_mask=0xFFFFFF), False),
        (PciId(0x1234, 0x11E8, 0x9999), False),
    ],
)
def test_the_id_table_chooses(row: PciId, matches: bool) -> None:
    """Unset fields match anything; the class is compared under its mask."""
    bound = BoundDriver.of(driver_of(id_table=[PciId(0xDEAD), row]))

    assert bound.match(Rig.of(Card()).device()) is (row if matches else None)


def test_the_first_registered_driver_that_matches_gets_the_device() -> None:
    """Order of registration; no driver is no error."""
    rig = Rig.of(Card())
    assert attach(rig.system, rig.device()) is None
    register_driver(rig.system, driver_of(name="other", id_table=[PciId(0xDEAD)]))
    first = register_driver(rig.system, driver_of(name="first"))
    register_driver(rig.system, driver_of(name="second"))

    assert attach(rig.system, rig.device()) == 0

    assert rig.device().driver is first
    assert attach(rig.system, rig.device()) == 0


def test_match_of_overrules_the_tables() -> None:
    """The bench says who drives what, whatever the ids say."""
    rig = Rig.of(Card(), Card())
    forced = BoundDriver.of(driver_of(id_table=[]))
    register_driver(rig.system, driver_of(name="by table"))
    rig.system.match_of = lambda device: forced if device.label == "card2" else None

    assert [matching_driver(rig.system, rig.device(label)) for label in ("card1", "card2")] == [None, forced]
    assert [attach(rig.system, rig.device(label)) for label in ("card1", "card2")] == [None, 0]


# --- probe --------------------------------------------------------------------------------------------


def test_probe_binds() -> None:
    """The hook gets the view and the row that matched, runs as itself, and is told to the observer with its result."""
    rig = Rig.of(Card())
    seen: list[object] = []
    told: list[tuple[str, str, str | None]] = []
    rig.system.hook_observer = lambda hook, device, rc: told.append((hook, device.label, rc))

    def probe(self: object, dev: PciDev, id: PciId) -> None:
        seen.extend([dev, id, rig.device().in_hook])

    bound = register_driver(rig.system, driver_of(probe=probe))
    device = rig.device()

    assert probe_device(rig.system, device, bound) == 0

    assert seen == [device.view, EDU[0], "probe"]
    assert (device.driver, device.is_probed, device.row.is_bound, device.in_hook) == (bound, True, True, None)
    assert told == [("probe", "card1", "rc=0")]
    assert rig.timeline("probe by edu: rc=0")


def test_a_pci_error_in_probe_leaves_the_device_unbound() -> None:
    """The errno is the result; what the driver took goes back, each piece with a note."""
    rig = Rig.of(Card())
    mappings = []
    told: list[str | None] = []
    rig.system.hook_observer = lambda hook, device, rc: told.append(rc)

    def probe(self: object, dev: PciDev, id: PciId) -> None:
        grab(dev)
        mappings.append(dev.drvdata)
        raise PciError(errno.ENODEV, "no firmware")

    rc = probe_device(rig.system, rig.device(), BoundDriver.of(driver_of(probe=probe)))

    assert (rc, told, rig.system.failures) == (-errno.ENODEV, ["rc=-19"], [])
    assert_nothing_is_held(rig.device())
    assert mappings[0].closed
    assert rig.timeline("probe by edu: rc=-19: no firmware")
    notes = rig.timeline("after probe failed of edu: ")
    for words in (
        "mapping of card1 (0000:00:01.0) BAR 0 [0xe0100000-0xe0100fff] is still open; iounmap() it",
        "work edu <lambda> is still queued; cancel() it",
        "2 interrupt vectors are still allocated; free_irq_vectors() them",
        "irq 0 (edu-0) still has a handler; free_irq() it",
        "DMA buffer of 0x2000 bytes at 0x100000 leaked; dma_free_coherent() it",
        "regions of BAR 0, 2, 4 are still reserved",
        "still enabled 1 times, at last at ",
    ):
        assert [note for note in notes if words in note], words


def test_an_unassigned_bar_makes_the_probe_fail_with_einval() -> None:
    """rc -22 as the kernel records it."""
    rig = Rig.of(Card())
    rig.lose(0)

    rc = probe_device(rig.system, rig.device(), BoundDriver.of(driver_of(probe=lambda self, dev, id: dev.enable_device())))

    assert rc == -errno.EINVAL
    assert rig.device().row.enable_cnt == 0


def test_anything_else_in_probe_is_a_hook_failure() -> None:
    """rc -EIO, and a HookFailed that says what was raised where."""
    rig = Rig.of(Card())

    def probe(self: object, dev: PciDev, id: PciId) -> None:
        dev.drvdata["missing"]

    rc = probe_device(rig.system, rig.device(), BoundDriver.of(driver_of(probe=probe)))

    assert rc == -errno.EIO
    (failure,) = rig.system.failures
    assert str(failure).startswith("card1 (0000:00:01.0): probe raised TypeError at tests/kernel/test_binding.py:")
    assert str(failure).endswith("the device stays unbound")
    assert isinstance(failure.__cause__, TypeError)
    assert failure in [event.detail for event in rig.system.trace.events]


def test_an_access_fault_in_probe_is_a_hook_failure() -> None:
    """The fault itself is the cause."""
    rig = Rig.of(Card())
    bound = BoundDriver.of(driver_of(probe=lambda self, dev, id: dev.iomap(0).readl(0)))

    assert probe_device(rig.system, rig.device(), bound) == -errno.EIO
    assert isinstance(rig.system.failures[0].__cause__, AccessFault)


def test_our_own_bugs_come_through() -> None:
    """InvariantBroken is never a driver's failure."""
    rig = Rig.of(Card())

    def probe(self: object, dev: PciDev, id: PciId) -> None:
        raise InvariantBroken("ours")

    with pytest.raises(InvariantBroken, match="ours"):
        probe_device(rig.system, rig.device(), BoundDriver.of(driver_of(probe=probe)))


def test_a_negative_number_from_probe_is_its_errno() -> None:
    """A habit of C; the message says how it is written here."""
    rig = Rig.of(Card())

    rc = probe_device(rig.system, rig.device(), BoundDriver.of(driver_of(probe=lambda self, dev, id: -errno.ENOMEM)))

    assert rc == -errno.ENOMEM
    assert rig.timeline("probe returned -12; a hook raises PciError(errno, text) instead")


# --- unbind -------------------------------------------------------------------------------------------


def bound_rig(**members: Any) -> Rig:
    """A rig whose card is bound to a driver that took one of everything."""
    rig = Rig.of(Card())
    members.setdefault("probe", lambda self, dev, id: grab(dev))
    assert probe_device(rig.system, rig.device(), BoundDriver.of(driver_of(**members))) == 0
    return rig


def test_unbind_calls_remove_then_takes_back_the_rest() -> None:
    """Only what remove forgot is noted."""

    def remove(self: object, dev: PciDev) -> None:
        dev.drvdata.iounmap()
        dev.free_irq(0)
        dev.free_irq_vectors()
        dev.release_regions()
        dev.disable_device()

    rig = bound_rig(remove=remove)
    told: list[tuple[str, str | None]] = []
    rig.system.hook_observer = lambda hook, device, rc: told.append((hook, rc))

    assert unbind(rig.system, rig.device()) is None

    assert told == [("remove", None)]
    assert_nothing_is_held(rig.device())
    assert [text.split(": ", 1)[1].split(" (queued at tests/")[0] for text in rig.timeline("after remove of edu")] == [
        "work edu <lambda> is still queued; cancel() it",
        "DMA buffer of 0x2000 bytes at 0x100000 leaked; dma_free_coherent() it",
    ]


def test_a_driver_without_remove_is_cleaned_up_silently() -> None:
    """It had no place to do it; the observer hears of no hook."""
    rig = bound_rig()
    rig.system.hook_observer = lambda hook, device, rc: pytest.fail("no hook ran")

    unbind(rig.system, rig.device())

    assert_nothing_is_held(rig.device())
    assert not rig.timeline("after")


def test_a_raising_remove_unbinds_all_the_same() -> None:
    """The failure is returned and recorded."""

    def remove(self: object, dev: PciDev) -> None:
        raise ValueError("half-way")

    rig = bound_rig(remove=remove)

    failure = unbind(rig.system, rig.device())

    assert isinstance(failure, HookFailed)
    assert rig.system.failures == [failure]
    assert "remove raised ValueError at tests/kernel/test_binding.py:" in str(failure)
    assert_nothing_is_held(rig.device())


def test_unbinding_a_pulled_device_leaves_no_silicon_fault() -> None:
    """The core knows that nobody is there and does not touch its table."""
    rig = bound_rig()
    rig.machine.unplug("card1")

    unbind(rig.system, rig.device())

    assert list(rig.machine.fabric.faults) == []


def test_unbinding_an_unbound_device_does_nothing() -> None:
    """So that removing a subtree need not ask."""
    rig = Rig.of(Card())

    assert unbind(rig.system, rig.device()) is None


def test_unbinding_a_port_leaves_it_enabled_for_those_below() -> None:
    """A bridge once enabled stays enabled: only the driver's own count goes."""
    rig = Rig.of(Card(), behind_port=True)
    rig.dev("card1")
    port = rig.device("port")
    driver = BoundDriver.of(driver_of(probe=lambda self, dev, id: dev.enable_device()))
    probe_device(rig.system, port, driver)
    assert port.row.enable_cnt == 2

    unbind(rig.system, port)

    assert port.row.enable_cnt == 1
    assert port.config_read(COMMAND, 2) & COMMAND_MASTER


def test_a_bound_device_can_be_bound_again() -> None:
    """Unbinding clears what the sanitizer goes by."""
    rig = bound_rig()
    device = rig.device()
    device.is_gone = device.is_paused = True
    driver = device.driver
    assert driver is not None

    unbind(rig.system, device)

    assert (device.is_gone, device.is_paused) == (False, False)
    assert probe_device(rig.system, device, driver) == 0


def test_hook_calls_are_announced() -> None:
    """An explorer hears of each before it happens."""
    rig = Rig.of(Card())
    labels: list[str] = []
    before = install(lambda label, reads, writes, guard: labels.append(label))
    try:
        probe_device(rig.system, rig.device(), BoundDriver.of(driver_of(probe=lambda self, dev, id: dev.enable_device())))
    finally:
        install(before)

    assert labels[0] == "card1 probe"
    assert "enable_cnt += 1" in labels
