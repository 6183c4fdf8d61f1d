"""The console on a display that firmware lit."""

from __future__ import annotations

from movsdk.kernel.framebuffer import light, remove_conflicting_devices
from movsdk.kernel.sanitizer import is_absent
from tests.kernel.rig import Card, Rig, ready


def test_a_console_draws_with_each_line_of_the_log() -> None:
    """Into the BAR, as long as the card decodes it."""
    rig = Rig.of(Card())
    dev = ready(rig)
    console = light(rig.device(), 0)

    rig.system.log(None, "hello")

    assert console is not None
    assert dev.iomap(0).readl(0) == 0x00FF_FFFF
    assert not console.is_stale


def test_where_there_is_no_bar_there_is_no_console() -> None:
    """Firmware found no place for it, or it has none."""
    rig = Rig.of(Card())

    assert light(rig.device(), 4) is None
    assert rig.system.framebuffers == []


def test_a_bar_that_moved_leaves_the_console_behind() -> None:
    """It draws on, at the old place, and says who has that now."""
    rig = Rig.of(Card())
    ready(rig)
    console = light(rig.device(), 0)
    assert console is not None
    old = console.span.start

    rig.move(bar=0, start=old + 0x10_0000)
    rig.system.log(None, "hello")

    assert console.is_stale
    assert str(console) == (
        f"efifb, the console on the display that firmware lit, draws at {old:#x}, where BAR 0 was; it is at "
        f"{rig.device().bar_span(0)} now, and who answers there is nobody"
    )
    assert [fault.address for fault in rig.machine.fabric.faults] == [old]


def test_who_takes_the_display_over_ends_the_console() -> None:
    """Only of its own device, and a second time is nothing."""
    rig = Rig.of(Card(), Card())
    one, other = rig.device("card1"), rig.device("card2")
    light(one, 0)
    second = light(other, 0)

    remove_conflicting_devices(one, "mydrm")
    remove_conflicting_devices(one, "mydrm")

    assert rig.system.framebuffers == [second]
    assert [event.text for event in rig.system.trace.events if "display" in event.text] == [
        f"pci {one.bdf}: mydrm: display taken over from efifb"
    ]
    assert not is_absent(one)
