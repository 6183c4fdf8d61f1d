"""A real QEMU that an exported folder started, stopped before its first instruction, and what it says of its devices."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import define

needs_qemu = pytest.mark.skipif(
    shutil.which("qemu-system-x86_64") is None, reason="needs qemu-system-x86_64: apt-get install qemu-system-x86"
)
_DEVICE = re.compile(r'^( *)dev: ([^,]+), id "([^"]*)"')
_BAR = re.compile(r"bar \d: (mem|i/o) at \S+ \[0x([0-9a-f]+)\]")


@define(eq=False)
class Qemu:
    """One process. `qmp` is the path of its socket."""

    folder: Path
    qmp: str

    def replay(self) -> subprocess.CompletedProcess[str]:
        """Run hotplug.py without waiting for a guest."""
        command = [sys.executable, str(self.folder / "hotplug.py"), self.qmp, "0"]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    def ask(self, command: str, **arguments: Any) -> Any:
        """One QMP command."""
        with socket.socket(socket.AF_UNIX) as link:
            link.connect(self.qmp)
            lines = link.makefile("rw")
            lines.readline()
            for each in ({"execute": "qmp_capabilities"}, {"execute": command, "arguments": arguments}):
                lines.write(json.dumps(each) + "\n")
                lines.flush()
                reply = json.loads(lines.readline())
                while "event" in reply:
                    reply = json.loads(lines.readline())
            return reply["return"]

    def tree(self) -> dict[str, tuple[str, str, list[tuple[str, int]]]]:
        """Of each device with an id: QEMU's name for it, the id of the device above, and its BARs (kind, size)."""
        found: dict[str, tuple[str, str, list[tuple[str, int]]]] = {}
        above: list[tuple[int, str]] = []
        for line in self.ask("human-monitor-command", **{"command-line": "info qtree"}).splitlines():
            if device := _DEVICE.match(line):
                depth = len(device[1])
                above = [each for each in above if each[0] < depth]
                if device[3]:
                    found[device[3]] = (device[2], next((name for _, name in reversed(above) if name), ""), [])
                above.append((depth, device[3]))
            elif (bar := _BAR.search(line)) and above[-1][1]:
                # A size of nothing wraps round: QEMU prints the last offset less one.
                found[above[-1][1]][2].append((bar[1], int(bar[2], 16) + 2))
        return found


@contextlib.contextmanager
def started(folder: Path) -> Iterator[Qemu]:
    """Start qemu.sh of an exported folder; it is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="qemu") as place:  # pytest's own folders are too long for a socket's name
        qmp = os.path.join(place, "qmp")
        command = [str(folder / "qemu.sh"), "-S", "-display", "none", "-daemonize", "-pidfile", os.path.join(place, "pid")]
        # -daemonize returns when the machine is there and the socket listens: no waiting, no race.
        done = subprocess.run(command, env={**os.environ, "QMP": qmp}, stderr=subprocess.PIPE, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        number = int(Path(place, "pid").read_text())
        qemu = Qemu(folder, qmp)
        try:
            yield qemu
        finally:
            with contextlib.suppress(OSError):
                os.kill(number, 9)
