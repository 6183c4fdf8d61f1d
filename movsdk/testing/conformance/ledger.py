"""A ledger of requests across a move: each is answered exactly once, in order where the driver promises it, and not failed.

The kit submits through ``submit(dev, tag, done)`` of the driver; the driver calls ``done(tag, error)``, with None for success.
"""

from __future__ import annotations

from attrs import define, field


@define(eq=False)
class Ledger:
    """What was asked and what was answered. `in_order`: answers come in the order of the requests."""

    in_order: bool = False
    open: list[int] = field(factory=list, init=False)
    answered: list[int] = field(factory=list, init=False)
    late: list[int] = field(factory=list, init=False)
    complaints: list[str] = field(factory=list, init=False)

    def opens(self, tag: int) -> None:
        """A request goes to the driver."""
        self.open.append(tag)

    def refused(self, tag: int) -> None:
        """The driver did not take it: nothing is owed."""
        self.open.remove(tag)

    def closes(self, tag: int, error: object = None) -> None:
        """The driver answers."""
        if tag not in self.open:
            known = "answered twice" if tag in self.answered else "answered, but never asked for"
            self.complaints.append(f"request {tag} was {known}")
            return
        if self.in_order and self.open[0] != tag:
            self.complaints.append(f"request {tag} was answered before request {self.open[0]}; the driver promises order")
        self.open.remove(tag)
        self.answered.append(tag)
        if tag in self.late:
            self.complaints.append(f"request {tag} was answered only when others came, long after the move; wake it")
        if error is not None:
            self.complaints.append(f"request {tag} failed: {error}; hold it during the pause and serve it afterwards")

    def overdue(self) -> None:
        """The move is over for long: what is open now and answered later waited for somebody to come by."""
        self.late = list(self.open)

    def settle(self) -> list[str]:
        """All complaints; what is open now is lost."""
        lost = [f"request {tag} was never answered" for tag in self.open]
        return self.complaints + lost
