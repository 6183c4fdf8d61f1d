"""The enable race for the `frontrun` package: the same code as plain Python with plain attributes. Started by explore_speed.py.

``frontrun python explore_frontrun.py RUNS`` prints schedules and CPU seconds. Imports nothing of ours: it runs in frontrun's
environment.
"""

from __future__ import annotations

import sys
import time

import frontrun  # type: ignore[import-not-found]  # not one of our dependencies

MEMORY, MASTER = 2, 4


class Device:
    def __init__(self, parent: Device | None = None) -> None:
        self.parent = parent
        self.count = self.command = self.is_busmaster = 0
        self.failed = False

    def enable_bridge(self) -> None:
        if self.parent:
            self.parent.enable_bridge()
        if self.count:
            if not self.is_busmaster:
                self.set_master()
            return
        self.enable()
        self.set_master()

    def enable(self) -> None:
        self.count += 1
        if self.count > 1:
            return
        if self.parent:
            self.parent.enable_bridge()
        self.set_bit(MEMORY)

    def set_bit(self, bit: int) -> None:
        command = self.command
        if not command & bit:
            self.command = command | bit

    def set_master(self) -> None:
        self.set_bit(MASTER)
        self.is_busmaster = 1

    def probe(self) -> None:
        self.enable()
        self.set_master()
        if not (self.command & MEMORY and self.parent.command & MEMORY):  # type: ignore[union-attr]  # it has one
            self.failed = True


class Machine:
    def __init__(self) -> None:
        bridge = Device()
        self.drives = [Device(bridge), Device(bridge)]


def main() -> None:
    began = time.process_time()
    result = frontrun.explore(
        setup=Machine,
        workers=[lambda machine: machine.drives[0].probe(), lambda machine: machine.drives[1].probe()],
        invariant=lambda machine: not any(drive.failed for drive in machine.drives),
        max_executions=int(sys.argv[1]),
        preemption_bound=None,
        stop_on_first=False,
        reproduce_on_failure=0,
    )
    print(result.num_explored, time.process_time() - began)


if __name__ == "__main__":
    main()
