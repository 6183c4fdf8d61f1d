"""Stories about others who hold an address of the BAR, or look at it: users, sysfs, peers."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from mockbus.bar import BarSpec
from mockbus.model import DeviceModel
from movsdk.bench.alarm import Hung
from movsdk.errors import PciError, UserBusError
from movsdk.hooks import PciId
from movsdk.kernel.actor import show
from movsdk.kernel.pcidev import PciDev, device_of
from movsdk.kernel.user_mapping import UserMapping
from movsdk.layout.table import MEM_64
from movsdk.pci_regs import BarKind, bar_register
from movsdk.testing.conformance.driver_calls import method_site
from movsdk.testing.conformance.sleepers import Sleepers
from movsdk.testing.conformance.stage import Stage
from movsdk.testing.conformance.subject import Subject
from movsdk.testing.conformance.trial import Needs, NotChecked, Trial, all_of, movable, trial
from movsdk.testing.conformance.watchdog import watched

_MARK: Final = 0x5AFE_C0DE
_LENGTH: Final = 4096
_BLOCKED_MS: Final = 200  # who waits longer in a fault waits for rescan_done, and rightly so
_AWAY: Final = 2048  # where a user writes while the device is paused


def offers(method: str, arguments: str) -> Needs:
    """A need: the driver has this service."""

    def need(subject: Subject) -> str | None:
        return None if subject.offers(method) else f"the driver has no {method}({arguments})"

    return need


@trial("a user maps the BAR", blames="C23", rules="C24 C25", needs=all_of(movable, offers("mmap", "dev, offset, length")))
def user_maps(stage: Stage) -> None:
    """A process writes and reads through its mapping before, while and after the move."""
    dev = stage.plug()
    stage.io(dev)
    mapping = stage.do("mmap", lambda: stage.bench.driver(dev).mmap(dev, 0, _LENGTH))
    if not isinstance(mapping, UserMapping):
        raise NotChecked(f"mmap() returned {type(mapping).__name__}, not a UserMapping")
    try:
        stage.do("a user's write", lambda: mapping.write(_MARK, 0))
    except UserBusError as error:
        raise NotChecked(f"a user gets SIGBUS before anything moves: {error}") from error
    written: list[int] = []
    other = _second_mapping(stage, dev)

    def meanwhile() -> None:
        _while_paused(stage, dev, mapping, written)
        if other is not None:
            _while_paused(stage, dev, other, [])

    sleepers = Sleepers()
    with sleepers.watching():
        stage.while_paused(meanwhile, dev)
    _sleeps_with_locks(stage, mapping, sleepers)
    found = stage.do("a user's read", lambda: _answer(lambda: mapping.read(0)))
    if mapping.is_dummy:
        written.append(_MARK)
        _lost_write(stage, mapping, written)
    elif found not in (_MARK, None):
        stage.note(
            "C23",
            f"{mapping}: a user wrote {_MARK:#x} before the move and reads {found:#x} after it",
            ("user data",),
            mapping.mapped_at,
        )
    if found is None:
        stage.note(
            "C23",
            f"{mapping}, made at {show(mapping.mapped_at)}: a user gets SIGBUS after the move; "
            "insert() the new place in its fault handler",
            ("user gone",),
            mapping.mapped_at,
        )
    if stage.do("a user's read", lambda: _answer(lambda: mapping.read(_AWAY))) == 0:
        _lost_write(stage, mapping, written)
    stage.do("munmap", mapping.close)
    if other is not None:
        stage.do("munmap", other.close)
    stage.finish()


def _second_mapping(stage: Stage, dev: PciDev) -> UserMapping | None:
    """Another process maps the same piece and touches it; a driver may refuse that."""
    with suppress(PciError, UserBusError):
        mapping = stage.do("mmap", lambda: stage.bench.driver(dev).mmap(dev, 0, _LENGTH))
        if isinstance(mapping, UserMapping):
            stage.do("a user's read", lambda: mapping.read(0))
            return mapping
    return None


def _sleeps_with_locks(stage: Stage, mapping: UserMapping, sleepers: Sleepers) -> None:
    """A hook takes a lock that a user holds who sleeps in the fault handler until that hook has run."""
    for name, held_at, who, wanted_at in sleepers.wanted[:1]:
        stage.note(
            "C25",
            f"{mapping}: its fault handler sleeps until the device is back and holds {name}, taken at {show(held_at)}, "
            f"and {who} takes it at {show(wanted_at)}: each waits for the other; sleep without locks",
            ("sleeps with a lock",),
            held_at,
            {"wanted": wanted_at},
        )


def _lost_write(stage: Stage, mapping: UserMapping, written: list[int]) -> None:
    """A write of a user that was taken while paused, and is not there afterwards."""
    if written:
        stage.note(
            "C24",
            f"{mapping}, made at {show(mapping.mapped_at)}: a user wrote {written[0]:#x} while the device was paused, and "
            "it is lost; a dummy page swallows writes: let the fault wait until rescan_done, or refuse it",
            ("lost write",),
            mapping.mapped_at,
        )


def _while_paused(stage: Stage, dev: PciDev, mapping: UserMapping, written: list[int]) -> None:
    """A user's access now must not reach the device: it waits (here: SIGBUS, or for ever) until rescan_done."""

    def write() -> None:
        mapping.write(_MARK, _AWAY)

    with suppress(UserBusError, Hung):
        watched(dev.clock, "a user's write", write, _BLOCKED_MS, stage.subject.loopers)
        written.append(_MARK)
        if not mapping.is_present:
            return  # it was served by somebody else; whether it arrives is seen afterwards
        mapping.read(0)
        if device_of(dev).is_paused:
            stage.note(
                "C23",
                f"{mapping}, made at {show(mapping.mapped_at)}: a user's read was served between rescan_prepare and rescan_done; "
                "zap() it in rescan_prepare and refuse, or wait, in its fault handler",
                ("served while paused",),
                mapping.mapped_at,
            )


