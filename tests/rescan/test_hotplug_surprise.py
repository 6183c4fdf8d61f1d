"""Whoever goes without notice is talked to no more; whoever is let go in order is, until the end."""

from __future__ import annotations

from movsdk.pci_regs import COMMAND
from tests.rescan.chassis import FULL, Chassis


def test_who_was_torn_out_is_talked_to_no_more() -> None:
    """After a link that bounced a card answers there, perhaps another one: the driver that lets go reads all-ones."""
    chassis = Chassis.of(card=True)
    old = chassis.world.find("card")
    assert old is not None

    chassis.slot.retrain()
    chassis.run()

    new = chassis.world.find("card")
    assert new is not None
    assert new is not old
    assert (old.config_read(0, 2), new.config_read(0, 2)) == (0xFFFF, 0x1234)
    command = new.config_read(COMMAND, 2)
    old.config_write(COMMAND, 2, 0)
    assert new.config_read(COMMAND, 2) == command


def test_who_is_removed_in_order_is_talked_to_until_the_end() -> None:
    """The button gives notice: nobody is disconnected."""
    chassis = Chassis.of(*FULL, card=True)
    old = chassis.world.find("card")

    chassis.slot.press_button()
    chassis.run(6_000)

    assert old is not None
    assert (chassis.is_known, old.is_removed, old.is_disconnected) == (False, True, False)
