"""The sanitizer: each way an access can miss its register has a name, and a message that says what to do."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mockbus import BarKind, BarSpec
from movsdk.errors import (
    AccessFault,
    AccessWhilePaused,
    DeviceAsleep,
    DeviceGone,
    MappingClosed,
    NotDecoded,
    StaleMapping,
    TwoDecoders,
)
from movsdk.kernel.mmio import IoMem
from movsdk.pci_regs import PREF_MEMORY_LIMIT, PowerState
from movsdk.trace import What
from tests.kernel.rig import MEM_START, PREF_START, Card, Rig


def faults_of(rig: Rig) -> list[AccessFault]:
    """What the sanitizer put on the timeline."""
    return [event.detail for event in rig.system.trace.of(What.FAULT) if isinstance(event.detail, AccessFault)]


def test_a_stale_mapping_names_everything() -> None:
    """C01: map site, old and new place, access site, and whose registers were hit; the access went through."""
    rig = Rig.of(Card(), Card())
    regs = rig.dev().iomap(0)
    rig.dev("card2")
    old = MEM_START + 0x10_0000
    rig.move(0, MEM_START + 0x50_0000)
    rig.move(0, old, "card2")

    with pytest.raises(StaleMapping) as caught:
        regs.writel(0xDEAD, 0x10)

    assert rig.models["card2"].registers == {(0, 0x10): 0xDEAD}
    text = str(caught.value)
    assert text.startswith("card1 (0000:00:01.0): writel of BAR 0 + 0x10 at tests/kernel/test_sanitizer.py:")
    assert f"through a mapping of [{old:#x}-{old + 0xFFF:#x}] made at tests/kernel/test_sanitizer.py:" in text
    assert "but BAR 0 is now at [0xe0500000-0xe0500fff]; address 0xe0100010 hit card2 BAR 0 + 0x10" in text
    assert text.endswith("; iounmap() in rescan_prepare and iomap() again in rescan_done")
    fields = caught.value.fields
    assert (fields["old"].start, fields["new"].start) == (old, MEM_START + 0x50_0000)
    assert fields["map_site"][1] < fields["access_site"][1]
    assert faults_of(rig) == [caught.value]


def test_a_stale_mapping_may_hit_nobody() -> None:
    """A lost BAR is named as unassigned, and an address that nobody answers as nobody."""
    rig = Rig.of(Card())
    regs = rig.dev().iomap(0)
    rig.move(0, MEM_START + 0x50_0000)
    with pytest.raises(StaleMapping, match="hit nobody"):
        regs.readl(0)
    rig.lose(0)

    with pytest.raises(StaleMapping, match="but BAR 0 is unassigned now"):
        regs.readl(0)


def test_only_the_bar_that_moved_is_stale() -> None:
    """C04: each BAR has its own generation."""
    rig = Rig.of(Card())
    dev = rig.dev()
    regs, vram = dev.iomap(0), dev.iomap(2)

    rig.move(2, PREF_START + 0x40_0000)

    assert regs.readl(0) == 0
    with pytest.raises(StaleMapping, match="BAR 2 is now at"):
        vram.readl(0)


def test_access_while_paused() -> None:
    """C05: between prepare and done every access faults, though it went through."""
    rig = Rig.of(Card())
    regs = rig.dev().iomap(0)
    rig.device().is_paused = True

    with pytest.raises(AccessWhilePaused, match="between rescan_prepare and rescan_done; its BARs are on the move; stop timers"):
        regs.writel(5, 0)

    assert rig.models["card1"].registers == {(0, 0): 5}


def test_decode_off_is_named() -> None:
    """Without enable_device() nobody answers, and the fault says what to do."""
    rig = Rig.of(Card())
    regs = rig.dev(enabled=False).iomap(0)

    with pytest.raises(NotDecoded, match=r"decode is off in COMMAND of card1 BAR 0 \+ 0x0; enable_device\(\) turns it on"):
        regs.readl(0)


def test_a_bridge_that_is_off_is_not_the_drivers_doing() -> None:
    """Who enabled its device is not told to do it; who did not, is."""
    rig = Rig.of(Card(), behind_port=True)
    regs = rig.dev().iomap(0)
    rig.function("port").config_write(0x04, 2, 0)

    for count, remedy in ((1, "the driver did enable its device: the kernel has not"), (0, r"enable_device\(\) turns it on")):
        rig.device().row.enable_cnt = count
        with pytest.raises(NotDecoded, match=rf"of card1 BAR 0 \+ 0x0 behind port; {remedy}"):
            regs.readl(0)


def test_a_closed_window_is_named() -> None:
    """A bridge that does not pass the address is blamed by name."""
    rig = Rig.of(Card(), behind_port=True)
    regs = rig.dev().iomap(0)
    rig.function("port").config_write(0x20, 4, 0xE000_E000)

    with pytest.raises(NotDecoded, match=r"a bridge window on the path to card1 BAR 0 \+ 0x0 behind port does not pass"):
        regs.readl(0)


@pytest.mark.parametrize("sleeper", ["card1", "port"])
def test_an_access_to_a_sleeper_is_named(sleeper: str) -> None:
    """D3hot of the device, or of a bridge above it."""
    rig = Rig.of(Card(), behind_port=True)
    regs = rig.dev().iomap(0)
    rig.function(sleeper).set_power(PowerState.D3HOT)

    with pytest.raises(DeviceAsleep, match=rf"{'behind port' if sleeper == 'port' else 'card1 BAR 0'}.* is not in D0; wake it"):
        regs.readl(0)


def test_two_decoders_are_both_named() -> None:
    """Both BARs that answered stand in the message."""
    rig = Rig.of(Card(), Card())
    regs = rig.dev().iomap(0)
    rig.dev("card2")
    rig.function("card2").config_write(0x10, 4, MEM_START + 0x10_0000)

    with pytest.raises(TwoDecoders, match=r"card1 BAR 0 \+ 0x8 and card2 BAR 0 \+ 0x8 answered"):
        regs.readl(8)


def test_a_register_that_is_not_there() -> None:
    """What the model refuses is the driver's fault too."""
    regs = Rig.of(Card()).dev().iomap(0)

    with pytest.raises(AccessFault, match="the register is not implemented at that size and offset; see the datasheet"):
        regs.readl(0x200)


