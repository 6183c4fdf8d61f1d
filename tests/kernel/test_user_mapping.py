"""User mappings: pages that point at a bus address until they are zapped."""

from __future__ import annotations

import pytest

from drivers.edu import regs as r
from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from movsdk import Bench, PciDev, PciError
from movsdk.errors import UserBusError
from movsdk.kernel.pcidev import device_of
from movsdk.kernel.user_mapping import UserMapping


def mapped(fault: bool = True, **terms: object) -> tuple[Bench, PciDev, UserMapping]:
    """An edu card whose register page a process has mapped."""
    bench = Bench(strict=False, **terms)  # type: ignore[arg-type]  # any terms of a bench
    dev = bench.plug(Edu, EduModel)
    return bench, dev, UserMapping(dev, 0, 0, 4096, fault=UserMapping.insert if fault else None)


def test_the_first_touch_faults_the_page_in() -> None:
    """And later ones go to the device."""
    _, _, mapping = mapped()

    assert not mapping.is_present
    assert mapping.read(r.IDENTIFICATION) == r.IDENTITY
    assert mapping.is_present


def test_a_write_reaches_the_register() -> None:
    """Little endian, as the size says."""
    _, dev, mapping = mapped()

    mapping.write(0x1_0000_0005, r.LIVENESS)

    assert dev.drvdata.readl(r.LIVENESS) == ~5 & 0xFFFF_FFFF


def test_without_a_fault_handler_it_is_sigbus() -> None:
    """Nobody inserts the page."""
    _, _, mapping = mapped(fault=False)

    with pytest.raises(UserBusError, match="zapped and not inserted again, SIGBUS"):
        mapping.read(0)


def test_a_zapped_page_comes_back_at_the_new_place() -> None:
    """The process notices nothing but time."""
    bench, dev, mapping = mapped()
    mapping.read(0)
    old = mapping.address
    mapping.zap()

    bench.force_move(dev)

    assert mapping.read(r.IDENTIFICATION) == r.IDENTITY
    assert mapping.address == dev.resource_start(0) != old
    assert bench.failures == []


@pytest.mark.parametrize(("faults", "recorded"), [("raise", 1), ("hardware", 0)])
def test_a_page_left_behind_is_recorded(faults: str, recorded: int) -> None:
    """The access goes to the old place all the same."""
    bench, dev, mapping = mapped(faults=faults)
    mapping.read(0)

    bench.force_move(dev)

    assert mapping.is_stale
    assert mapping.read(0) == 0xFFFF_FFFF
    assert len(bench.failures) == recorded
    if recorded:
        assert "through pages inserted before, but BAR 0 is at" in str(bench.failures[0])
        assert bench.failures[0].fields["kind"] == "user"


def test_an_access_while_paused_is_recorded() -> None:
    """Through pages that nobody zapped."""
    bench, dev, mapping = mapped()
    mapping.read(0)

    with bench.before_step("release", lambda: mapping.read(0)):
        bench.force_move(dev)

    assert "between rescan_prepare and rescan_done" in str(bench.failures[0])


@pytest.mark.parametrize(("offset", "length"), [(-1, 16), (0, 0), (0xF_FFF0, 32)])
def test_only_what_lies_in_the_bar_can_be_mapped(offset: int, length: int) -> None:
    """EINVAL otherwise."""
    _, dev, _ = mapped()

    with pytest.raises(PciError, match="beyond the 0x100000 bytes"):
        UserMapping(dev, 0, offset, length)


def test_there_must_be_such_a_bar() -> None:
    """EINVAL otherwise."""
    _, dev, _ = mapped()

    with pytest.raises(PciError, match="there is no such BAR"):
        UserMapping(dev, 3, 0, 16)


def test_the_process_stays_inside_its_mapping() -> None:
    """SIGBUS beyond it, and after munmap."""
    _, dev, mapping = mapped()

    with pytest.raises(UserBusError, match="outside of the mapping"):
        mapping.read(4094)
    mapping.close()
    with pytest.raises(UserBusError, match="outside of the mapping"):
        mapping.read(0)
    assert dev.held.user_mappings == []


def test_a_removed_device_has_none() -> None:
    """The core takes the pages away, and says that the driver should have."""
    bench, dev, mapping = mapped()
    mapping.read(0)

    bench.remove(dev)

    assert device_of(dev).is_removed
    assert any("is still there; close() it" in event.text for event in bench.trace.events)
    with pytest.raises(UserBusError, match="SIGBUS"):
        mapping.read(0)


def test_a_user_that_faults_for_ever_is_recorded() -> None:
    """A handler that neither inserts nor refuses makes it spin."""
    bench, dev, _ = mapped()
    mapping = UserMapping(dev, 0, 0, 4096, fault=lambda mapping: None)

    with pytest.raises(UserBusError, match="1000 faults in a row"):
        mapping.read(0)
    assert bench.failures[-1].fields["kind"] == "retry"


def test_a_dummy_page_keeps_what_is_written_to_itself() -> None:
    """The device hears nothing of it."""
    _, dev, mapping = mapped()
    mapping.insert_dummy()

    mapping.write(5, r.LIVENESS)

    assert mapping.read(r.LIVENESS) == 5
    assert dev.drvdata.readl(r.LIVENESS) == 0
    mapping.zap()
    assert mapping.read(r.IDENTIFICATION) == r.IDENTITY
