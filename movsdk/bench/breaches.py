"""What drivers did wrong while an event happened, and what they only reported.

Twin: none; a kernel developer reads dmesg. Looks at failures and the timeline of one event; judges no address, see `referee`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from attrs import define, field, frozen

from movsdk.bench.world import World
from movsdk.errors import AccessFault, ContractError, DeviceGone, HookFailed, NotDecoded, PciError, TwoDecoders
from movsdk.kernel.sanitizer import is_absent
from movsdk.ops import Fault, FaultKind
from movsdk.rescan.report import RescanReport
from movsdk.trace import Event, What


@frozen
class Breaches:
    """`broken`: breaches of the hook contract, a line each. `reported`: what a driver could only report: it lost its device."""

    broken: tuple[str, ...] = ()
    reported: tuple[str, ...] = ()


@frozen
class Excuses:
    """Who may fail at what.

    `lost`: devices that lost a BAR or were pulled, so that their driver returns errors.
    `untold`: devices whose BARs the kernel moved without a word to a driver that asked for none, so that it uses old mappings.
    `cut_off`: devices whose way is barred though their driver holds the right address: a second decoder there, a window above
    that does not pass it, or one that takes their DMA. No driver places BARs or opens windows.
    """

    lost: Collection[str] = ()
    untold: Collection[str] = ()
    cut_off: Collection[str] = ()

    def cover(self, device: object, error: object) -> bool:
        """True if `error` of the driver of `device` is somebody else's doing."""
        if device in self.untold and isinstance(error, AccessFault):
            return True
        if device in self.cut_off and _is_barred(error):
            return True
        if isinstance(error, DeviceGone) and not error.fields.get("is_removed", True):
            return True  # pulled, and nobody has told the driver yet
        if isinstance(error, PciError) and error.fields.get("holder") in {*self.lost, *self.untold}:
            return True  # its address is held by one that could not know that it has left it
        return device in {*self.lost, *self.cut_off} and isinstance(error, PciError | DeviceGone)

    @property
    def idle(self) -> set[str]:
        """Devices whose I/O may fail."""
        return {*self.lost, *self.untold, *self.cut_off}


def breaches(
    failures: Sequence[HookFailed], timeline: Sequence[Event], problems: Sequence[tuple[str, str]], excuses: Excuses
) -> Breaches:
    """Sort what happened during an event.

    Args:
        failures: what hooks and callbacks raised.
        timeline: the event's part; a bad access stands in it even where nobody raised it (``faults="hardware"``).
        problems: (device, text) of I/O that went wrong.
        excuses: for whom what was somebody else's doing.
    """
    broken: list[str] = []
    reported: list[str] = []
    for failure in failures:
        is_report = excuses.cover(*_who_and_what(failure))
        (reported if is_report else broken).append(str(failure))
    for event in _quiet(failures, timeline):
        if not any(str(event.detail) in text for _, text in problems):  # whose I/O it was tells it, with more
            (reported if excuses.cover(event.who, event.detail) else broken).append(str(event.detail))
    for device, text in problems:
        (reported if device in excuses.idle else broken).append(f"{device}: {text}")
    return Breaches(_counted(broken), _counted(reported))


def _who_and_what(failure: HookFailed) -> tuple[object, object]:
    return failure.fields.get("device"), failure.fields.get("error")


def _counted(lines: Sequence[str]) -> tuple[str, ...]:
    """Each line once, with how often it came if that is more than once."""
    return tuple(line if times == 1 else f"{line} ({times} times)" for line, times in Counter(lines).items())


def _is_barred(error: object) -> bool:
    """True if an access with the right address did not arrive, or not there alone, by what lies above or beside its BAR."""
    if not isinstance(error, NotDecoded | TwoDecoders):
        return False
    fault = error.fields.get("fault")
    return isinstance(error, TwoDecoders) or (isinstance(fault, Fault) and _is_above(fault, bool(error.fields.get("is_enabled"))))


def _is_above(fault: Fault, is_enabled: bool) -> bool:
    """A bridge does not pass it on: by its window, or by its COMMAND though the device below is enabled."""
    is_off = fault.kind is FaultKind.DECODE_OFF and " behind " in fault.blocked
    return fault.kind is FaultKind.WINDOW_CLOSED or (is_off and is_enabled)


