"""Whatever happens at a slot while its card works: no driver is to blame, and every request is answered."""

from __future__ import annotations

import pytest

from tests.scenarios.stage import play_text

MACHINE = """
windows:
  - {{type: io, start: 0x1000, last: 0xffff}}
  - {{type: mem, start: 0x80000000, last: 0xefffffff}}
devices:
  - {{id: port, slot: "01.0", kind: bridge, pcie: root-port, hotplug: true, controls: [{controls}]}}
  - {{id: card, on: port, slot: "00.0", driver: {driver}, load: true}}
  - {{id: other, slot: "02.0", kind: bridge, pcie: root-port, hotplug: true}}
  - {{id: disk, on: other, slot: "00.0", driver: nvme, load: true}}
events: [{{op: boot}}, {{op: {op}, id: {whom}}}, {{op: rescan}}]
"""
DRIVERS = ("nvme", "edu", "gpu", "legacy")


@pytest.mark.parametrize("rules", ["v9", "v2", "off"])
@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("op", ["link", "pull", "power_fault", "button"])
def test_a_card_that_goes_in_the_middle_of_its_work(op: str, driver: str, rules: str) -> None:
    """Torn out, reset by its link, without power, or let go in order: its driver notices, and the drive next door never does."""
    controls = {"button": "button", "power_fault": "power"}.get(op, "")
    whom = "card" if op == "pull" else "port"
    story = play_text(MACHINE.format(controls=controls, driver=driver, op=op, whom=whom), rules)

    assert [outcome.breaches.broken for outcome in story.outcomes] == [()] * 3
    assert "card" in story.outcomes[1].report.removed
    assert all(
        "0 outstanding, 0 lost, 0 twice" in told for outcome in story.outcomes for told in outcome.io if "requests" in told
    )
    assert any(told.startswith("I/O on disk") and " 0 failed" in told for told in story.outcomes[1].io)


@pytest.mark.parametrize("state", ["d1", "d3hot", "d3cold"])
@pytest.mark.parametrize("driver", DRIVERS)
def test_a_card_that_sleeps_through_a_move(driver: str, state: str) -> None:
    """Who can sleep does, and works again afterwards; who cannot stays awake and says why. Nobody works in its sleep."""
    text = MACHINE.format(controls="", driver=driver, op="suspend", whom="card")
    text = text.replace("{op: suspend, id: card}", f"{{op: suspend, id: card, state: {state}}}")
    story = play_text(text.replace("{op: rescan}]", "{op: rescan}, {op: resume, id: card}, {op: io, id: card}]"), "v9")

    can_sleep = driver in ("nvme", "gpu") and state != "d1"
    assert story.outcomes[1].rc == (0 if can_sleep else -16)
    assert [outcome.breaches.broken for outcome in story.outcomes] == [()] * 5
    assert [outcome.findings for outcome in story.outcomes] == [()] * 5
    assert any(told.startswith("I/O on card") and (" 0 failed" in told or "in vain: 0" in told) for told in story.last.io)


def test_a_port_sleeps_when_its_card_does() -> None:
    """A PCI Express port has power management; a rescan wakes it, and the card behind it is where the kernel believes."""
    text = MACHINE.format(controls="", driver="nvme", op="suspend", whom="card")
    story = play_text(text.replace("{op: rescan}]", "{op: suspend, id: port}, {op: rescan}, {op: resume, id: card}]"), "v9")

    assert [outcome.rc for outcome in story.outcomes] == [0] * 5
    assert [outcome.findings for outcome in story.outcomes] == [()] * 5
    power = [event.text for outcome in story.outcomes for event in outcome.report.timeline if event.who == "port"]
    assert "power state D0 -> D3HOT" in power
    assert "power state D3HOT -> D0" in power


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_rescan_while_the_machine_sleeps(driver: str) -> None:
    """Who knows of sleep sleeps through it, who does not is quiet in D0; all of them work when the machine wakes."""
    text = MACHINE.format(controls="", driver=driver, op="sleep", whom="card").replace("sleep, id: card", "sleep")
    story = play_text(text.replace("{op: rescan}]", "{op: rescan}, {op: wake}, {op: io, id: card}]"), "v9")

    assert [outcome.breaches.broken for outcome in story.outcomes] == [()] * 5
    slept = [event.who for event in story.outcomes[1].report.timeline if "-> D3HOT" in event.text]
    assert ("card" in slept) == (driver in ("nvme", "gpu"))
    assert any(told.startswith("I/O on card") and (" 0 failed" in told or "in vain: 0" in told) for told in story.last.io)