def test_a_pulled_device_is_gone() -> None:
    """C08: all-ones of a pulled device is no data."""
    rig = Rig.of(Card())
    regs = rig.dev().iomap(0)
    rig.machine.unplug("card1")

    with pytest.raises(DeviceGone, match="the device was pulled; all-ones is no data"):
        regs.readl(0)


@pytest.mark.parametrize("hook", ["remove", "rescan_done"])
def test_a_pulled_device_reads_ones_where_that_is_expected(hook: str) -> None:
    """C43: in remove and rescan_done all-ones is the documented answer: recorded, not raised."""
    rig = Rig.of(Card())
    regs = rig.dev().iomap(0)
    rig.machine.unplug("card1")
    rig.device().in_hook = hook

    assert regs.readl(0) == 0xFFFF_FFFF
    assert [type(fault) for fault in faults_of(rig)] == [DeviceGone]


def test_a_device_that_never_decoded_where_it_is_believed_is_gone_too() -> None:
    """Pulled, then moved in the books only: nobody ever answered the new address, still the device is what is missing."""
    rig = Rig.of(Card())
    dev = rig.dev()
    rig.machine.unplug("card1")
    rig.move(0, MEM_START + 0x50_0000)

    with pytest.raises(DeviceGone, match="the device was pulled"):
        dev.iomap(0).readl(0)


def test_a_failed_rescan_done_makes_the_device_gone_until_remove() -> None:
    """C35: every access faults; remove may still touch the device."""
    rig = Rig.of(Card())
    device = rig.device()
    regs = rig.dev().iomap(0)
    device.is_gone = True

    with pytest.raises(DeviceGone, match="its rescan_done failed, so it is gone until remove; stop all work on it"):
        regs.readl(0)
    device.in_hook = "remove"
    assert regs.readl(0) == 0