def _answer(read: Callable[[], int]) -> int | None:
    with suppress(UserBusError):
        return read()
    return None


@trial("sysfs is read meanwhile", blames="C26", needs=movable)
def sysfs_read(stage: Stage) -> None:
    """At every step the BAR registers hold the old place or the new one, never half of each."""
    dev = stage.plug()
    device = device_of(dev)
    bars = stage.movable_bars(dev)
    seen: dict[int, set[int]] = {bar: set() for bar in bars}

    inner = stage.bench.world.engine.before_step

    def look(step: str) -> None:
        inner(step)
        for bar in bars:
            value = device.config_read(bar_register(bar), 4) & ~0xF
            if device.resources[bar].flags & MEM_64:
                value |= device.config_read(bar_register(bar) + 4, 4) << 32
            seen[bar].add(value)

    stage.bench.world.engine.before_step = look
    old = {bar: dev.resource_start(bar) for bar in bars}
    stage.move(dev, bars)
    for bar in bars:
        torn = seen[bar] - {old[bar], dev.resource_start(bar)}
        if torn:
            values = ", ".join(f"{value:#x}" for value in sorted(torn))
            site = method_site(stage.driver, "rescan_prepare")
            stage.note(
                "C26",
                f"{dev}: during the move the register of BAR {bar} read {values}: neither {old[bar]:#x}, where it was, nor "
                f"{dev.resource_start(bar):#x}, where it went; see what rescan_prepare ({show(site)}) and rescan_done do to it",
                ("torn", bar),
                site,
            )
    stage.finish()


class _PeerModel(DeviceModel):
    """A card with memory that others may write to."""

    vendor_id, device_id = 0x1AF4, 0x10FE
    bars = (BarSpec(0, BarKind.MEM64, 1 << 20, content="ram"),)


class _Peer:
    """Lets its memory be moved at any time."""

    name = "peer"
    id_table = (PciId(_PeerModel.vendor_id, _PeerModel.device_id),)

    def probe(self, dev: PciDev, id: PciId) -> None:
        dev.enable_device()

    def remove(self, dev: PciDev) -> None:
        dev.disable_device()

    def rescan_prepare(self, dev: PciDev) -> None:
        """Nothing to stop."""

    def rescan_done(self, dev: PciDev) -> None:
        """Nothing to start."""


@trial("writes to a peer", blames="C11", rules="C22", needs=offers("start_peer_writes", "dev, address, length"))
def writes_to_peer(stage: Stage) -> None:
    """The device writes into the BAR of another card, which is paused and moved."""
    dev = stage.plug()
    peer = stage.bench.plug(_Peer, _PeerModel)
    driver: Any = stage.bench.driver(dev)
    stage.do("start_peer_writes", lambda: driver.start_peer_writes(dev, peer.resource_start(0), 64))
    stage.settle(1)
    with suppress(NotChecked):
        stage.move(peer, (0,))
    stage.settle(5)
    stop = getattr(driver, "stop_peer_writes", None)
    if stop is not None:
        with suppress(PciError):
            stage.do("stop_peer_writes", lambda: stop(dev))
    stage.finish()


TRIALS: Final[tuple[Trial, ...]] = (user_maps, sysfs_read, writes_to_peer)
