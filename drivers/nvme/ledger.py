"""The ledger: what was asked, what was answered, and whether the two agree.

Twin: fio's accounting with ``verify``. It judges a driver from outside: it sees requests go and come, no queue and no register.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import define, field

if TYPE_CHECKING:
    from .requests import Request


@define(eq=False)
class Ledger:
    """Counts of one load.

    `completed` well, `failed` with an error, `duplicated` answered again, `corrupt` brought something else than was written,
    `disordered` answered after a younger one of its queue, `lost` never answered (known after `close`), `replayed` given to
    the drive more than once. `complaints` says which.
    """

    submitted: int = field(default=0, init=False)
    completed: int = field(default=0, init=False)
    failed: int = field(default=0, init=False)
    duplicated: int = field(default=0, init=False)
    corrupt: int = field(default=0, init=False)
    disordered: int = field(default=0, init=False)
    lost: int = field(default=0, init=False)
    replayed: int = field(default=0, init=False)
    complaints: list[str] = field(factory=list, init=False)
    _open: dict[int, Request] = field(factory=dict, init=False, repr=False)
    _newest: dict[int, int] = field(factory=dict, init=False, repr=False)

    def opens(self, request: Request) -> None:
        """Note a submission. Call it before the request is handed to the driver, so that an answer at once is not missed."""
        self.submitted += 1
        self._open[id(request)] = request

    def closes(self, request: Request) -> None:
        """Note an answer."""
        if self._open.pop(id(request), None) is None:
            self.duplicated += 1
            self.complaints.append(f"{request}: answered {request.completions} times")
            return
        if request.error is None:
            self.completed += 1
        else:
            self.failed += 1
        self.replayed += request.issues > 1
        if request.number < self._newest.get(request.queue, -1):
            self.disordered += 1
            self.complaints.append(f"{request}: answered after number {self._newest[request.queue]}")
        self._newest[request.queue] = max(request.number, self._newest.get(request.queue, -1))

    def differs(self, request: Request, what: str) -> None:
        """Note a read that brought something else than was written."""
        self.corrupt += 1
        self.complaints.append(f"{request}: {what}")

    def close(self) -> None:
        """Nothing more will be answered: what is open is lost."""
        self.lost += len(self._open)
        self.complaints += [f"{request}: never answered" for request in self._open.values()]
        self._open.clear()

    @property
    def outstanding(self) -> int:
        """Submitted and not answered yet."""
        return len(self._open)

    @property
    def is_clean(self) -> bool:
        """Nothing lost, answered twice, out of order or corrupt. An error answer is no breach: it is an answer."""
        return not (self.lost or self.duplicated or self.disordered or self.corrupt)

    def summary(self) -> str:
        """One line for people.

        >>> Ledger().summary()
        '0 requests: 0 completed, 0 failed, 0 outstanding, 0 lost, 0 twice, 0 out of order, 0 corrupt; 0 replayed'
        """
        return (
            f"{self.submitted} requests: {self.completed} completed, {self.failed} failed, {self.outstanding} outstanding, "
            f"{self.lost} lost, {self.duplicated} twice, {self.disordered} out of order, {self.corrupt} corrupt; "
            f"{self.replayed} replayed"
        )
