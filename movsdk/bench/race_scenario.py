"""What the enable race is told with: a kernel variant, a tree of bridges, what was done before, and what each task does.

Values only; `race_machine` does the acts, `enable_race` explores the orders. The names of the disable side are `DISABLES`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from attrs import evolve, field, frozen

from movsdk.errors import BadInput
from movsdk.kernel.enable import VARIANTS

MAX_DRIVERS, MAX_BRIDGES = 8, 8


@frozen
class Act:
    """One thing that a task does: `verb` (see `race_machine`) to the device `label`."""

    verb: str
    label: str

    def __str__(self) -> str:
        return f"{self.verb} {self.label}"


Acts = tuple[Act, ...]


@frozen
class Situation:
    """One race of the disable side: acts `before` in this order, then `meanwhile` all at once; of the drives and their port."""

    about: str
    before: Callable[[list[str], str], Acts]
    meanwhile: Callable[[list[str], str], Acts]


def _all(verb: str, labels: list[str]) -> Acts:
    return tuple(Act(verb, label) for label in labels)


DISABLES: Final[dict[str, Situation]] = {
    "port-unbinds": Situation(
        "the port driver was bound first; it unbinds while the drives work",
        lambda drives, port: (Act("probe", port), *_all("probe", drives)),
        lambda drives, port: (*_all("work on", drives), Act("unbind", port)),
    ),
    "late-port-unbinds": Situation(
        "the port driver was bound last; it unbinds while the drives work",
        lambda drives, port: (*_all("probe", drives), Act("probe", port)),
        lambda drives, port: (*_all("work on", drives), Act("unbind", port)),
    ),
    "probe-while-port-unbinds": Situation(
        "the port driver unbinds while the drives are probed",
        lambda drives, port: (Act("probe", port),),
        lambda drives, port: (*_all("probe", drives), Act("unbind", port)),
    ),
    "sibling-unbinds": Situation(
        "the last drive is unbound while the others work",
        lambda drives, port: _all("probe", drives),
        lambda drives, port: (*_all("work on", drives[:-1]), Act("unbind", drives[-1])),
    ),
    "sysfs-on": Situation(
        "somebody writes 1 to the bridge's sysfs enable while the drives are probed",
        lambda drives, port: (),
        lambda drives, port: (*_all("probe", drives), Act("echo 1 > enable of", port)),
    ),
    "sysfs-off": Situation(
        "somebody writes 0 to the bridge's sysfs enable while the drives work",
        lambda drives, port: _all("probe", drives),
        lambda drives, port: (*_all("work on", drives), Act("echo 0 > enable of", port)),
    ),
    "nested": Situation(
        "a second user of the first drive, who enabled it too, disables it while the drives work",
        lambda drives, port: (*_all("probe", drives), Act("enable", drives[0])),
        lambda drives, port: (*_all("work on", drives), Act("disable", drives[0])),
    ),
}


@frozen
class RaceScenario:
    """`drivers` drives `nvme0`... are probed at once below `bridges` nested bridges `br0`...; or one of `DISABLES` happens.

    `port_driver`: the driver of the bridge right above the drives is probed at the same time.
    `slots`: there are so many of that last bridge, side by side, and the drives are dealt out to them.

    >>> [str(act) for act in RaceScenario("v9", drivers=2, port_driver=True).meanwhile]
    ['probe nvme0', 'probe nvme1', 'probe br0']
    """

    variant: str = "mainline"
    drivers: int = field(default=2, kw_only=True)
    bridges: int = field(default=1, kw_only=True)
    port_driver: bool = field(default=False, kw_only=True)
    disable: str | None = field(default=None, kw_only=True)
    slots: int = field(default=1, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if self.variant not in VARIANTS:
            raise BadInput(f"variant {self.variant!r} is not known; there are {', '.join(VARIANTS)}")
        for what, count, most in (("drivers", self.drivers, MAX_DRIVERS), ("bridges", self.bridges, MAX_BRIDGES)):
            if not 1 <= count <= most:
                raise BadInput(f"{count} {what}: the race is told for 1 to {most}")
        if not 1 <= self.slots <= self.drivers:
            raise BadInput(f"{self.slots} slots for {self.drivers} drives: there must be 1 to {self.drivers}")
        if self.disable is not None and self.disable not in DISABLES:
            raise BadInput(f"disable {self.disable!r} is not known; there are {', '.join(DISABLES)}")
        if self.disable == "sibling-unbinds" and self.drivers < 2:
            raise BadInput("disable 'sibling-unbinds' takes 2 drivers or more: one that is unbound and one that works")
        if self.disable is not None and self.port_driver:
            raise BadInput("the disable side says itself what the port driver does; leave out the port driver")

    def under(self, variant: str) -> RaceScenario:
        """The same scenario under another variant."""
        return evolve(self, variant=variant)

    @property
    def drives(self) -> list[str]:
        """Labels of the drives."""
        return [f"nvme{number}" for number in range(self.drivers)]

    @property
    def ports(self) -> list[str]:
        """Labels of the bridges right above the drives."""
        return [f"br{self.bridges - 1 + slot}" for slot in range(self.slots)]

    @property
    def chain(self) -> list[str]:
        """Labels of the bridges above those, from the root down."""
        return [f"br{number}" for number in range(self.bridges - 1)]

    def above(self, label: str) -> str | None:
        """Label of the bridge above a drive or bridge; None at the root."""
        if label in self.drives:
            return self.ports[self.drives.index(label) % self.slots]
        if label in self.ports:
            return self.chain[-1] if self.chain else None
        at = self.chain.index(label)
        return self.chain[at - 1] if at else None

    @property
    def before(self) -> Acts:
        """What has been done, in order, before the tasks begin."""
        return DISABLES[self.disable].before(self.drives, self.ports[0]) if self.disable else ()

    @property
    def meanwhile(self) -> Acts:
        """What the tasks do, one each."""
        if self.disable:
            return DISABLES[self.disable].meanwhile(self.drives, self.ports[0])
        port = (Act("probe", self.ports[0]),) if self.port_driver else ()
        return (*_all("probe", self.drives), *port)

    def __str__(self) -> str:
        if self.disable is not None and (self.drivers, self.bridges) == (2, 1):
            return self.disable
        shape = f"{self.drivers} driver{'s' * (self.drivers > 1)}, {self.bridges} bridge{'s' * (self.bridges > 1)}"
        slots = f", {self.slots} slots" if self.slots > 1 else ""
        return f"{shape}{slots}{', port driver' if self.port_driver else ''}{f', {self.disable}' if self.disable else ''}"
