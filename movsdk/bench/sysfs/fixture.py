"""The pyfakefs back end: for the time of a session, /sys and /proc of this process are those of the machine.

Twin: booting the machine. Code under test runs unchanged: open(), os, pathlib, mmap, numpy. Sub-processes do not see it; see
`fuse_mount` for those.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from attrs import define, field
from pyfakefs.fake_filesystem_unittest import Patcher

from mockbus import ram as ram_module
from movsdk.bench.sysfs.fake_files import FakeAttr, FakeFolder
from movsdk.bench.sysfs.fake_open import refuse_exclusive
from movsdk.bench.sysfs.fake_os import SysfsOs
from movsdk.bench.sysfs.node import Folder
from movsdk.bench.sysfs.open_file import OpenFile
from movsdk.bench.sysfs.patching import patch_mmap, patch_open
from movsdk.bench.sysfs.proc_files import Around
from movsdk.bench.sysfs.real_numbers import OpenAttr, RealNumbers
from movsdk.bench.sysfs.view import SysfsView
from movsdk.bench.sysfs.window import StaleWrite, Window
from movsdk.bench.world import World
from movsdk.errors import BadInput
from movsdk.kernel.pcidev import PciDev, device_of
from movsdk.rescan.report import RescanReport

if TYPE_CHECKING:
    from pathlib import Path


@define(eq=False)
class SysfsSession:
    """A machine's /sys in this process. `fs`: the fake file system, to put further files into; `view`: the files without it."""

    view: SysfsView
    fs: Any = field(repr=False)
    numbers: RealNumbers = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self.numbers = RealNumbers(self.fs)
        self.fs.movsdk_session = self
        for name, node in self.view.root.entries().items():
            if self.fs.exists(f"/{name}"):
                self.fs.remove_object(f"/{name}")
            assert isinstance(node, Folder)
            self.fs.root_dir.add_entry(FakeFolder(name, node, self.fs))

    # --- for tests ------------------------------------------------------------------------------------
    def path(self, dev: PciDev, *names: str) -> Path:
        """The folder of a device, /sys/bus/pci/devices/0000:01:00.0, or a file in it."""
        from pathlib import Path  # noqa: PLC0415  the fake one, which is only there during the session

        return Path("/sys/bus/pci/devices", str(device_of(dev).bdf), *names)

    @property
    def stale_writes(self) -> list[StaleWrite]:
        """What was written through mappings of where a BAR used to be."""
        return self.view.stale_writes

    def sync(self) -> None:
        """Carry register writes that went through plain memory to the devices, and show what these have."""
        self.view.windows.refresh()

    # --- for the fake os and open() ---------------------------------------------------------------------
    def attribute_at(self, path: Any) -> FakeAttr | None:
        """The attribute that `path` leads to, or None."""
        try:
            found = self.fs.resolve(path)
        except (OSError, TypeError):
            return None
        return found if isinstance(found, FakeAttr) else None

    def open(self, fake: FakeAttr, flags: int, path: object) -> int:
        """Open an attribute; returns a real descriptor number."""
        refuse_exclusive(flags if flags & os.O_CREAT else 0, path)
        try:
            opened = OpenAttr(OpenFile(fake.attr, flags), fake, self.fs)
        except OSError as error:
            raise OSError(error.errno, error.strerror, path) from None
        self.sync()
        number: int = self.fs.add_open_file(opened)
        return number

    def opened(self, number: int) -> OpenAttr | None:
        """The attribute that is open on a number. Register windows are brought up to date first."""
        found = self.numbers.opened(number)
        if found is not None:
            self.sync()
        return found

    def is_fake(self, number: int) -> bool:
        """Whether a number belongs to a file of the fake file system."""
        table = self.fs.open_files
        return 0 <= number < len(table) and bool(table[number])

    def mapped_by(self, number: int) -> Window | bool | None:
        """What mmap() of a number maps: a window, None (no BAR), False (a BAR without an address). Raises ENODEV: it is gone."""
        opened = self.numbers.opened(number)
        if opened is None or opened.file.attr.window is None:
            return None
        if not opened.file.attr.is_alive():
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
        self.numbers.retarget()
        return opened.file.attr.window.now() or False

    def close(self) -> None:
        """Give everything back."""
        self.numbers.release()
        self.view.close()


@contextmanager
def sysfs_session(
    world: World, *, on_report: Callable[[RescanReport], None] = lambda _report: None, around: Around = ()
) -> Iterator[SysfsSession]:
    """Let this process see the /sys and /proc of `world`.

    Args:
        on_report: called after each rescan or removal that was started by writing a file.
        around: names for RAM and reserved ranges in /proc/iomem.
    Raises:
        BadInput: a fake file system is active already (the fixture `fs`, or another session).
    """
    if Patcher.PATCHER is not None:
        raise BadInput("pyfakefs is active already; drop the fixture `fs` and use `sysfs.fs`")
    real_os = ram_module.__dict__["os"]
    replaced: dict[str, Any] = {"os": SysfsOs}
    with Patcher(modules_to_patch=replaced) as patcher:
        ram_module.__dict__["os"] = real_os  # BAR memory is real, whenever it is first touched
        session = SysfsSession(SysfsView(world, on_report, around), patcher.fs)
        undo = [patch_open(session), patch_mmap(session)]
        try:
            yield session
        finally:
            for step in undo:
                step()
            session.close()