def _stale(rig: Rig, regs: IoMem) -> None:
    rig.move(0, MEM_START + 0x50_0000)


def _paused(rig: Rig, regs: IoMem) -> None:
    rig.device().is_paused = True


def _pulled(rig: Rig, regs: IoMem) -> None:
    rig.machine.unplug("card1")


def _closed(rig: Rig, regs: IoMem) -> None:
    regs.iounmap()


def _gone(rig: Rig, regs: IoMem) -> None:
    rig.device().is_gone = True


def _nothing(rig: Rig, regs: IoMem) -> None:
    """The device is well."""


@pytest.mark.parametrize(
    ("meanwhile", "advice"),
    [
        (_nothing, "; iomap() again"),
        (_paused, "; iomap() again in rescan_done; until then its BARs are on the move"),
        (_gone, "; the device is gone: stop all work on it"),
    ],
)
def test_a_closed_mapping_says_what_to_do_instead(meanwhile: Callable[[Rig, IoMem], None], advice: str) -> None:
    """To map again is no advice where there is nothing to map."""
    rig = Rig.of(Card())
    regs = rig.dev().iomap(0)
    regs.iounmap()
    meanwhile(rig, regs)

    with pytest.raises(MappingClosed) as caught:
        regs.readl(0)

    assert str(caught.value).endswith(advice)


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [(_stale, StaleMapping), (_paused, AccessWhilePaused), (_pulled, DeviceGone), (_closed, MappingClosed)],
    ids=["stale", "paused", "pulled", "closed"],
)
def test_hardware_mode_records_and_goes_on(spoil: Callable[[Rig, IoMem], None], kind: type[AccessFault]) -> None:
    """faults="hardware": the driver sees what a real one would see, the timeline names the fault."""
    rig = Rig.of(Card(), faults="hardware")
    regs = rig.dev().iomap(0)
    spoil(rig, regs)

    regs.writel(1, 0)
    value = regs.readl(0)
    regs.memcpy_fromio(0, 4)
    regs.memcpy_toio(0, b"abcd")

    assert value == (1 if kind is AccessWhilePaused else 0xFFFF_FFFF)
    assert [type(fault) for fault in faults_of(rig)] == [kind] * 4


def test_closed_goes_before_gone_before_paused_before_stale() -> None:
    """The order of judgement: each mistake is named by its first cause."""
    rig = Rig.of(Card())
    device, regs = rig.device(), rig.dev().iomap(0)
    found = []

    def gone(rig: Rig, regs: IoMem) -> None:
        device.is_gone = True

    for spoil in (_stale, _paused, gone, _closed):
        spoil(rig, regs)
        with pytest.raises(AccessFault) as caught:
            regs.readl(0)
        found.append(type(caught.value))

    assert found == [StaleMapping, AccessWhilePaused, DeviceGone, MappingClosed]


class BigCard(Card):
    """A card whose memory is larger than the granule of a window."""

    bars = (BarSpec(2, BarKind.PREF64, 0x20_0000, content="ram"),)
    capabilities = ()


def test_a_fault_in_the_middle_of_a_copy_is_found() -> None:
    """A block whose second half the window does not pass: the first half arrived, the fault is told."""
    rig = Rig.of(Card(), BigCard(), behind_port=True)
    vram = rig.dev("card2").iomap(2)
    rig.function("port").config_write(PREF_MEMORY_LIMIT, 2, 0x0021)

    with pytest.raises(NotDecoded, match=r"memcpy_toio of BAR 2 \+ 0xffff0 .* a bridge window .* does not pass"):
        vram.memcpy_toio(0xF_FFF0, bytes(range(32)))

    assert vram.memcpy_fromio(0xF_FFF0, 16) == bytes(range(16))
