"""Random little programs on the real bus: what two tasks do to two cards, and what anybody could see of it in the end."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from random import Random
from typing import Any, Final

from attrs import define, field

from mockbus import BarKind, BarSpec, DeviceModel, Pm
from movsdk import PciDev, PciError, PciId
from movsdk.bench.bench import Bench
from movsdk.errors import BadInput
from movsdk.explore import World
from movsdk.kernel.pcidev import view_of
from movsdk.pci_regs import BASE_ADDRESS_0, COMMAND, INTERRUPT_LINE, MEMORY_BASE, PRIMARY_BUS, PowerState
from movsdk.testing.tasks import Tasks

ID: Final = PciId(0x6D76, 0x0009)
STORE, FETCH, NUMBER = 0x10, 0x20, 0x30
"""Registers: the card stores its number at an address, fetches it from there; and the number itself, behind both BARs."""


class Card(DeviceModel):
    """A number, and DMA."""

    vendor_id, device_id, class_code = ID.vendor, ID.device, 0x00FF00
    bars = (BarSpec(0, BarKind.MEM32, 0x1000), BarSpec(2, BarKind.MEM32, 0x1000))
    capabilities = (Pm(),)

    def __init__(self, number: int) -> None:
        self.number = number

    def read(self, bar: int, offset: int, size: int) -> int:
        return self.number

    def write(self, bar: int, offset: int, size: int, value: int) -> None:
        if offset == STORE:
            self.dma_write(value, self.number.to_bytes(4, "little"))
        elif offset == FETCH:
            self.number = int.from_bytes(self.dma_read(value, 4), "little")
        elif offset == NUMBER:
            self.number = value


class Driver:
    """Enables, maps, and is one object for all its cards."""

    name, id_table = "card", (ID,)
    users = 0

    def probe(self, dev: PciDev, id: PciId) -> None:
        dev.enable_device()
        dev.set_master()
        dev.drvdata = [dev.iomap(0), dev.iomap(2)]

    def remove(self, dev: PciDev) -> None:
        dev.disable_device()


@define(eq=False)
class Desk:
    """Two cards in two slots, a buffer, and what each task saw."""

    bench: Bench = field(factory=lambda: Bench(faults="hardware", strict=False))
    seen: list[list[object]] = field(factory=lambda: [[], []])
    cards: list[PciDev] = field(init=False)
    buffer: Any = field(init=False)
    ports: list[PciDev] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.cards = [self.bench.plug(Driver, Card(number)) for number in (3, 5)]
        for card, line in zip(self.cards, (0x55, 0xAA), strict=True):
            card.write_config_byte(INTERRUPT_LINE, line)
        self.buffer = self.cards[0].dma_alloc_coherent(64)
        self.ports = [view_of(port) for port in map(self.bench.world.find, ("port1", "port2")) if port is not None]

    def outcome(self, misses: frozenset[str]) -> Hashable:
        """All that could differ at the end."""
        registers = tuple(card.read_config_dword(at) for card in self.cards for at in (COMMAND, BASE_ADDRESS_0, INTERRUPT_LINE))
        models = tuple(function.model.number for function in self.bench.world.machine if isinstance(function.model, Card))
        return tuple(tuple(map(str, seen)) for seen in self.seen), misses, registers, models


Act = Callable[[Desk, int], object]
"""What a task does; the number is 0 or 1: which card."""


def _users(desk: Desk, card: int) -> object:
    driver, dev = desk.bench.driver(desk.cards[card]), desk.cards[card]
    before = driver.users
    dev.write_config_byte(INTERRUPT_LINE, before)
    driver.users = before + 1
    return driver.users


def _map_anew(desk: Desk, card: int) -> None:
    dev = desk.cards[card]
    dev.iounmap(dev.drvdata[0])
    dev.drvdata[0] = dev.iomap(0)


def _off_and_on(desk: Desk, card: int) -> None:
    dev = desk.cards[card]
    dev.set_power_state(PowerState.D3HOT)
    dev.set_power_state(PowerState.D0)


def _claim_bus(desk: Desk, card: int) -> None:
    desk.ports[card].write_config_dword(PRIMARY_BUS, desk.ports[1 - card].read_config_dword(PRIMARY_BUS))


def _claim_address(desk: Desk, card: int) -> None:
    desk.ports[card].write_config_dword(MEMORY_BASE, desk.ports[1 - card].read_config_dword(MEMORY_BASE))
    desk.cards[card].write_config_dword(BASE_ADDRESS_0, desk.cards[1 - card].resource_start(0))


ACTS: Final[dict[str, Act]] = {
    "reads": lambda desk, card: desk.cards[card].drvdata[0].readl(0),
    "reads the other BAR": lambda desk, card: desk.cards[card].drvdata[1].readl(0),
    "writes": lambda desk, card: desk.cards[card].drvdata[0].writel(7 + card, NUMBER),
    "stores": lambda desk, card: desk.cards[card].drvdata[0].writel(desk.buffer.address + 8 * card, STORE),
    "stores near": lambda desk, card: desk.cards[card].drvdata[1].writel(desk.buffer.address + 9, STORE),
    "fetches": lambda desk, card: desk.cards[card].drvdata[0].writel(desk.buffer.address + 8, FETCH),
    "stores to a peer": lambda desk, card: (
        desk.cards[card].drvdata[0].writel(desk.cards[1 - card].resource_start(0) + NUMBER, STORE)
    ),
    "CPU looks": lambda desk, _card: bytes(desk.buffer.view[:16]),
    "CPU writes": lambda desk, card: desk.buffer.view.__setitem__(8, 0x50 + card),
    "frees": lambda desk, _card: desk.cards[0].dma_free_coherent(desk.buffer),
    "allocates": lambda desk, card: desk.cards[card].dma_alloc_coherent(64).address,
    "maps anew": _map_anew,
    "unmaps": lambda desk, card: desk.cards[card].drvdata[0].iounmap(),
    "decode off": lambda desk, card: desk.cards[card].write_config_word(COMMAND, 4),
    "no master": lambda desk, card: desk.cards[card].clear_master(),
    "sets master": lambda desk, card: desk.cards[card].set_master(),
    "enables": lambda desk, card: desk.cards[card].enable_device(),
    "disables": lambda desk, card: desk.cards[card].disable_device(),
    "is enabled": lambda desk, card: desk.cards[card].is_enabled,
    "off and on": _off_and_on,
    "closes the window": lambda desk, card: desk.ports[card].write_config_dword(MEMORY_BASE, 0x0000FFF0),
    "claims the bus": _claim_bus,
    "claims the address": _claim_address,
    "reserves": lambda desk, card: desk.cards[card].request_regions("card"),
    "releases": lambda desk, card: desk.cards[card].release_regions(),
    "has a vector": lambda desk, card: desk.cards[card].alloc_irq_vectors(1, 1),
    "a user more": _users,
    "moves it": lambda desk, card: desk.bench.force_move(desk.cards[card], bar=0),
    "writes a register": lambda desk, card: desk.cards[card].write_config_byte(INTERRUPT_LINE, 9),
    "reads a register": lambda desk, card: desk.cards[card].read_config_byte(INTERRUPT_LINE),
    "is pulled": lambda desk, card: desk.bench.pull(desk.cards[card]),
}


@define(eq=False)
class BusProgram:
    """What each of two tasks does, in order; `outcomes` grows with every run that is executed."""

    acts: tuple[tuple[tuple[str, int], ...], ...]
    is_declared: bool = False
    outcomes: set[Hashable] = field(factory=set, init=False)

    @classmethod
    def of_seed(cls, seed: int, *, is_declared: bool = False) -> BusProgram:
        """Two tasks of one or two acts. `is_declared`: without a cell for drivers' own state, of which there is none."""
        random = Random(seed)
        names = sorted(ACTS.keys() - ({"a user more"} if is_declared else set()))
        lengths = [random.choice((1, 1, 2)) for _ in "ab"]
        return cls(
            tuple(tuple((random.choice(names), random.randrange(2)) for _ in range(length)) for length in lengths), is_declared
        )

    def __call__(self, world: World) -> None:
        """Set the tasks up. They are handed both cards, as code of their driver."""
        desk, tasks = Desk(), Tasks(world)
        oracles = tasks.watch(desk.bench, is_declared=self.is_declared)
        for number, acts in enumerate(self.acts):
            tasks.spawn("ab"[number], self._body(desk, number, acts), *desk.cards)

        def note() -> bool:
            self.outcomes.add(desk.outcome(frozenset(miss.oracle for miss in oracles.misses)))
            return True

        world.finally_("noted", note)

    @staticmethod
    def _body(desk: Desk, number: int, acts: tuple[tuple[str, int], ...]) -> Callable[..., None]:
        def body(*_cards: PciDev) -> None:
            for name, card in acts:
                try:
                    desk.seen[number].append(ACTS[name](desk, card))
                except (PciError, BadInput, ValueError) as error:
                    desk.seen[number].append(type(error).__name__)

        return body

    def __str__(self) -> str:
        return " || ".join(", ".join(f"{name} {card}" for name, card in acts) for acts in self.acts)
