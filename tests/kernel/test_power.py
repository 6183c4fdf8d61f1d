"""Power states, and the configuration that comes back as it is now, not as it was."""

from __future__ import annotations

import errno

import pytest

from mockbus import PlainModel, Pm
from movsdk.errors import DeviceAsleep, PciError
from movsdk.hooks import PciId
from movsdk.kernel.binding import BoundDriver, probe_device
from movsdk.kernel.pcidev import PciDev
from movsdk.kernel.power import resume_device, suspend_device, wake_bridges
from movsdk.kernel.probe import scan_child_bus
from movsdk.pci_regs import COMMAND, COMMAND_MEMORY, MEMORY_BASE, PRIMARY_BUS, PowerState
from tests.kernel.rig import MEM_START, PREF_START, Card, MsiCard, Rig


class DCard(Card):
    """A card with all four states."""

    capabilities = (Pm(d1=True, d2=True),)


class Sleepy:
    """A driver that notes what it is told."""

    name, id_table = "sleepy", [PciId(0x1234)]

    def __init__(self, refuse: Exception | None = None) -> None:
        self.calls: list[object] = []
        self.refuse = refuse

    def probe(self, dev: PciDev, id: PciId) -> None:
        """Enable and get an interrupt."""
        dev.enable_device()
        dev.set_master()
        dev.alloc_irq_vectors(1, 1)
        dev.request_irq(0, lambda: self.calls.append("irq"))

    def suspend(self, dev: PciDev, state: int) -> None:
        """Note the state."""
        self.calls.append(("suspend", state))
        if self.refuse is not None:
            raise self.refuse

    def resume(self, dev: PciDev) -> None:
        """Note where BAR 0 is."""
        self.calls.append(("resume", dev.iomap(0).readl(0)))


def test_to_sleep_and_back() -> None:
    """Silicon and belief agree; D3hot costs 10 ms each way."""
    rig = Rig.of(Card())
    dev = rig.dev()

    dev.set_power_state(PowerState.D3HOT)
    assert (rig.function().power, rig.device().current_state) == (PowerState.D3HOT, PowerState.D3HOT)
    dev.set_power_state(PowerState.D3HOT)
    dev.set_power_state(PowerState.D0)

    assert (rig.function().power, rig.device().current_state) == (PowerState.D0, PowerState.D0)
    assert dev.clock.now == 20_000_000


def test_d3cold_goes_as_far_as_d3hot() -> None:
    """The rest is the platform's."""
    rig = Rig.of(Card())

    rig.dev().set_power_state(PowerState.D3COLD)

    assert rig.device().current_state == PowerState.D3HOT


@pytest.mark.parametrize(
    ("card", "states", "error", "text"),
    [
        pytest.param(Card, [PowerState.D1], errno.EIO, "does not support D1", id="no D1"),
        pytest.param(DCard, [PowerState.D2, PowerState.D1], errno.EINVAL, "cannot go from D2 to D1; go through D0", id="upwards"),
        pytest.param(PlainModel, [PowerState.D3HOT], errno.EIO, "it has no power management capability", id="no capability"),
    ],
)
def test_states_that_cannot_be(card: type, states: list[PowerState], error: int, text: str) -> None:
    """EIO where the device cannot, EINVAL where the way is wrong."""
    rig = Rig.of()
    rig.machine.add("card1", "root", "01.0", card())
    scan_child_bus(rig.system.root)
    dev = rig.dev(enabled=False)
    for state in states[:-1]:
        dev.set_power_state(state)

    with pytest.raises(PciError) as caught:
        dev.set_power_state(states[-1])

    assert caught.value.errno == error
    assert text in str(caught.value)


def test_a_pulled_device_does_not_change_state() -> None:
    """Its registers read all-ones: a stub of a capability is found nowhere."""
    rig = Rig.of(Card())
    dev = rig.dev()
    rig.machine.unplug("card1")

    with pytest.raises(PciError, match="cannot enter D3HOT"):
        dev.set_power_state(PowerState.D3HOT)


def test_bars_lost_in_d3hot_are_written_again_from_the_resources() -> None:
    """C45, patch 1: No_Soft_Reset is clear, the BAR moved while the device slept; the register shows the new place."""
    rig = Rig.of(MsiCard())
    dev = rig.dev()
    dev.save_state()
    dev.set_power_state(PowerState.D3HOT)
    rig.move(0, MEM_START + 0x50_0000)
    rig.move(2, PREF_START + 0x50_0000)

    dev.set_power_state(PowerState.D0)
    assert rig.device().config_read(0x10, 4) == MEM_START + 0x50_0000
    assert rig.device().config_read(COMMAND, 2) == 0
    dev.restore_state()

    assert rig.device().config_read(0x10, 4) == MEM_START + 0x50_0000
    assert rig.device().config_read(0x1C, 4) == (PREF_START + 0x50_0000) >> 32
    assert rig.device().config_read(COMMAND, 2) & COMMAND_MEMORY
    assert dev.iomap(0).readl(0) == 0


