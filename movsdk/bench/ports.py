"""The ports of a bench: which one a card may go into, and room in one whose card is gone for good.

Twin: the hands of whoever stands before the machine.
"""

from __future__ import annotations

from collections.abc import Collection

from mockbus.topology import Machine
from movsdk.errors import BadInput


def free_port(machine: Machine, count: int, gone: Collection[str]) -> str:
    """The first of `count` ports that never had a card, else the first whose cards are `gone`. Raises `BadInput`: none."""
    ports = [f"port{number}" for number in range(1, count + 1)]
    cards = {port: _cards_in(machine, port) for port in ports}
    for port in (*(port for port in ports if not cards[port]), *(port for port in ports if cards[port] <= set(gone))):
        return port
    raise BadInput(f"all {count} ports are taken; make Bench(ports={count + 1}) or remove a card")


def clear(machine: Machine, port: str, gone: Collection[str]) -> None:
    """Take cards out of the machine for good that are `gone` and were in `port`."""
    for label in _cards_in(machine, port) & set(gone):
        machine.discard(label)


def _cards_in(machine: Machine, port: str) -> set[str]:
    return {each.label for each in machine if each.parent is not None and each.parent.label == port}
