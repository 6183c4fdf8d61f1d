"""A trial: a short story on the bench that shows whether a driver keeps some rules.

Trials are values in a fixed order, simple ones first: what a simple trial saw is not blamed on a later one again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

if TYPE_CHECKING:
    from movsdk.testing.conformance.stage import Stage
    from movsdk.testing.conformance.subject import Subject

Needs = Callable[["Subject"], str | None]


_ACTIVITY: Final = ("C05", "C10", "C11", "C12", "C32")
"""Rules about what somebody does meanwhile: whether a plain story meets it is chance."""


class NotChecked(Exception):
    """Raised by a trial that cannot be played with this driver; its text says why."""


@frozen
class Trial:
    """One story.

    `name` is stable and short. `blames` is the rule that gets what no detector knows better: an I/O that fails, a hook
    that raises. `rules` are all those that the trial looks at. `needs` says why a driver cannot be tried, or None. `terms` are
    those of the bench. What a plain trial finds broken explains what the others find.
    With `owns` every breach is one of the rule it blames: what no simpler trial met is due to what happens in this one.
    """

    name: str
    sentence: str
    blames: str
    rules: tuple[str, ...]
    needs: Needs
    play: Callable[[Stage], None]
    terms: Mapping[str, Any] = {}
    is_plain: bool = False
    owns: bool = False

    def claims(self, rule: str) -> bool:
        """Whether a breach of `rule` that is new in this trial is one of the rule that the trial blames."""
        return self.owns and not (self.is_plain and rule in _ACTIVITY)


def trial(
    name: str,
    *,
    blames: str,
    rules: str = "",
    needs: Needs | None = None,
    is_plain: bool = False,
    owns: bool = False,
    **terms: Any,
) -> Callable[[Callable[[Stage], None]], Trial]:
    """Make a trial of a function; `rules` are the further rules that it looks at, its first docstring line is the sentence."""

    def make(play: Callable[[Stage], None]) -> Trial:
        sentence = (play.__doc__ or name).strip().splitlines()[0]
        every = tuple(dict.fromkeys((blames, *rules.split())))
        return Trial(name, sentence, blames, every, needs or (lambda subject: None), play, terms, is_plain, owns)

    return make


def movable(subject: Subject) -> str | None:
    """A need: the driver lets at least its BARs be moved."""
    return None if subject.is_movable else "its BARs are immovable"


def movable_and_io(subject: Subject) -> str | None:
    """A need: it lets its BARs move, and does I/O that can be checked."""
    return movable(subject) or does_io(subject)


def does_io(subject: Subject) -> str | None:
    """A need: the driver offers I/O that the kit can ask for."""
    missing = subject.io_trouble or "the driver has no exercise(dev), a round of I/O that raises if the data is wrong"
    return None if subject.does_io else missing


def sleeps(subject: Subject) -> str | None:
    """A need: it can be suspended."""
    return None if {"suspend", "resume"} <= subject.hooks else "the driver has no suspend() and resume()"


def modelled(subject: Subject) -> str | None:
    """A need: silicon with real behaviour behind the BARs."""
    return "needs a model" if subject.is_generic else None


def all_of(*needs: Needs) -> Needs:
    """The first need that is not met."""
    return lambda subject: next((reason for need in needs if (reason := need(subject)) is not None), None)
