"""What a tester may do to a device while its BARs move: each power is a context round an ordinary rescan.

Twin: chance, which does all of this on real machines and never when one looks. `forced` puts them together. Each works in rules
with movement (v9, v5, v2) and is over when its context is left, except that a shrunk BAR stays small and a card stays pulled.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Final

from attrs import evolve

from mockbus.header import permit_bar
from movsdk.bench.force import FAILING, LOSSES
from movsdk.bench.forcing import check_bar, take_away
from movsdk.bench.steps import AtStep
from movsdk.bench.world import World
from movsdk.errors import BadInput, InvariantBroken, PciError
from movsdk.kernel.actor import record_failure
from movsdk.kernel.device import Bus, Device
from movsdk.kernel.framebuffer import light
from movsdk.kernel.irq import irq_domain
from movsdk.kernel.pcidev import PciDev, device_of
from movsdk.kernel.saved_state import restore_state, save_state
from movsdk.pci_regs import BRIDGE_RESOURCES
from movsdk.rescan.report import RescanReport

FROZEN: Final = 2  # pci_channel_io_frozen
_OTHER_CPU: Final = 1 << 12  # the destination in a message's address


def at_step(world: World, step: str, action: Callable[[], object]) -> AtStep:
    """Run `action` once, before that step of the next transaction. Raises `BadInput` naming the steps there are."""
    moves = world.engine.rules.moves
    known = moves.order if moves is not None else ()
    if step not in known:
        raise BadInput(f"a rescan with rules {world.engine.rules.name} has no step {step!r}; it has {', '.join(known) or 'none'}")
    return AtStep(world.engine, step, action)


def after_pause(world: World, action: Callable[[], object]) -> AtStep:
    """Run `action` once, as soon as every driver of the next transaction is paused."""
    moves = world.engine.rules.moves
    if moves is None:
        raise BadInput(f"nobody is paused with rules {world.engine.rules.name!r}; use v9, v5 or v2")
    return at_step(world, moves.order[moves.order.index("pause") + 1], action)


# --- BARs --------------------------------------------------------------------------------------------
def kept(world: World, device: Device, bars: Iterable[int] = range(BRIDGE_RESOURCES)) -> AtStep:
    """These BARs of `device` are paused and resumed at the same place (v9 and v5)."""
    chosen = frozenset(bars)

    def pin() -> None:
        was = device.row.answers
        device.row.answers = tuple(bar in chosen or (was is not None and was[bar]) for bar in range(BRIDGE_RESOURCES))

    return after_pause(world, pin)


def lost(world: World, device: Device, bars: Iterable[int]) -> AtStep:
    """These BARs find no place. Raises `BadInput` for one that has none now."""
    bars = tuple(bars)
    for bar in bars:
        check_bar(device, bar)

    def lose() -> None:
        for bar in bars:
            take_away(device, bar)

    return at_step(world, "bridges", lose)


def shrunk(world: World, device: Device, bars: Iterable[int]) -> AtStep:
    """These BARs come back with half their size, in silicon and for the kernel, as after a resize.

    Raises:
        BadInput: a BAR has no place, is as small as its kind can be, or has the MSI-X table in its upper half.
    """
    function, halves = world.machine.function(device.label), {}
    for bar in bars:
        check_bar(device, bar)
        spec = function.bars[bar].spec
        half = spec.size // 2
        if any(overlay.last >= half for overlay in function.bars[bar].overlays):
            raise BadInput(f"{device}: BAR {bar} cannot shrink to {half:#x} bytes, its MSI-X table lies behind that")
        halves[bar] = evolve(spec, size=half)  # BadInput where no BAR can be that small

    def shrink() -> None:
        before = [(bar, bar.span) for bar in function.decoding()]
        for number, spec in halves.items():
            function.bars[number].spec = spec
            permit_bar(function.config, spec, is_bridge=function.is_bridge)
            resource = device.resources[number]
            resource.set_span(resource.start, resource.start + spec.size - 1)
        function.fabric.decode_changed(before)

    return after_pause(world, shrink)


# --- state -------------------------------------------------------------------------------------------
def state_lost(world: World, device: Device, how: str) -> AtStep:
    """The device forgets everything while it is paused.

    `how`: "model" = as after a reset of the device behind its registers; "power" = its power is cut, contents of RAM BARs
    included, and the kernel writes the configuration back, as after a reset of the slot.
    """
    if how not in LOSSES:
        raise BadInput(f"state can be lost by {' or '.join(LOSSES)}, not by {how!r}")
    function = world.machine.function(device.label)

    def lose() -> None:
        if not function.present:
            return
        if how == "model":
            if function.model is not None:
                function.model.reset()
            return
        save_state(device)
        world.machine.cut_power(device.label)
        world.machine.restore_power(device.label)
        restore_state(device)

    return after_pause(world, lose)


@contextmanager
def lit_by_firmware(world: World, bar: int) -> Iterator[None]:
    """Firmware has lit a display in BAR `bar` of each device that is probed inside, and a console draws there."""
    system, before = world.system, world.system.before_probe

    def lit(device: Device) -> None:
        if not device.row.is_bridge:
            light(device, bar)

    system.before_probe = lit
    try:
        yield
    finally:
        system.before_probe = before


def pulled(world: World, device: Device, before: str) -> AtStep:
    """The card is torn out before that step, and nobody tells the kernel."""
    return at_step(world, before, lambda: world.machine.unplug(device.label, told=False))


def recovering(world: World, device: Device, before: str) -> AtStep:
    """The link of `device` reports a fatal error before that step, and recovers: error_detected, reset, slot_reset.

    Nobody waits for the rescan with it, as in Linux. What a hook raises gives the device up: it is gone until ``remove``.

    Raises:
        BadInput: the driver has not both hooks.
    """
    driver = device.driver
    if driver is None or not (driver.has("error_detected") and driver.has("slot_reset")):
        raise BadInput(f"{device}: its driver has no error_detected() and slot_reset(), so nothing recovers it")

    def told(hook: str, **arguments: int) -> bool:
        try:
            driver.call(hook, dev=device, **arguments)
        except InvariantBroken:
            raise
        except Exception as error:  # whatever a driver raises is a result
            record_failure(device, hook, error, "the device is gone until remove()")
            device.is_gone = True
        return not device.is_gone

    def recover() -> None:
        if told("error_detected", state=FROZEN):
            save_state(device)
            world.machine.function(device.label).reset()
            restore_state(device)
            told("slot_reset")

    return at_step(world, before, recover)


# --- interrupts --------------------------------------------------------------------------------------
def messages(world: World, device: Device, most: int) -> AtStep:
    """From the next pause on the device gets at most `most` vectors, and its messages another address.

    Vectors that the driver keeps across the pause stay as many; the core writes the new address into them.
    """
    if most < 1:
        raise BadInput(f"{device}: at most {most} interrupt vectors; leave it 1")
    domain = irq_domain(device)

    def change() -> None:
        domain.limits[device.label] = most
        domain.message_address ^= _OTHER_CPU
        if world.machine.function(device.label).is_answering:
            with suppress(PciError):  # a device that is not enabled gets no messages either
                domain.program(device)

    return after_pause(world, change)


# --- hooks -------------------------------------------------------------------------------------------
@contextmanager
def failing(dev: PciDev, call: str, hook: str = "rescan_done") -> Iterator[None]:
    """While inside, one of the kernel's calls fails with ENOMEM in that hook of `dev`, as when memory is short.

    Raises:
        BadInput: no call that can fail.
    """
    if call not in FAILING:
        raise BadInput(f"{call!r} cannot be made to fail; these can: {', '.join(FAILING)}")
    original: Callable[..., object] = getattr(PciDev, call)

    def refused(self: PciDev, *arguments: object, **named: object) -> object:
        if self is dev and device_of(dev).in_hook == hook:
            raise PciError(errno.ENOMEM, f"{dev}: {call}() failed, out of memory")
        return original(self, *arguments, **named)

    setattr(PciDev, call, refused)
    try:
        yield
    finally:
        setattr(PciDev, call, original)


@contextmanager
def ordered(world: World, labels: Iterable[str]) -> Iterator[None]:
    """While inside, devices are paused and resumed in the order of `labels`; who is not named comes behind, as ever."""
    rank = {label: number for number, label in enumerate(labels)}
    engine, before = world.engine, world.engine.before_step
    usual: list[tuple[Bus, list[Device]]] = []

    def first(device: Device) -> int:
        below = [first(child) for child in device.subordinate.devices] if device.subordinate is not None else []
        return min([rank.get(device.label, len(rank)), *below])

    def at(step: str) -> None:
        for bus, devices in usual:
            bus.devices[:] = [each for each in devices if each in bus.devices]
        usual.clear()
        before(step)
        if step in ("pause", "resume"):
            for bus in _buses(world.system.root):
                usual.append((bus, list(bus.devices)))
                bus.devices.sort(key=first)

    engine.before_step = at
    try:
        yield
    finally:
        engine.before_step = before


def _buses(bus: Bus) -> Iterator[Bus]:
    yield bus
    for child in bus.children:
        yield from _buses(child)


def asked_again(world: World, before: str, on_report: Callable[[RescanReport], None]) -> AbstractContextManager[None]:
    """Somebody asks for a second rescan before that step of the first; it waits for the lock and follows when time passes."""
    engine = world.engine
    return at_step(world, before, lambda: engine.when_unlocked(lambda: on_report(engine.rescan())))


def call_hooks(device: Device, hooks: Iterable[str]) -> None:
    """Call rescan hooks out of turn, one after the other; the BARs stay. A `PciError` is a refusal, and allowed.

    Raises:
        BadInput: no driver, or none with that hook. Whatever else a hook raises comes through.
    """
    driver = device.driver
    for hook in hooks:
        if driver is None or not driver.has(hook):
            raise BadInput(f"{device}: its driver has no {hook}() to be called")
        device.is_paused = False
        try:
            driver.call(hook, dev=device)
        except PciError:
            pass
        finally:
            device.is_paused = hook == "rescan_prepare"
