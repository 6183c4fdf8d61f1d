"""A forced rescan as a value: which BARs of a device move, and what else happens to it meanwhile.

One vocabulary for ``Bench.force(dev, ...)``, for the event `force` of a scenario, and for the conformance kit. Does nothing; see
`forced`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from attrs import fields, frozen

from movsdk.errors import BadInput

FAILING: Final = (
    "enable_device",
    "request_regions",
    "iomap",
    "alloc_irq_vectors",
    "request_irq",
    "dma_alloc_coherent",
)
"""Calls of the kernel that can be made to fail."""
STEPS: Final = ("wake", "pause", "release", "attempts", "bridges", "resume", "bind")
"""Steps of a rescan that every version with movement has."""
LOSSES: Final = ("model", "power")
"""How a device can lose its state."""


@frozen(kw_only=True)
class Force:
    """What a forced rescan does to one device.

    Args:
        bars: these move away from where they are; None = all that may and are not lost; () = all stay, paused and resumed.
        lose: these find no place.
        shrink: these come back with half their size.
        reset: "model" or "power": the device forgets its state while paused; see `powers.state_lost`.
        vectors: at most so many interrupt vectors afterwards, with another message address.
        fails: this call of the kernel fails in rescan_done; one of `FAILING`.
        pull: the card is torn out before this step; one of `STEPS`.
        recover: before this step its link reports an error: error_detected, reset, slot_reset.
        again: a second rescan is asked for before this step, and follows the first.
        order: labels of devices in the order in which they are paused and resumed.
    """

    bars: tuple[int, ...] | None = None
    lose: tuple[int, ...] = ()
    shrink: tuple[int, ...] = ()
    reset: str = ""
    vectors: int | None = None
    fails: str = ""
    pull: str = ""
    recover: str = ""
    again: str = ""
    order: tuple[str, ...] = ()

    @classmethod
    def of(cls, words: Mapping[str, Any]) -> Force:
        """From plain keywords; lists and single BAR numbers are taken as well. Raises `BadInput` for an unknown word."""
        if unknown := sorted(set(words) - set(FORCE_KEYS)):
            raise BadInput(f"force knows no {unknown[0]!r}; it knows {', '.join(FORCE_KEYS)}")
        return cls(**{key: _plain(value) if key in _LISTS else value for key, value in words.items()})

    @property
    def is_harmful(self) -> bool:
        """Whether the driver may not be able to go on, so that an error it reports is right."""
        return bool(self.lose or self.shrink or self.vectors is not None or self.fails or self.pull or self.recover)

    def plain(self) -> dict[str, Any]:
        """The words that say something, as a scenario writes them."""
        values = {key: getattr(self, key) for key in FORCE_KEYS}
        said = {key: value for key, value in values.items() if value != getattr(_NOTHING, key)}
        return {key: list(value) if isinstance(value, tuple) else value for key, value in said.items()}


FORCE_KEYS: Final = tuple(each.name for each in fields(Force))
_LISTS: Final = ("bars", "lose", "shrink", "order")
_NOTHING: Final = Force()


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, tuple):
        return value
    return tuple(value) if isinstance(value, list | set | frozenset | range) else (value,)
