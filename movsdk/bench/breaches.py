"""What drivers did wrong while an event happened, and what they only reported.

Twin: none; a kernel developer reads dmesg. Looks at failures and the timeline of one event; judges no address, see `referee`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from attrs import frozen

from movsdk.errors import ContractError, DeviceGone, HookFailed, PciError
from movsdk.trace import Event, What


@frozen
class Breaches:
    """`broken`: breaches of the hook contract, a line each. `reported`: what a driver could only report: it lost its device."""

    broken: tuple[str, ...] = ()
    reported: tuple[str, ...] = ()


def breaches(
    failures: Sequence[HookFailed],
    timeline: Sequence[Event],
    problems: Sequence[tuple[str, str]],
    excused: Collection[str],
) -> Breaches:
    """Sort what happened during an event.

    Args:
        failures: what hooks and callbacks raised.
        timeline: the event's part; a bad access stands in it even where nobody raised it (``faults="hardware"``).
        problems: (device, text) of I/O that went wrong.
        excused: devices that lost a BAR or were pulled: an error that their driver returns is somebody else's doing.
    """
    broken: list[str] = []
    reported: list[str] = []
    for failure in failures:
        is_report = isinstance(failure.fields.get("error"), PciError | DeviceGone) and failure.fields.get("device") in excused
        (reported if is_report else broken).append(str(failure))
    broken += _quiet(failures, timeline)
    for device, text in problems:
        (reported if device in excused else broken).append(f"{device}: {text}")
    return Breaches(tuple(broken), tuple(reported))


def _quiet(failures: Sequence[HookFailed], timeline: Sequence[Event]) -> Iterator[str]:
    """Bad accesses that no failure tells of. A pulled device is no breach: all-ones is the documented answer."""
    told = {id(error) for failure in failures for error in (failure, failure.fields.get("error"))}
    for event in timeline:
        error = event.detail
        is_breach = event.what is What.FAULT and isinstance(error, ContractError) and not isinstance(error, DeviceGone)
        if is_breach and id(error) not in told:
            yield str(error)