def test_a_restore_never_brings_an_old_bar_back() -> None:
    """Also of a device that kept its configuration."""
    rig = Rig.of(Card())
    dev = rig.dev()
    dev.save_state()
    rig.move(0, MEM_START + 0x50_0000)
    dev.write_config_byte(0x3C, 0x55)

    dev.restore_state()
    assert dev.read_config_dword(0x10) == MEM_START + 0x50_0000
    assert dev.read_config_byte(0x3C) == 0
    dev.write_config_byte(0x3C, 0x55)
    dev.restore_state()

    assert dev.read_config_byte(0x3C) == 0x55


def test_a_bridge_comes_back_with_windows_and_numbers_as_they_are_now() -> None:
    """Patches 1 and 20: the port slept and forgot; what it gets back comes from the kernel's books, not from what was saved."""
    rig = Rig.of(Card(), behind_port=True, port_sleeps=True)
    port = rig.device("port")
    regs = rig.dev().iomap(0)
    assert suspend_device(rig.system, rig.device()) == 0
    assert suspend_device(rig.system, port) == 0
    with pytest.raises(DeviceAsleep, match=r"is not in D0; wake it with set_power_state\(PowerState.D0\) first"):
        regs.readl(0)
    port.row.windows[1].last = MEM_START + 0x3F_FFFF
    assert port.subordinate is not None
    port.subordinate.last = 5

    assert wake_bridges(rig.system) == [port]

    assert port.config_read(PRIMARY_BUS, 4) & 0xFF_FFFF == 0x05_01_00
    assert port.config_read(MEMORY_BASE, 4) == 0xE030_E000
    assert port.saved_config is None
    # The reset of the port reached the card too; the card's own resume is the driver's business, not the rescan's.
    assert resume_device(rig.system, rig.device()) == 0
    assert regs.readl(0) == 0
    assert wake_bridges(rig.system) == []


def test_a_bridge_that_cannot_wake_is_noted() -> None:
    """The rescan goes on without it."""
    rig = Rig.of(Card(), behind_port=True)
    rig.device("port").current_state = PowerState.D3HOT

    assert wake_bridges(rig.system) == []

    assert rig.timeline("cannot be woken: [EIO]", "it has no power management capability")


def test_suspend_and_resume_go_through_the_driver() -> None:
    """The driver first on the way down, last on the way up; interrupts work again though the device forgot all."""
    rig = Rig.of(MsiCard())
    driver = Sleepy()
    assert probe_device(rig.system, rig.device(), BoundDriver.of(driver)) == 0
    device = rig.device()

    assert suspend_device(rig.system, device, PowerState.D3HOT) == 0
    assert device.current_state == PowerState.D3HOT
    rig.move(0, MEM_START + 0x50_0000)
    assert resume_device(rig.system, device) == 0
    rig.models["card1"].raise_irq(0)
    rig.system.ops.clock.run_pending()

    assert driver.calls == [("suspend", 3), ("resume", 0), "irq"]
    assert rig.timeline("suspend by sleepy")
    assert list(rig.machine.fabric.faults) == []


@pytest.mark.parametrize(
    ("refuse", "rc", "failures"),
    [(PciError(errno.EBUSY, "in use"), -errno.EBUSY, 0), (ValueError("bug"), -errno.EIO, 1)],
    ids=["PciError", "bug"],
)
def test_a_driver_that_refuses_stays_awake(refuse: Exception, rc: int, failures: int) -> None:
    """A PciError is its answer; anything else is a failed hook."""
    rig = Rig.of(Card())
    probe_device(rig.system, rig.device(), BoundDriver.of(Sleepy(refuse)))

    assert suspend_device(rig.system, rig.device(), PowerState.D3HOT) == rc

    assert rig.device().current_state == PowerState.D0
    assert len(rig.system.failures) == failures


def test_a_device_without_driver_or_capability() -> None:
    """The first sleeps all the same, the second cannot: a negative errno and a note."""
    rig = Rig.of(Card())
    rig.machine.add("plain", "root", "05.0", PlainModel(1, 2))
    scan_child_bus(rig.system.root)

    assert suspend_device(rig.system, rig.device()) == 0
    assert resume_device(rig.system, rig.device()) == 0
    assert suspend_device(rig.system, rig.device("plain")) == -errno.EIO

    assert rig.timeline("cannot be suspended")


def test_a_driver_whose_device_cannot_sleep_is_told_so() -> None:
    """It was asked and agreed, then the state turned out to be none of the device's: it goes on as before."""
    rig, driver = Rig.of(MsiCard()), Sleepy()
    probe_device(rig.system, rig.device(), BoundDriver.of(driver))

    rc = suspend_device(rig.system, rig.device(), PowerState.D1)

    assert (rc, rig.device().current_state) == (-errno.EIO, PowerState.D0)
    assert [call[0] for call in driver.calls if isinstance(call, tuple)] == ["suspend", "resume"]
