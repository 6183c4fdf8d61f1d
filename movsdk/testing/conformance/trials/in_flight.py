"""Stories in which the device is busy when the rescan comes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from movsdk.errors import ContractError, InvariantBroken, NoSpace
from movsdk.kernel.pcidev import PciDev
from movsdk.testing.conformance.stage import Stage
from movsdk.testing.conformance.trial import NotChecked, Trial, movable, movable_and_io, trial

_MOMENTS: Final = (0.001, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9)  # of the time that a round takes
_PAUSE_RULES: Final = "C05 C10 C12 C31"


@trial("requests in flight", blames="C15", rules=_PAUSE_RULES, needs=movable)
def requests_in_flight(stage: Stage) -> None:
    """A load runs while the BARs move; its ledger must close without a complaint."""
    dev = stage.plug()
    start = getattr(stage.driver, "start_load", None)
    if start is None:
        raise NotChecked("the driver has no start_load(dev, reads=, writes=, size=)")
    running = start(dev, reads=8, writes=8, size=4096)
    stage.settle(0.05)
    stage.move(dev, stage.movable_bars(dev))
    stage.settle(2)
    stage.call(dev, "stop of the load", running.stop)
    for problem in running.problems:
        stage.note("C15", f"{dev}: {problem}", ("ledger", str(problem)[:40]))
    stage.finish()


@trial("a move inside a user call", blames="C42", rules=f"{_PAUSE_RULES} C15", needs=movable_and_io)
def inside_a_call(stage: Stage) -> None:
    """A rescan at every moment at which a round of I/O waits."""
    dev = stage.plug()
    moments = _moments(stage, dev)
    if not moments:
        raise NotChecked("a round of I/O waits nowhere")
    for moment in moments:
        timer = dev.clock.call_later(moment, _mover(stage, dev), "a rescan in the middle of I/O")
        stage.io(dev)
        timer.cancel()
    stage.finish()


def _mover(stage: Stage, dev: PciDev) -> Callable[[], None]:
    def move() -> None:
        inside, stage.in_user_call = stage.in_user_call, False
        try:
            with stage.excusing(dev):  # "busy" is an answer: the BARs stay
                stage.move(dev, stage.movable_bars(dev))
        except (NotChecked, NoSpace, ContractError):
            pass  # it could not be moved just now; what its hooks did wrong is on the timeline
        except InvariantBroken as error:
            if "mutex" not in error.fields:
                raise
            raise NotChecked(f"the driver locks its I/O path; --deep tries every order ({error})") from error
        finally:
            stage.in_user_call = inside

    return move


def _moments(stage: Stage, dev: PciDev) -> list[int]:
    """Moments within a round of I/O, in nanoseconds from its start; none if a round takes no time."""
    start = dev.clock.now
    stage.io(dev)
    duration = dev.clock.now - start
    return sorted({int(duration * part) for part in _MOMENTS} - {0})


TRIALS: Final[tuple[Trial, ...]] = (requests_in_flight, inside_a_call)