def _quiet(failures: Sequence[HookFailed], timeline: Sequence[Event]) -> Iterator[Event]:
    """Bad accesses that no failure tells of. A pulled device is no breach: all-ones is the documented answer."""
    told = {id(error) for failure in failures for error in (failure, failure.fields.get("error"))}
    for event in timeline:
        error = event.detail
        is_breach = event.what is What.FAULT and isinstance(error, ContractError) and not isinstance(error, DeviceGone)
        if is_breach and id(error) not in told:
            yield event


@define(eq=False)
class Account:
    """Keeps the books of one `World`: what is not accounted for yet, and who has an excuse by now."""

    world: World
    _lost: set[str] = field(factory=set, init=False)
    _untold: set[str] = field(factory=set, init=False)
    _cut_off: set[str] = field(factory=set, init=False)
    _failed: int = field(default=0, init=False)
    _logged: int = field(default=0, init=False)
    _faulted: int = field(default=0, init=False)

    def excuse(self, label: str) -> None:
        """From now on this device has lost something, whatever the reports say."""
        self._lost.add(label)

    def excuse_absent(self) -> None:
        """Excuse who was pulled without the kernel noticing: what happens next may remove the device, and its absence with it."""
        self._lost |= {device.label for device in self.world.system.devices() if is_absent(device)}

    def settle(self, report: RescanReport, problems: Sequence[tuple[str, str]] = ()) -> Breaches:
        """What happened since the last time, up to the event that `report` tells of."""
        system = self.world.system
        self._lost |= {move.device for move in report.lost}
        self.excuse_absent()
        self._untold |= {move.device for move in report.moves if self._is_untold(move.device, report)}
        stale = {device.label for device in system.devices() if device.stale_bars}  # the kernel put an old address back (C45)
        stale |= {device.label for device, _bar in self.world.unnoticed}
        self._lost |= stale
        self._untold |= stale
        failures, timeline = system.failures[self._failed :], system.trace.events[self._logged :]
        faults = self.world.machine.fabric.faults[self._faulted :]
        self._failed, self._logged, self._faulted = len(system.failures), len(system.trace), self._faulted + len(faults)
        self._cut_off |= {event.who for event in timeline if event.what is What.FAULT and self._is_cut_off(event)}
        self._cut_off |= {fault.by for fault in faults if fault.kind is FaultKind.DMA_NO_TARGET and self._is_swallowed(fault)}
        excuses = Excuses(self._lost, self._untold, self._cut_off)
        excused = {failure.fields.get("device") for failure in failures if excuses.cover(*_who_and_what(failure))}
        self._cut_off |= {str(device) for device in excused}  # what follows from that is excused, too
        found = breaches(failures, timeline, problems, excuses)
        self._begin_anew({event.who for event in timeline if event.what is What.HOOK and event.text.startswith("probe by ")})
        return found

    def _begin_anew(self, probed: set[str]) -> None:
        """A driver that was bound meanwhile, and still is, has nothing to excuse."""
        for label in probed:
            device = self.world.find(label)
            if device is not None and device.driver is not None and not is_absent(device) and not device.stale_bars:
                for known in (self._lost, self._untold, self._cut_off):
                    known.discard(label)

    def _is_cut_off(self, event: Event) -> bool:
        """The access was barred, and not by a BAR register that the driver itself wrote."""
        device = self.world.find(event.who)
        return _is_barred(event.detail) and device is not None and not device.overwritten_bars

    def _is_swallowed(self, fault: Fault) -> bool:
        """A buffer in use was meant, and the window of a bridge on the way up took it."""
        return bool(fault.blocked) and self.world.machine.fabric.memory.find(fault.address, fault.size) is not None

    def _is_untold(self, label: str, report: RescanReport) -> bool:
        """Nobody paused the driver, and it did not offer to be moved without (as the port driver does under v9)."""
        device = self.world.find(label)
        if device is None or device.driver is None or label in report.paused:
            return False
        return self.world.engine.moves is None or not device.driver.has("bar_fixed")
