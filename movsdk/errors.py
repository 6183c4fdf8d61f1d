"""Every exception of the SDK, on one page.

Families: `ContractError` — the driver's bug; `AccessFault` — a driver's access that hardware did not serve as meant (a
contract error with the access in its fields); `PciError` — what a driver's call returns as errno; `NoSpace` — a result;
`BadInput` — a file, an option or a reference that cannot be used; `InvariantBroken` — our own bug.
Hardware never raises: see `mockbus.faults`.
"""

from __future__ import annotations

import errno as _errno
from typing import Any


class MovError(Exception):
    """Base of everything this SDK raises. Keyword arguments become fields: numbers that the message names."""

    def __init__(self, message: str, **fields: Any) -> None:
        super().__init__(message)
        self.message = message
        self.fields = fields

    def __str__(self) -> str:
        return self.message


class BadInput(MovError):
    """A scenario, dump, driver reference or option cannot be used. The message names the place and the remedy."""


class ContractError(MovError):
    """A driver broke the hook contract. Fix the driver."""


class HookSpecError(ContractError):
    """A driver's hook has a wrong name or wrong arguments; refused when the driver is registered."""


class HookFailed(ContractError):
    """A hook raised. The device's BARs stay where they are for this rescan, the others go on."""


class AccessFault(ContractError):
    """A register access that did not reach the register it was meant for. The access went through as on hardware first."""


class StaleMapping(AccessFault):
    """Access through a mapping of where the BAR used to be. ioremap() again in rescan_done()."""


class MappingClosed(AccessFault):
    """Access after iounmap()."""


class AccessWhilePaused(AccessFault):
    """Access between rescan_prepare() and rescan_done()."""


class DeviceAsleep(AccessFault):
    """Access to a device, or through a bridge, that is not in D0."""


class DeviceGone(AccessFault):
    """Access to a device that was pulled, or whose rescan_done() failed."""


class NotDecoded(AccessFault):
    """Nobody answered: decode is off, a bridge window does not pass the address, or no BAR holds it."""


class TwoDecoders(AccessFault):
    """More than one BAR answered the address."""


class PciError(MovError, OSError):
    """What a kernel call reports to a driver: a negative errno in C, this exception here.

    `errno` is positive as in `OSError`; the message names the object, the numbers and the remedy.
    """

    def __init__(self, errno: int, message: str, **fields: Any) -> None:
        MovError.__init__(self, message, **fields)
        self.errno = errno
        self.strerror = _errno.errorcode.get(errno, str(errno))

    def __str__(self) -> str:
        return f"[{self.strerror}] {self.message}"

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.errno, self.message))


class UserBusError(MovError):
    """SIGBUS: what a process gets that touches a user mapping whose page the driver does not give it."""


class NoSpace(MovError):
    """The BARs do not fit (the kernel's -ENOSPC). A result of the topology, not a bug of anybody's."""


class InvariantBroken(MovError):
    """Registers, tables and counters disagree with what our own code did. Please report it with the scenario."""
