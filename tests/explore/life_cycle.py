"""The life cycle of one device as a pure model (explorer.md §3.3): rescan, user I/O, interrupt, runtime PM, AER recovery, remove.

Twin: a driver that counts its users and drains them before its BAR moves. Locks: rescan_remove, then the device's. `bug` breaks
the driver in one of four ways.
"""

from __future__ import annotations

from attrs import frozen

from movsdk.explore import InterruptLine, Mutex, Shared, World, cell_of, fail, wait_for
from movsdk.points import checkpoint

ACTORS = ("rescan", "io", "irq", "rpm", "aer", "remove")
BUGS = ("no drain", "irq not masked", "aer without device_lock", "remove takes the locks the other way")


class Disk:
    """The driver's state, and the device's: where the BAR is, where the driver believes it is, whether it has power."""

    label = "disk"
    paused = Shared(0)  # how many asked for quiet
    users = Shared(0)

    def __init__(self, world: World, bug: str) -> None:
        self.bug = bug
        self.rescan_lock, self.device_lock = Mutex("rescan_remove"), Mutex("device")
        self.bar = self.mapped = 0
        self.is_awake, self.is_bound = True, True
        self.line = InterruptLine(world, "irq", self.handler)
        self.users_cell, self.paused_cell = (cell_of(self, "users"),), (cell_of(self, "paused"),)

    # --- the device -----------------------------------------------------------------------------------------
    def mmio(self, who: str) -> None:
        """A register access: routed by where the BAR is, made where the driver believes it is."""
        checkpoint(f"MMIO by {who}", (("bar",), ("mapped",), ("power",), ("bound",)))
        if not self.is_bound:
            fail("unbound", f"{who} after remove")
        elif self.bar != self.mapped:
            fail("stale", f"{who} at {self.mapped}, the BAR is at {self.bar}")
        elif not self.is_awake:
            fail("asleep", f"{who} while the device sleeps")

    def set(self, what: str, value: int) -> None:
        checkpoint(f"W {what} = {value}", (), ((what,),))
        if what == "power":
            self.is_awake = bool(value)
        elif what == "bound":
            self.is_bound = bool(value)
        else:
            setattr(self, what, value)

    # --- the driver -----------------------------------------------------------------------------------------
    def begin(self) -> bool:
        """Become a user, unless the device is to be quiet: count first, then test."""
        self.count(+1)
        if self.paused:
            self.count(-1)
            return False
        return True

    def count(self, step: int) -> None:
        cell = self.users_cell
        checkpoint("users += 1" if step > 0 else "users -= 1", cell, cell)
        self.__dict__["users"] = self.__dict__.get("users", 0) + step

    def quiet(self, who: str) -> None:
        """Let nobody begin, and wait for those who have."""
        cell = self.paused_cell
        checkpoint(f"{who} pauses", cell, cell)
        self.__dict__["paused"] = self.__dict__.get("paused", 0) + 1
        if self.masks(who):
            self.line.disable()
        if self.bug != "no drain" or who != "rescan":
            wait_for(f"no users ({who})", lambda: not self.__dict__.get("users", 0), self.users_cell)

    def masks(self, who: str) -> bool:
        return self.bug != "irq not masked" or who != "rescan"

    def loud(self, who: str) -> None:
        if self.masks(who):
            self.line.enable()
        cell = self.paused_cell
        checkpoint(f"{who} resumes", cell, cell)
        self.__dict__["paused"] -= 1

    def handler(self) -> None:
        self.mmio("irq")

    # --- the actors -----------------------------------------------------------------------------------------
    def rescan(self) -> None:
        with self.rescan_lock, self.device_lock:
            if self.get_bound():
                self.quiet("rescan")
                self.set("bar", 1)
                self.set("mapped", 1)
                self.loud("rescan")
            else:
                self.set("bar", 1)

    def get_bound(self) -> bool:
        checkpoint("R bound", (("bound",),))
        return self.is_bound

    def io(self) -> None:
        if self.begin():
            self.mmio("io")
            self.count(-1)

    def irq(self) -> None:
        self.line.raise_()

    def rpm(self) -> None:
        with self.device_lock:
            if self.get_bound():
                self.quiet("rpm")
                self.set("power", 0)
                self.set("power", 1)
                self.loud("rpm")

    def aer(self) -> None:
        if self.bug == "aer without device_lock":
            self.recover()
            return
        with self.device_lock:
            self.recover()

    def recover(self) -> None:
        if self.get_bound():
            self.quiet("aer")
            self.mmio("aer")
            self.loud("aer")

    def remove(self) -> None:
        first, second = self.rescan_lock, self.device_lock
        if self.bug == "remove takes the locks the other way":
            first, second = second, first
        with first, second:
            self.quiet("remove")
            self.line.free()
            self.set("bound", 0)


@frozen
class LifeCycle:
    """`actors` on one device at once."""

    actors: tuple[str, ...] = ACTORS
    bug: str = ""

    def __call__(self, world: World) -> None:
        disk = Disk(world, self.bug)
        for actor in self.actors:
            world.spawn(actor, getattr(disk, actor))
