"""IoMem: accesses reach the register, and each way they can miss it has a name."""

from __future__ import annotations

import timeit
from collections.abc import Callable

import pytest

from movsdk.errors import (
    AccessFault,
    AccessWhilePaused,
    DeviceAsleep,
    DeviceGone,
    MappingClosed,
    NotDecoded,
    PciError,
    StaleMapping,
    TwoDecoders,
)
from movsdk.kernel.mmio import IoMem
from movsdk.pci_regs import PowerState
from movsdk.trace import What
from tests.kernel.rig import MEM_START, PREF_START, Card, MsiCard, Rig

HERE = "test_mmio.py:"


def faults_of(rig: Rig) -> list[AccessFault]:
    """What the sanitizer put on the timeline."""
    return [event.detail for event in rig.system.trace.of(What.FAULT) if isinstance(event.detail, AccessFault)]


@pytest.mark.parametrize(
    ("bar", "size"), [pytest.param(bar, size, id=f"BAR {bar} {size} bytes") for bar in (0, 2, 4) for size in (1, 2, 4, 8)]
)
def test_a_write_is_read_back(bar: int, size: int) -> None:
    """Values travel in the kernel's argument order, little endian, cut to the width of the access; ports work as memory does."""
    if bar == 4 and size == 8:
        pytest.skip("no port is 8 bytes wide")
    regs = Rig.of(Card()).dev().iomap(bar)
    suffix = {1: "b", 2: "w", 4: "l", 8: "q"}[size]

    getattr(regs, f"write{suffix}")(0x1122_3344_5566_7788_99AA, 0x10)

    assert getattr(regs, f"read{suffix}")(0x10) == 0x1122_3344_5566_7788_99AA & (1 << 8 * size) - 1


def test_bulk_copies_and_fill() -> None:
    """memcpy and memset move bytes, in memory and in ports alike."""
    dev = Rig.of(Card()).dev()
    vram, ports = dev.iomap(2, offset=0x1000, wc=True), dev.iomap(4)

    vram.memcpy_toio(0x10, b"picture")
    vram.memset_io(0x20, 0xAB, 3 << 8)
    ports.memcpy_toio(0, b"ab")

    assert vram.memcpy_fromio(0x10, 7) == b"picture"
    assert vram.memcpy_fromio(0x20, 3 << 8) == b"\xab" * (3 << 8)
    assert ports.memcpy_fromio(0, 2) == b"ab"
    assert vram.memcpy_fromio(0, 0) == b""
    assert vram.wc
    assert not ports.wc


def test_a_mapping_knows_where_it_is() -> None:
    """`start` is the BAR's address, also of a mapping that begins further on; `size` what is mapped."""
    regs = Rig.of(Card()).dev().iomap(0, offset=0x100, length=0x80)

    assert (regs.bar, regs.start, regs.address, regs.size) == (0, MEM_START + 0x10_0000, MEM_START + 0x10_0100, 0x80)
    assert str(regs) == "mapping of card1 (0000:00:01.0) BAR 0 [0xe0100100-0xe010017f]"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        pytest.param((1,), "it has no BAR 1; see dev.resources", id="no such BAR"),
        pytest.param((6,), "there is no BAR 6; BARs are 0 to 5", id="ROM"),
        pytest.param((0, 0x1000), "offset 0x1000 and length 0x0 do not fit BAR 0 of 0x1000 bytes", id="offset"),
        pytest.param((0, 0x10, 0x1000), "offset 0x10 and length 0x1000 do not fit BAR 0", id="length"),
    ],
)
def test_iomap_refuses_what_is_not_there(arguments: tuple[int, ...], text: str) -> None:
    """The refusal is EINVAL and names the BAR and the numbers."""
    dev = Rig.of(Card()).dev()

    with pytest.raises(PciError) as caught:
        dev.iomap(*arguments)

    assert str(caught.value).startswith("[EINVAL] card1 (0000:00:01.0): cannot map: ")
    assert text in str(caught.value)


def test_an_unassigned_bar_cannot_be_mapped() -> None:
    """EINVAL names the BAR, its size and the remedy."""
    rig = Rig.of(Card())
    rig.lose(0)

    with pytest.raises(PciError, match=r"BAR 0 of 0x1000 bytes is not assigned; make room for it"):
        rig.dev(enabled=False).iomap(0)


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
    assert text.startswith("card1 (0000:00:01.0): writel of BAR 0 + 0x10 at tests/kernel/test_mmio.py:")
    assert f"through a mapping of [{old:#x}-{old + 0xFFF:#x}] made at tests/kernel/test_mmio.py:" in text
    assert "but BAR 0 is now at [0xe0500000-0xe0500fff]; address 0xe0100010 hit card2 BAR 0 + 0x10" in text
    assert text.endswith("iounmap() in rescan_prepare and iomap() again in rescan_done()".removesuffix("()"))
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


def test_a_closed_mapping_faults_and_reaches_nothing() -> None:
    """The fault names where it was closed; closing twice is noted, not raised."""
    rig = Rig.of(Card())
    regs = rig.dev().iomap(0)

    regs.iounmap()
    regs.iounmap()

    assert regs.closed
    with pytest.raises(MappingClosed, match=rf"writel of BAR 0 \+ 0x4 .* that was closed at tests/kernel/{HERE}\d+; iomap"):
        regs.writel(1, 4)
    assert rig.models["card1"].registers == {}
    assert rig.timeline("closed twice")


@pytest.mark.parametrize("offset", [-4, 0xFFD, 0x1000])
def test_an_access_beyond_the_mapping_faults(offset: int) -> None:
    """The last byte must lie inside."""
    regs = Rig.of(Card()).dev().iomap(0)

    with pytest.raises(AccessFault, match="of 4 bytes beyond the mapping, which has 0x1000 bytes"):
        regs.readl(offset)


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
    """Pulled, then moved in the kernel's books only: nobody ever answered the new address, still the device is what is missing."""
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
    rig.move(0, MEM_START + 0x50_0000)

    for spoil in (lambda: None, lambda: _paused(rig, regs), lambda: setattr(device, "is_gone", True), lambda: regs.iounmap()):
        spoil()
        with pytest.raises(AccessFault) as caught:
            regs.readl(0)
        found.append(type(caught.value))

    assert found == [StaleMapping, AccessWhilePaused, DeviceGone, MappingClosed]


def test_a_fault_in_the_middle_of_a_copy_is_found() -> None:
    """A block that leaves the window half-way is judged by the part nobody answered."""
    rig = Rig.of(MsiCard(), behind_port=True)
    vram = rig.dev().iomap(2)
    function = rig.function("card1")
    function.config_write(0x04, 2, 0)
    rig.machine.fabric.config_write(1, 8, 0x04, 2, 0)

    with pytest.raises(NotDecoded, match="memcpy_toio"):
        vram.memcpy_toio(0x100, bytes(64))


def test_a_good_access_is_cheap() -> None:
    """Under 5 µs, twice that allowed for a noisy machine."""
    regs = Rig.of(Card()).dev().iomap(0)
    rounds = 2000

    best = min(timeit.repeat(lambda: regs.readl(0), number=rounds, repeat=5)) / rounds

    assert best < 10e-6
