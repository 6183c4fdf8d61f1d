"""The enable race in Promela, written out from the C of each version: a second telling, to check the first one by.

Twin: drivers/pci/pci.c and the diffs of RFC patches 15 and 16. Shares with `movsdk race` who does what, and no line of how the
kernel does it. In COMMAND, 1 is MEMORY and 2 is MASTER. An assertion fails where a register read or a fetch is lost; a deadlock
is for pan to find.
"""

from __future__ import annotations

from attrs import define, field

from movsdk.bench.race_scenario import Act, RaceScenario

MEMORY, MASTER = 1, 2
# Where a version takes the mutex of the device itself: in the bridge path, in enabling an endpoint, in disabling, in set_master.
LOCKS = {
    "v2": "bridge endpoint disable",
    "v5": "bridge endpoint disable",
    "v9": "bridge",
    "v9+reenable": "bridge",
    "all-writers": "bridge endpoint portdrv disable master",
}
Lines = list[str]


@define
class Promela:
    """Writes the model of one scenario. Promela has no functions: every call is written out where it happens."""

    scenario: RaceScenario
    numbers: dict[str, int] = field(init=False)

    def __attrs_post_init__(self) -> None:
        names = [*self.scenario.chain, *self.scenario.ports, *self.scenario.drives]
        self.numbers = {name: number for number, name in enumerate(names)}

    def text(self) -> str:
        """The whole model."""
        size, tasks = len(self.numbers), self.scenario.meanwhile
        lines = [f"byte cnt[{size}]; byte cmd[{size}]; bool bm[{size}]; bool lock[{size + 1}];"]
        for number, act in enumerate(tasks):
            lines += [f"proctype task{number}() {{ byte c; byte t; bool m;", *self.act(act), "skip }"]
        starts = " ".join(f"run task{number}();" for number in range(len(tasks)))
        before = [line for act in self.scenario.before for line in self.act(act)]
        lines += ["init { byte c; byte t; bool m;", *before, f"atomic {{ {starts} }} }}"]
        return "\n".join(lines) + "\n"

    # --- what tasks do -----------------------------------------------------------------------------------------
    def act(self, act: Act) -> Lines:
        """One act of the scenario."""
        label, is_drive = act.label, act.label in self.scenario.drives
        d = self.numbers[label]
        if act.verb == "probe":
            use = self.use(label) if is_drive else []
            return [*self.pci_enable_device(label), *self.pci_set_master(d, "master"), *use]
        if act.verb == "work on":
            return self.use(label)
        if act.verb in ("enable", "echo 1 > enable of"):
            return self.pci_enable_device(label)
        if act.verb in ("unbind", "disable"):
            return self.pci_disable_device(d)
        return [f"c = cnt[{d}];", *branch("c > 0", self.pci_disable_device(d), ["skip;"])]

    def use(self, label: str) -> Lines:
        """Read a register, then fetch: each looks at COMMAND all the way."""
        way = [label]
        while (above := self.scenario.above(way[-1])) is not None:
            way.append(above)
        cells = [f"cmd[{self.numbers[hop]}]" for hop in way]
        return [
            f"assert({' && '.join(f'({cell} & {MEMORY})' for cell in cells)});",
            f"assert({' && '.join(f'({cell} & {MASTER})' for cell in cells)});",
        ]

    # --- drivers/pci/pci.c -------------------------------------------------------------------------------------
    def pci_enable_device(self, label: str) -> Lines:
        """As drivers call it."""
        where = "endpoint" if label in self.scenario.drives else "portdrv"
        return self.locked(self.numbers[label], where, self.enable_flags(label))

    def enable_flags(self, label: str) -> Lines:
        """Count, bridges above, COMMAND bits: in the order of the version."""
        d, variant = self.numbers[label], self.scenario.variant
        work = [*self.upstream(label), *set_bits(d, MEMORY)]
        if variant in ("v2", "v5"):
            return [f"c = cnt[{d}];", *branch("c > 0", ["skip;"], [*work, f"cnt[{d}]++;"])]
        if variant == "bits-first":
            return [f"c = cnt[{d}];", *branch("c > 0", ["skip;"], work), f"cnt[{d}]++;"]
        return [f"atomic {{ cnt[{d}]++; c = cnt[{d}]; }}", *branch("c > 1", ["skip;"], work)]

    def upstream(self, label: str) -> Lines:
        """The bridge above; the kernel of 2017 does not go there if it counts as enabled."""
        above = self.scenario.above(label)
        if above is None:
            return []
        if self.scenario.variant == "mutex-2017":
            return [f"c = cnt[{self.numbers[above]}];", *branch("c > 0", ["skip;"], self.enable_bridge(above))]
        return self.enable_bridge(above)

    def enable_bridge(self, label: str) -> Lines:
        """The recursion from the leaf to the root."""
        b, above = self.numbers[label], self.scenario.above(label)
        first = self.enable_bridge(above) if above is not None else []
        again = set_bits(b, MEMORY) if self.scenario.variant == "v9+reenable" else []
        master = self.pci_set_master(b)
        rest = [
            f"c = cnt[{b}];",
            *branch(
                "c > 0",
                [*again, f"m = bm[{b}];", *branch("m", ["skip;"], master)],
                [*self.enable_flags(label), *master],
            ),
        ]
        if self.scenario.variant == "mutex-2017":
            one = len(self.numbers)
            return [*first, *lock(one), *rest, *unlock(one)]
        return self.locked(b, "bridge", [*first, *rest])

    def pci_set_master(self, d: int, where: str = "") -> Lines:
        """COMMAND, then the flag."""
        return self.locked(d, where, [*set_bits(d, MASTER), f"bm[{d}] = 1;"])

    def pci_disable_device(self, d: int) -> Lines:
        """The last user ends bus mastering."""
        off = [f"t = cmd[{d}];", *branch(f"t & {MASTER}", [f"cmd[{d}] = t & {MEMORY};"], ["skip;"]), f"bm[{d}] = 0;"]
        down = [f"c = cnt[{d}];", f"atomic {{ cnt[{d}]--; c = cnt[{d}]; }}", *branch("c == 0", off, ["skip;"])]
        return self.locked(d, "disable", down)

    def locked(self, d: int, where: str, lines: Lines) -> Lines:
        """Inside the mutex of device `d`, if this version takes it there."""
        if where not in LOCKS.get(self.scenario.variant, "").split():
            return lines
        return [*lock(d), *lines, *unlock(d)]


def branch(condition: str, yes: Lines, no: Lines) -> Lines:
    """An ``if`` with both ways written out."""
    return ["if", f":: {condition} ->", *yes, ":: else ->", *no, "fi;"]


def set_bits(d: int, bits: int) -> Lines:
    """Read, modify, and write if that changes anything: two steps."""
    return [f"t = cmd[{d}];", *branch(f"(t | {bits}) != t", [f"cmd[{d}] = t | {bits};"], ["skip;"])]


def lock(number: int) -> Lines:
    """Wait, and take it, in one step."""
    return [f"atomic {{ !lock[{number}] -> lock[{number}] = 1; }}"]


def unlock(number: int) -> Lines:
    """Give it back."""
    return [f"lock[{number}] = 0;"]
