"""PciDev: what a driver sees, and the errors that say what to do."""

from __future__ import annotations

import errno
from collections.abc import Callable

import pytest

from mockbus import PlainModel
from movsdk.address import Bdf
from movsdk.errors import PciError
from movsdk.hooks import PciId
from movsdk.kernel.pcidev import PciDev, device_of, view_of
from movsdk.layout.table import Flag
from movsdk.pci_regs import CAP_ID_EXP, CAP_ID_MSIX, CAP_ID_PM, COMMAND, COMMAND_MASTER, COMMAND_MEMORY, PowerState
from tests.kernel.rig import MEM_START, PREF_START, Card, Rig


def test_the_view_of_a_device_is_always_the_same() -> None:
    """Drivers may keep it, compare it and hang things on it."""
    device = Rig.of(Card()).device()
    view = view_of(device)

    view.drvdata = "mine"

    assert view_of(device) is view
    assert device_of(view) is device
    assert device.drvdata == "mine"


def test_who_and_where() -> None:
    """Ids, address and path."""
    dev = Rig.of(Card(), behind_port=True).dev(enabled=False)

    assert dev.id == PciId(0x1234, 0x11E8, 0, 0, 0x00FF00, 0xFFFFFF)
    assert (dev.name, dev.bdf, str(dev.slot_path)) == ("0000:01:01.0", Bdf(0, 1, 1, 0), "0000:1c.0/01.0")
    assert (str(dev), repr(dev)) == ("card1 (0000:01:01.0)", "<PciDev card1 (0000:01:01.0)>")


def test_resources_are_told_as_linux_prints_them() -> None:
    """Number, span and text; an unassigned one has no span and shows its size."""
    rig = Rig.of(Card(), behind_port=True)
    dev = rig.dev(enabled=False)
    assert [text for _, _, text in dev.resources] == [
        "[mem 0xe0100000-0xe0100fff]",
        "[mem 0x1000100000-0x10001fffff 64bit pref]",
        "[io  0x1100-0x111f]",
    ]
    assert view_of(rig.device("port")).resources[0][2] == "[io  0x1000-0x1fff window]"

    rig.lose(0)

    assert dev.resources[0] == (0, None, "[mem size 0x00001000]")
    assert (dev.resource_start(0), dev.resource_len(0)) == (0, 0x1000)


def test_resource_calls_speak_as_in_c() -> None:
    """`resource_end` is inclusive; a BAR that is not there has length 0."""
    dev = Rig.of(Card()).dev(enabled=False)
    start = PREF_START + 0x10_0000

    assert (dev.resource_start(2), dev.resource_end(2), dev.resource_len(2)) == (start, start + 0xF_FFFF, 0x10_0000)
    assert dev.resource_flags(2) & (Flag.MEM | Flag.PREFETCH | Flag.MEM_64) == Flag.MEM | Flag.PREFETCH | Flag.MEM_64
    assert dev.resource_len(1) == 0
    with pytest.raises(PciError, match="there is no resource 11; BARs are 0 to 5, the ROM is 6"):
        dev.resource_len(11)


def test_config_space() -> None:
    """Three widths; writes beyond the mask vanish; capabilities are found by id."""
    dev = Rig.of(Card()).dev(enabled=False)

    dev.write_config_byte(0x3C, 0x0A)
    dev.write_config_word(COMMAND, 0xFFFF_0002)
    dev.write_config_dword(0x10, 0xFFFF_FFFF)

    assert (dev.read_config_byte(0x3C), dev.read_config_word(COMMAND), dev.read_config_dword(0x10)) == (0x0A, 2, 0xFFFF_F000)
    assert dev.read_config_byte(dev.find_capability(CAP_ID_MSIX)) == CAP_ID_MSIX
    assert dev.find_capability(CAP_ID_PM) != 0
    assert dev.find_capability(CAP_ID_EXP) == 0


@pytest.mark.parametrize("read", [lambda dev: dev.read_config_word(1), lambda dev: dev.read_config_dword(0x1000)])
def test_an_odd_config_register_is_einval(read: Callable[[PciDev], int]) -> None:
    """Misaligned, or beyond 4 KiB."""
    with pytest.raises(PciError, match=r"\[EINVAL\] .*no config register of . bytes at"):
        read(Rig.of(Card()).dev(enabled=False))


@pytest.mark.parametrize("flag", ["is_gone", "is_removed"])
def test_config_of_a_gone_device_is_all_ones(flag: str) -> None:
    """And writes vanish, even though somebody may answer in its slot."""
    rig = Rig.of(Card())
    dev = rig.dev(enabled=False)
    setattr(rig.device(), flag, True)

    dev.write_config_word(COMMAND, 7)

    assert (dev.read_config_byte(0), dev.read_config_word(0), dev.read_config_dword(0)) == (0xFF, 0xFFFF, 0xFFFF_FFFF)
    assert dev.find_capability(CAP_ID_PM) == 0
    assert rig.function().command == 0


def test_config_of_a_paused_device_works() -> None:
    """Config space does not move."""
    rig = Rig.of(Card())
    dev = rig.dev(enabled=False)
    rig.device().is_paused = True

    assert dev.read_config_word(0) == 0x1234


