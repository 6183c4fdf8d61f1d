"""Stories about the hook protocol itself: hooks out of turn, questions asked twice."""

from __future__ import annotations

from typing import Final

from movsdk.errors import PciError
from movsdk.kernel.actor import raise_site, show
from movsdk.kernel.pcidev import PciDev, device_of
from movsdk.pci_regs import ROM_RESOURCE
from movsdk.testing.conformance.rule import Weight
from movsdk.testing.conformance.stage import Stage
from movsdk.testing.conformance.subject import Subject
from movsdk.testing.conformance.trial import NotChecked, Trial, all_of, movable, trial

_ANOTHER: Final = "C34"
"""What the questions alone do not show is left to the stories of moves, which tell it under its own name."""
_TURNS: Final = (
    ("rescan_done",),
    ("rescan_prepare", "rescan_prepare", "rescan_done"),
    ("rescan_prepare", "rescan_done", "rescan_done"),
)


def _has_both(subject: Subject) -> str | None:
    return None if {"rescan_prepare", "rescan_done"} <= subject.hooks else "the driver has not both rescan hooks"


def _has_bar_fixed(subject: Subject) -> str | None:
    return None if "bar_fixed" in subject.hooks else "it has no bar_fixed()"


@trial("hooks out of turn", blames="C33", needs=all_of(movable, _has_both), owns=True)
def out_of_turn(stage: Stage) -> None:
    """A done without a prepare, two prepares, two dones."""
    for turns in _TURNS:
        dev = stage.plug()
        stage.io(dev)
        for hook in turns:
            _call(stage, dev, hook, turns)
        stage.io(dev)
        stage.move(dev, stage.movable_bars(dev))
        stage.io(dev)
        stage.leak_weight = Weight.ADVICE  # what a spurious rescan_done made twice is lost, and does no harm
        stage.remove(dev)
        stage.cards.remove(dev)


def _call(stage: Stage, dev: PciDev, hook: str, turns: tuple[str, ...]) -> None:
    """Call a hook as the engine does. A `PciError` is a refusal, and allowed."""
    device = device_of(dev)
    driver = device.driver
    if driver is None:
        return
    device.is_paused = False
    try:
        stage.do(hook, lambda: driver.call(hook, dev=dev))
    except PciError:
        pass
    except NotChecked:
        raise
    except Exception as error:  # whatever a driver raises is a finding
        site = raise_site(error)
        text = f"{dev}: {hook} at {show(site)} raised {type(error).__name__}: {error}, called in the order {', '.join(turns)}"
        stage.note("C33", f"{text}; make it idempotent, or refuse with a PciError", (hook, type(error).__name__, site), site)
    device.is_paused = hook == "rescan_prepare"


@trial("bar_fixed asked often", blames="C36", needs=_has_bar_fixed, is_plain=True)
def asked_often(stage: Stage) -> None:
    """The same question several times, before and after I/O."""
    dev = stage.plug()
    driver = device_of(dev).driver
    if driver is None:
        return
    bars = [bar for bar in range(ROM_RESOURCE) if dev.resource_len(bar)]

    def answers() -> list[object]:
        return [driver.call("bar_fixed", dev=dev, bar=bar) for bar in bars]

    stage.io(dev)
    first = stage.do("bar_fixed", answers)
    second = stage.do("bar_fixed", lambda: [answers() for _ in range(5)][-1])
    with stage.blaming(_ANOTHER):
        stage.io(dev)
        stage.rescan()
    third = stage.do("bar_fixed", answers)
    if not first == second == third:
        code = getattr(getattr(driver.target, "bar_fixed", None), "__code__", None)
        site = (code.co_filename, code.co_firstlineno) if code is not None else ("?", 0)
        stage.note(
            "C36",
            f"{dev}: bar_fixed() ({show(site)}) answered {first} for BARs {bars}, then {second}, and {third} after I/O and a "
            "rescan; answer from what only probe and remove change",
            ("impure",),
            site,
        )
    with stage.blaming(_ANOTHER):
        stage.finish()
    stage.violations[:] = [seen for seen in stage.violations if seen.rule == "C36"]


QUESTIONS: Final[tuple[Trial, ...]] = (asked_often,)
TRIALS: Final[tuple[Trial, ...]] = (out_of_turn,)
