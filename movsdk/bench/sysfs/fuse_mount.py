"""The FUSE back end: the view mounted on a folder, live, for programs of every kind: lspci, setpci, a shell, a driver in C.

The folder stands for / (``DIR/sys/bus/pci``, ``DIR/proc/iomem``) and, by links at the top, for /sys/bus/pci (``DIR/devices``,
``DIR/rescan``). resourceN is a link to the memory behind the BAR, because a FUSE file of changing contents cannot be mapped.
Needs Linux, /dev/fuse and the package mfusepy (``pip install movsdk[fuse]``).
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import threading
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from attrs import define, field

from movsdk.bench.sysfs.export_tree import SHORTCUTS
from movsdk.bench.sysfs.node import Attr, Folder, Link, Node
from movsdk.bench.sysfs.open_file import OpenFile
from movsdk.bench.sysfs.proc_files import Around
from movsdk.bench.sysfs.view import SysfsView
from movsdk.bench.sysfs.window import StaleWrite
from movsdk.bench.world import World
from movsdk.errors import BadInput
from movsdk.rescan.report import RescanReport

TICK: Final = 0.01
"""How often virtual time follows real time, and register windows are compared, seconds."""
_DEVICE = "/dev/fuse"
_REST: Final = 4  # after a tick, rest at least that many times as long as it took


def mount(
    world: World,
    directory: str | os.PathLike[str],
    *,
    around: Around = (),
    on_ready: Callable[[], None] = lambda: None,
    on_report: Callable[[RescanReport], None] = lambda _report: None,
    on_failure: Callable[[BaseException], None] = lambda _error: None,
) -> list[StaleWrite]:
    """Mount `world` on `directory` (an empty folder) and serve it until somebody unmounts it or sends SIGINT or SIGTERM.

    Virtual time follows real time meanwhile. ``fusermount3 -u DIR`` unmounts, also after the server was killed. Returns what
    programs wrote through maps of where a BAR used to be.

    Args:
        around: names for RAM and reserved ranges in /proc/iomem; see `stage`.
        on_ready: called once the mount is there. on_report: called after each rescan or removal that somebody asks for.
        on_failure: hears what a driver's or a model's own code raised; whoever wrote the file gets EIO, and serving goes on.

    Raises:
        BadInput: no /dev/fuse, no mfusepy, no such folder, or mounting failed.
    """
    fuse = check(directory)
    server = Server(SysfsView(world, on_report, around), on_ready, on_failure)
    try:
        fuse.FUSE(
            server,
            str(directory),
            foreground=True,
            nothreads=True,
            direct_io=True,
            attr_timeout=0,
            entry_timeout=0,
            negative_timeout=0,
            fsname="movsdk",
        )
        return server.view.stale_writes
    except RuntimeError as error:  # libfuse 3.14 calls the signal that ended the loop an error, too
        if server.is_mounted:
            return server.view.stale_writes
        raise BadInput(f"{directory}: cannot be mounted (libfuse says {error}); is it mounted already?") from None
    finally:
        server.stop()
        server.view.close()


def _library() -> Any:
    if not os.path.exists(_DEVICE):
        raise BadInput(f"there is no {_DEVICE} here; use `movsdk export sysfs`, which writes plain files")
    try:
        return import_module("mfusepy")
    except ImportError:
        raise BadInput("mounting needs the package mfusepy; pip install 'movsdk[fuse]'") from None
    except (OSError, AttributeError) as error:
        raise BadInput(f"mfusepy finds no libfuse ({error}); install the system package fuse3") from None


def check(directory: str | os.PathLike[str]) -> Any:
    """Refuse now what `mount` would refuse after a machine was played; returns the package that mounts. Raises `BadInput`."""
    fuse, path = _library(), Path(directory)
    try:
        if any(path.iterdir()):
            raise BadInput(f"{path}: is not empty; mount on an empty folder")
    except OSError as error:
        raise BadInput(f"{path}: cannot be mounted on: {error.strerror}") from None
    return fuse


@define(eq=False)
class Server:
    """Answers libfuse. One request at a time, and the ticking of the clock between them."""

    view: SysfsView
    on_ready: Callable[[], None]
    on_failure: Callable[[BaseException], None]
    use_ns: bool = field(default=True, init=False)
    _files: dict[int, OpenFile] = field(factory=dict, init=False)
    is_mounted: bool = field(default=False, init=False)
    _count: int = field(default=0, init=False)
    _lock: threading.RLock = field(factory=threading.RLock, init=False)
    _stopped: threading.Event = field(factory=threading.Event, init=False)

    # --- time --------------------------------------------------------------------------------------
    def init(self, _path: str) -> None:
        """The mount is there."""
        self.is_mounted = True
        threading.Thread(target=self._tick, daemon=True).start()
        self.on_ready()

    def stop(self) -> None:
        """End the ticking."""
        self._stopped.set()

    def _tick(self) -> None:
        before, pause = time.monotonic_ns(), TICK
        while not self._stopped.wait(pause):
            now = time.monotonic_ns()
            with contextlib.suppress(OSError), self._serving():
                self.view.world.system.ops.clock.advance(now - before)
                self.view.windows.refresh()
            pause = max(TICK, _REST * (time.monotonic_ns() - now) / 1e9)
            before = now

    @contextlib.contextmanager
    def _serving(self) -> Iterator[None]:
        """One request at a time; what users' code raises, and it may raise anything, is told and becomes EIO."""
        with self._lock:
            try:
                yield
            except OSError:
                raise
            except (Exception, SystemExit) as error:
                self.on_failure(error)
                raise OSError(errno.EIO, str(error)) from None

    # --- names ---------------------------------------------------------------------------------------
    def _node(self, path: str) -> Node:
        if path[1:] in SHORTCUTS:
            return Link(SHORTCUTS[path[1:]])
        node = self.view.lookup(path)
        if node is None:
            raise OSError(errno.ENOENT, path)
        return node

    def getattr(self, path: str, _handle: int | None = None) -> dict[str, int]:
        """stat(2)."""
        with self._serving():
            node = self._node(path)
            kind, size = _kind(node)
        return {"st_mode": kind, "st_nlink": 2 if stat.S_ISDIR(kind) else 1, "st_size": size, "st_uid": os.getuid()}

    def readdir(self, path: str, _handle: int) -> list[str]:
        """getdents(2)."""
        with self._serving():
            node = self._node(path)
            if not isinstance(node, Folder):
                raise OSError(errno.ENOTDIR, path)
            names = [".", "..", *node.entries()]
        return names + list(SHORTCUTS) if path == "/" else names

    def readlink(self, path: str) -> str:
        """readlink(2)."""
        with self._serving():
            node = self._node(path)
            target = _target(node)
        if target is None:
            raise OSError(errno.EINVAL, path)
        return target

    # --- files -----------------------------------------------------------------------------------------
    def open(self, path: str, flags: int) -> int:
        """open(2)."""
        with self._serving():
            node = self._node(path)
            if not isinstance(node, Attr):
                raise OSError(errno.EISDIR, path)
            self._count += 1
            self._files[self._count] = OpenFile(node, flags)
            return self._count

    def read(self, _path: str, size: int, offset: int, handle: int) -> bytes:
        """pread(2)."""
        with self._serving():
            return self._files[handle].pread(size, offset)

    def write(self, _path: str, data: bytes, offset: int, handle: int) -> int:
        """pwrite(2)."""
        with self._serving():
            return self._files[handle].pwrite(data, offset)

    def truncate(self, path: str, _length: int, _handle: int | None = None) -> int:
        """Accepted without effect, as in sysfs."""
        with self._serving():
            self._node(path)
        return 0

    def release(self, _path: str, handle: int) -> int:
        """The last close(2)."""
        with self._serving():
            self._files.pop(handle, None)
        return 0

    # --- what nobody may do in sysfs -----------------------------------------------------------------------
    def create(self, path: str, _mode: int, _flags: int) -> int:
        """Refused."""
        raise OSError(errno.EACCES, path)

    def _refuse(self, path: str, *_: object) -> int:
        raise OSError(errno.EPERM, path)

    mkdir = unlink = rmdir = symlink = rename = link = mknod = _refuse


def _kind(node: Node) -> tuple[int, int]:
    """Mode and size of a node, as stat tells them."""
    if isinstance(node, Folder):
        return stat.S_IFDIR | 0o755, 0
    if isinstance(node, Link):
        return stat.S_IFLNK | 0o777, len(node.target)
    if node.window is not None and node.window.is_mappable:
        return stat.S_IFLNK | 0o777, 0
    return stat.S_IFREG | node.mode, node.size


def _target(node: Node) -> str | None:
    """Where a node leads: a link, or a BAR that can be mapped."""
    if isinstance(node, Link):
        return node.target
    if isinstance(node, Attr) and node.window is not None:
        window = node.window.now()
        return f"/proc/{os.getpid()}/fd/{window.file}" if window is not None else None
    return None