@pytest.mark.parametrize(
    ("call", "text"),
    [
        pytest.param(lambda dev: dev.enable_device(), "cannot be enabled, the device is gone", id="enable"),
        pytest.param(lambda dev: dev.iomap(0), "cannot map BAR 0, the device is gone", id="iomap"),
        pytest.param(lambda dev: dev.request_regions("me"), "cannot reserve its BARs, the device is gone", id="regions"),
        pytest.param(lambda dev: dev.alloc_irq_vectors(1, 1), "no interrupt vectors, the device is gone", id="vectors"),
    ],
)
def test_a_gone_device_gives_enodev(call: Callable[[PciDev], object], text: str) -> None:
    """Nothing new is handed out for it."""
    rig = Rig.of(Card())
    dev = rig.dev(enabled=False)
    rig.device().is_removed = True

    with pytest.raises(PciError) as caught:
        call(dev)

    assert caught.value.errno == errno.ENODEV
    assert text in str(caught.value)


def test_enable_and_disable() -> None:
    """Decode comes on and stays on; the last disable ends bus mastering."""
    rig = Rig.of(Card(), behind_port=True)
    dev = rig.dev(enabled=False)

    dev.enable_device()
    dev.set_master()
    assert dev.is_enabled
    assert rig.function("port").command & COMMAND_MASTER
    dev.disable_device()

    assert not dev.is_enabled
    assert rig.function().command & (COMMAND_MEMORY | COMMAND_MASTER) == COMMAND_MEMORY
    dev.set_master()
    dev.clear_master()
    assert not rig.function().command & COMMAND_MASTER


def test_enabling_wakes_a_sleeper() -> None:
    """As pci_enable_device() does."""
    rig = Rig.of(Card())
    dev = rig.dev()
    dev.set_power_state(PowerState.D3HOT)

    dev.enable_device()

    assert rig.function().power is PowerState.D0


def test_enabling_names_the_bar_without_an_address() -> None:
    """EINVAL, the BAR and its size."""
    rig = Rig.of(Card())
    rig.lose(2)

    with pytest.raises(PciError, match=r"\[EINVAL\] .*BAR 2 0x100000 bytes is not assigned"):
        rig.dev()


def test_regions_are_claimed_once() -> None:
    """EBUSY names the BAR and who holds it; giving back makes it free; nothing to give back is fine."""
    dev = Rig.of(Card()).dev()
    dev.request_regions("edu")

    with pytest.raises(PciError, match=r"\[EBUSY\] .*can't reserve BAR 0 .*'edu' holds .* as BAR 0 of card1") as caught:
        dev.request_regions("again")
    dev.release_regions()
    dev.release_regions()
    dev.request_regions("again")

    assert caught.value.errno == errno.EBUSY
    assert [(region.bar, region.owner) for region in dev.held.regions] == [(0, "again"), (2, "again"), (4, "again")]


def test_a_region_not_released_before_a_move_blocks_the_old_address() -> None:
    """C50: the busy child stays behind."""
    rig = Rig.of(Card(), Card())
    careless, other = rig.dev(), rig.dev("card2")
    careless.request_regions("careless")
    rig.move(0, MEM_START + 0x50_0000)
    rig.move(0, MEM_START + 0x10_0000, "card2")

    with pytest.raises(PciError, match=r"'careless' holds \[0xe0100000-0xe0100fff\] as BAR 0 of card1"):
        other.request_regions("other")

    assert other.held.regions == []


def test_an_unassigned_bar_cannot_be_reserved() -> None:
    """All or nothing: the good BARs are not kept either."""
    rig = Rig.of(Card())
    rig.lose(4)
    dev = rig.dev(enabled=False)

    with pytest.raises(PciError, match=r"\[EBUSY\] .*can't reserve BAR 4, its 0x20 bytes are not assigned; make room"):
        dev.request_regions("edu")

    assert dev.held.regions == []


def test_iounmap_takes_only_its_own() -> None:
    """`dev.iounmap(m)` is `m.iounmap()`."""
    rig = Rig.of(Card(), Card())
    mine, yours = rig.dev(), rig.dev("card2")
    mapping = mine.iomap(0)

    with pytest.raises(PciError, match=r"card2 .*mapping of card1 .* is not its own"):
        yours.iounmap(mapping)
    mine.iounmap(mapping)

    assert mapping.closed
    assert mine.held.mappings == []


def test_time_passes_when_the_driver_waits() -> None:
    """Milliseconds and microseconds of virtual time."""
    dev = Rig.of(Card()).dev()
    before = dev.clock.now

    dev.msleep(3)
    dev.udelay(2)
    done = dev.wait_for(lambda: False, timeout_ms=1)

    assert not done
    assert dev.clock.now - before == 3_000_000 + 2_000 + 1_000_000


def test_a_device_without_bars_or_capabilities() -> None:
    """Nothing is assumed."""
    rig = Rig.of(Card())
    rig.machine.add("plain", "root", "05.0", PlainModel(1, 2))
    from movsdk.kernel.probe import scan_child_bus

    scan_child_bus(rig.system.root)
    dev = rig.dev("plain")

    assert dev.resources == ()
    dev.request_regions("plain")
    with pytest.raises(PciError, match=r"\[ENOSPC\] .*MSI-X offers 0, MSI 0, INTx 0"):
        dev.alloc_irq_vectors(1, 1)


def test_what_is_held_can_be_kept() -> None:
    """A list of holdings is a snapshot: later calls do not change it."""
    dev = Rig.of(Card()).dev()
    before = dev.held.mappings, dev.held.regions, dev.held.buffers, dev.held.works

    dev.iomap(0)
    dev.request_regions("edu")
    dev.dma_alloc_coherent(64)
    dev.queue_work(lambda: None)

    assert before == ([], [], [], [])
    assert [len(held) for held in (dev.held.mappings, dev.held.regions, dev.held.buffers, dev.held.works)] == [1, 3, 1, 1]
