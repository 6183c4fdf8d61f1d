"""A server process that has a machine mounted, and a shell to use it with."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

_ROOT = Path(__file__).parents[3]
_SERVER = """
import sys
from attrs import evolve
from movsdk.bench.bench import Bench
from movsdk.bench.sysfs.fuse_mount import mount
from tests.bench.sysfs.cards import Card, MemoryCard

bench = Bench()
big = MemoryCard()
big.bars = tuple(evolve(bar, size=16 << 20) if bar.n == 2 else bar for bar in big.bars)
bench.plug(Card, big)
bench.plug(Card, MemoryCard)
stale = mount(bench.world, sys.argv[1], on_ready=lambda: print("ready", flush=True))
print(*stale, sep="\\n", flush=True)
"""


class Mounted:
    """A server process and where it is mounted."""

    def __init__(self, folder: Path, program: str = _SERVER) -> None:
        self.folder = folder
        folder.mkdir()
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])}
        self.process = subprocess.Popen(
            [sys.executable, "-c", program, str(folder)], stdout=subprocess.PIPE, text=True, env=environment
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    @property
    def card(self) -> Path:
        """The first card's folder."""
        return self.folder / "devices" / "0000:01:00.0"

    def gone(self) -> int:
        """Wait for the server to end; its exit status."""
        return self.process.wait(30)

    def told_to_end(self) -> str:
        """End the server; what it says last."""
        self.process.terminate()
        assert self.process.stdout is not None
        return self.process.stdout.read()


@contextlib.contextmanager
def mounting(folder: Path) -> Iterator[Mounted]:
    """A mount that is gone afterwards, whatever happened."""
    server = Mounted(folder)
    try:
        yield server
    finally:
        subprocess.run(["fusermount3", "-uzq", str(server.folder)], check=False)
        server.process.kill()
        server.process.wait()
        assert server.process.stdout is not None
        server.process.stdout.close()


def sh(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a shell command in a folder."""
    return subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, text=True, check=False, timeout=60)
