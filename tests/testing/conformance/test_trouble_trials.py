"""Trials of troubles: what is no breach, what cannot be tried and why, and what the messages say."""

from __future__ import annotations

import errno
from typing import Any

import pytest

from drivers.edu import regs as r
from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from drivers.gpu.driver import Gpu
from drivers.gpu.model import GpuModel
from drivers.legacy.driver import Legacy
from drivers.legacy.model import LegacyModel
from drivers.nvme.driver import Nvme
from drivers.nvme.model import NvmeModel
from movsdk import PciDev, PciError
from movsdk.testing.conformance.kit import Verdict, examine
from movsdk.testing.conformance.rule import Status
from tests.mutants.c07_old_length import OldLength
from tests.mutants.c08_believes_it_all import BelievesItAll
from tests.mutants.c14_counts_on_all import CountsOnAll, FourMessages
from tests.mutants.c41_forgets_its_work import ForgetsItsWork


def judged(verdict: Verdict, rule: str) -> tuple[Status, str]:
    """How a driver stands to a rule, and what is said of it first."""
    judgement = verdict.of(rule)
    said = [seen.message for seen in judgement.violations]
    return judgement.status, said[0] if said else judgement.reason


# --- what is right -----------------------------------------------------------------------------------------
class AllOrNothing(CountsOnAll):
    """Needs four vectors, and says so."""

    name = "all-or-nothing"

    def _start(self, dev: PciDev) -> None:
        try:
            dev.request_regions(self.name)
            dev.alloc_irq_vectors(4, 4)
            self.names[dev] = [f"{self.name}-{n}" for n in range(4)]
            dev.drvdata = dev.iomap(0)
        except PciError:
            self._stop(dev)
            raise
        for n, name in enumerate(self.names[dev]):
            dev.request_irq(n, lambda: self._interrupt(dev), name)


def test_who_says_that_it_needs_more_vectors_is_right() -> None:
    """A clean `PciError` from rescan_done is an answer, and remove works."""
    assert judged(examine(AllOrNothing, FourMessages, only=["other vectors"]), "C14") == (Status.KEPT, "")


class FarRegister(Edu):
    """Uses the end of its BAR, wherever it was told that it is."""

    name = "far-register"

    def exercise(self, dev: PciDev) -> None:
        super().exercise(dev)
        dev.drvdata.readl(0xF_0000)


def test_who_never_asks_for_the_length_is_advised() -> None:
    """A register behind the end of a BAR that shrank; remembering the old length is worse."""
    advised = judged(examine(FarRegister, EduModel, only=["a BAR shrinks"]), "C07")
    wrong = judged(examine(OldLength, EduModel, only=["a BAR shrinks"]), "C07")

    assert advised[0] is Status.ADVICE
    assert wrong[0] is Status.BROKEN
    assert all("beyond the mapping, which has 0x80000 bytes" in message for _, message in (advised, wrong))


class ChecksTheLength(FarRegister):
    """Says what is missing."""

    name = "checks-the-length"

    def _start(self, dev: PciDev) -> None:
        if dev.resource_len(0) < 0x10_0000:
            raise PciError(errno.EINVAL, f"{dev.name}: BAR 0 has only {dev.resource_len(0):#x} bytes")
        super()._start(dev)


@pytest.mark.parametrize(("driver", "model"), [(Edu, EduModel), (ChecksTheLength, EduModel), (Gpu, GpuModel)])
def test_who_copes_with_less_or_says_so_is_right(driver: Any, model: Any) -> None:
    """Half a BAR is enough, or a `PciError`."""
    assert judged(examine(driver, model, only=["a BAR shrinks"]), "C07") == (Status.KEPT, "")


@pytest.mark.parametrize(("driver", "model"), [(Edu, EduModel), (Gpu, GpuModel), (Nvme, NvmeModel), (Legacy, LegacyModel)])
def test_an_absent_card_is_noticed(driver: Any, model: Any) -> None:
    """By a check, a time-out or a comparison of data; 30 seconds for an answer are not too long."""
    assert judged(examine(driver, model, only=["pulled at work"]), "C08") == (Status.KEPT, "")


# --- what cannot be tried ------------------------------------------------------------------------------------
class Idle(Edu):
    """Its round of I/O touches nothing."""

    name = "idle"

    def exercise(self, dev: PciDev) -> None: ...


class Restless(Gpu):
    """Never sleeps."""

    name = "restless"

    def suspend(self, dev: PciDev, state: int) -> None:
        raise PciError(errno.EBUSY, f"{dev.name}: not now")


class Polls(Edu):
    """Uses no interrupt."""

    name = "polls"

    def _start(self, dev: PciDev) -> None:
        dev.request_regions(self.name)
        dev.drvdata = dev.iomap(0)

    def _stop(self, dev: PciDev) -> None:
        if dev.drvdata is not None:
            dev.drvdata.iounmap()
            dev.drvdata = None
        dev.release_regions()

    def exercise(self, dev: PciDev) -> None:
        dev.drvdata.writel(~0xABCD, r.LIVENESS)
        if dev.drvdata.readl(r.LIVENESS) != 0xABCD:
            raise PciError(errno.EIO, f"{dev.name}: dead")


@pytest.mark.parametrize(
    ("driver", "model", "trial", "rule", "reason"),
    [
        (Idle, EduModel, "pulled at work", "C08", "a round of I/O touches no register"),
        (Restless, GpuModel, "the machine sleeps", "C46", "the driver refuses to suspend"),
        (Edu, EduModel, "the machine sleeps", "C46", "the driver has no suspend() and resume()"),
        (Polls, EduModel, "other vectors", "C14", "the driver uses no message interrupts"),
    ],
)
def test_what_cannot_be_tried_says_why(driver: Any, model: Any, trial: str, rule: str, reason: str) -> None:
    """No breach, and no rule that is kept without a look."""
    status, said = judged(examine(driver, model, only=[trial]), rule)

    assert status in (Status.NOT_CHECKED, Status.NOT_APPLICABLE)
    assert said == reason


def test_polling_is_fine() -> None:
    """The whole kit."""
    assert examine(Polls, EduModel).conforms


# --- what is said ------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("driver", "trial", "rule", "words"),
    [
        (BelievesItAll, "pulled at work", "C08", "c08_believes_it_all.py:19) found nothing wrong, though the card was pulled"),
        (ForgetsItsWork, "removed after a move", "C41", "is still queued; cancel() it (queued at tests/mutants/c41_forgets"),
    ],
)
def test_messages_name_the_line(driver: Any, trial: str, rule: str, words: str) -> None:
    """Of the driver's source."""
    status, said = judged(examine(driver, EduModel, only=[trial]), rule)

    assert status is Status.BROKEN
    assert words in said
