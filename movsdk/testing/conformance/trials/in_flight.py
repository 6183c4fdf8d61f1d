"""Stories in which the device is busy when the rescan comes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from movsdk.errors import ContractError, InvariantBroken, NoSpace, PciError
from movsdk.kernel.actor import show
from movsdk.kernel.pcidev import PciDev, device_of
from movsdk.testing.conformance.driver_calls import method_site
from movsdk.testing.conformance.ledger import Ledger
from movsdk.testing.conformance.python_locks import respecting_locks
from movsdk.testing.conformance.stage import PAUSE_MS, Stage
from movsdk.testing.conformance.subject import Subject
from movsdk.testing.conformance.trial import NotChecked, Trial, all_of, modelled, movable, movable_and_io, trial
from movsdk.testing.conformance.watchdog import TornOut

_MOMENTS: Final = (0.001, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9)  # of the time that a round takes
_PATIENCE_MS: Final = 500  # for an answer
_NESTED_MS: Final = 5_000  # for a rescan in the middle of a user call, which may wait for that call for ever
_PAUSE_RULES: Final = "C05 C10 C12 C31"


def _has_requests(subject: Subject) -> str | None:
    if subject.offers("start_load") or subject.offers("submit"):
        return None
    return "the driver has neither submit(dev, tag, done) nor start_load(dev, reads=, writes=, size=)"


@trial("requests in flight", blames="C15", rules=_PAUSE_RULES, needs=all_of(movable, modelled, _has_requests))
def requests_in_flight(stage: Stage) -> None:
    """A load runs while the BARs move, and further requests come while the device is paused; none is lost."""
    dev = stage.plug()
    if stage.subject.offers("submit"):
        _with_ledger(stage, dev)
    if stage.subject.offers("start_load"):
        _with_load(stage, dev)
    stage.finish()


def _with_load(stage: Stage, dev: PciDev) -> None:
    running: Any = stage.do("start_load", lambda: stage.driver.start_load(dev, reads=8, writes=8, size=4096))
    if not callable(getattr(running, "stop", None)) or not hasattr(running, "problems"):
        raise NotChecked(f"start_load() returned {type(running).__name__}, which has not stop() and problems")
    stage.settle(0.05)
    stage.move(dev, stage.movable_bars(dev))
    stage.settle(2)
    stage.call(dev, "stop of the load", running.stop)
    for problem in running.problems:
        stage.note("C15", f"{dev}: {problem}", ("ledger", str(problem)[:40]))


def _with_ledger(stage: Stage, dev: PciDev) -> None:
    ledger = Ledger(in_order=bool(getattr(stage.driver, "answers_in_order", False)))

    def submit(tags: range) -> None:
        for tag in tags:
            ledger.opens(tag)
            try:
                stage.driver.submit(dev, tag, ledger.closes)
            except PciError:
                ledger.refused(tag)

    stage.do("submit", lambda: submit(range(8)))
    stage.while_paused(lambda: submit(range(8, 12)), dev)
    stage.settle(_PATIENCE_MS)
    if not device_of(dev).is_gone:
        ledger.overdue()
    stage.do("submit", lambda: submit(range(12, 16)))
    stage.settle(_PATIENCE_MS)
    site = method_site(stage.driver, "submit")
    for complaint in ledger.settle():
        stage.note("C15", f"{dev}: {complaint} (submit: {show(site)})", ("ledger", complaint), site)


@trial("a move inside a user call", blames="C42", rules=f"{_PAUSE_RULES} C15", needs=movable_and_io)
def inside_a_call(stage: Stage) -> None:
    """A rescan at every moment at which a round of I/O waits."""
    dev = stage.plug()
    moments = _moments(stage, dev)
    if not moments:
        raise NotChecked("a round of I/O waits nowhere")
    stage.remark = f"; a move in its middle paused the device for {PAUSE_MS} ms"
    for moment in moments:
        timer = dev.clock.call_later(moment, _mover(stage, dev), "a rescan in the middle of I/O")
        try:
            stage.io(dev)
        except TornOut as why:
            stage.has_hung = True
            raise NotChecked(str(why)) from why
        timer.cancel()
        if stage.has_hung:
            raise NotChecked("a hook waits for the user call that it interrupts; with Gate or Mutex --deep tries every order")
    stage.remark = ""
    stage.finish()


def _mover(stage: Stage, dev: PciDev) -> Callable[[], None]:
    def move() -> None:
        inside, stage.in_user_call, stage.is_nested = stage.in_user_call, False, True
        patience, stage.patience_ms = stage.patience_ms, _NESTED_MS
        try:
            with stage.excusing(dev), respecting_locks(dev):  # "busy" is an answer: the BARs stay
                stage.move(dev, stage.movable_bars(dev))
        except (NotChecked, NoSpace, ContractError):
            pass  # it could not be moved just now; what its hooks did wrong is on the timeline
        except InvariantBroken as error:
            if "mutex" not in error.fields:
                raise
            raise TornOut(f"the driver locks its I/O path; --deep tries every order ({error})") from error
        finally:
            stage.in_user_call, stage.is_nested, stage.patience_ms = inside, False, patience

    return move


def _moments(stage: Stage, dev: PciDev) -> list[int]:
    """Moments within a round of I/O, in nanoseconds from its start; none if a round takes no time."""
    start = dev.clock.now
    stage.io(dev)
    duration = dev.clock.now - start
    return sorted({int(duration * part) for part in _MOMENTS} - {0})


TRIALS: Final[tuple[Trial, ...]] = (requests_in_flight, inside_a_call)
