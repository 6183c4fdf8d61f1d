"""A folder with ``qemu.sh``, which starts a QEMU with the same bridges, and ``hotplug.py``, which replays the events through QMP.

Twin: what the series' author was asked for: "a qemu script". Texts only; which device stands for what is `qemu_plan`'s.
"""

from __future__ import annotations

import json
import os
import shlex
from typing import Final

from movsdk.bench.exporters.qemu_plan import Part, Plan, make_plan
from movsdk.bench.exporters.qemu_stock import Options
from movsdk.bench.file_out import new_folder
from movsdk.bench.scenario import Scenario

_ALWAYS: Final = (
    "ids, classes and registers are those of QEMU's devices, drivers those of the guest",
    "apertures, RAM map and firmware's addresses are those of q35 and SeaBIOS",
)
_HOTPLUG: Final = '''\
#!/usr/bin/env python3
"""Replays the events of {name} in the QEMU that qemu.sh started.

Usage: hotplug.py [SOCKET] [SECONDS between steps, default 10]
"""

import json
import os
import socket
import sys
import time

STEPS = json.loads(r"""
{steps}
""")


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    path = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("QMP", os.path.join(here, "qmp.sock"))
    pause = float(sys.argv[2]) if len(sys.argv) > 2 else 10
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(path)
        lines = link.makefile("rw")
        gone = set()

        def answer():
            while True:
                line = lines.readline()
                if not line:
                    sys.exit("QEMU is gone")
                reply = json.loads(line)
                if reply.get("event") == "DEVICE_DELETED":
                    gone.add(reply["data"].get("device"))
                if "return" in reply or "error" in reply:
                    return reply

        def send(command):
            lines.write(json.dumps(command) + "\\n")
            lines.flush()
            reply = answer()
            if "error" in reply:
                sys.exit(f"{{json.dumps(command)}}: {{reply['error']['desc']}}")

        lines.readline()
        send({{"execute": "qmp_capabilities"}})
        for number, step in enumerate(STEPS, start=1):
            print(f"{{number}} {{step['title']}}{{': ' + step['note'] if step['note'] else ''}}", flush=True)
            gone.clear()
            for command in step["commands"]:
                print("  " + json.dumps(command), flush=True)
                send(command)
            deadline = time.monotonic() + pause
            while time.monotonic() < deadline:
                time.sleep(0.1)
                send({{"execute": "query-name"}})
                if step["leave"] and gone.issuperset(step["leave"]):
                    break
            for name in step["leave"]:
                if pause and name not in gone:
                    print(f"  {{name}} is still there: the guest has not let it go", flush=True)


main()
'''


def export_qemu(scenario: Scenario, directory: str | os.PathLike[str]) -> int:
    """Write both files into `directory`, which is made and must be empty. Returns the number of deviations.

    Raises:
        BadInput: the folder is not empty or cannot be written, or the machine cannot be built.
    """
    plan = make_plan(scenario)
    with new_folder(directory) as folder:
        (folder / "qemu.sh").write_text(command_text(scenario, plan), encoding="utf-8")
        (folder / "hotplug.py").write_text(script_text(scenario, plan), encoding="utf-8")
        for name in ("qemu.sh", "hotplug.py"):
            (folder / name).chmod(0o755)
    return len(plan.deviations)


def command_text(scenario: Scenario, plan: Plan) -> str:
    """The shell script: what it is, what is not as in the scenario, and one command. Further options go to QEMU."""
    lines = ["#!/bin/sh", *_comment(scenario.name or "a scenario"), *_comment(scenario.about), "#"]
    lines += ["# Start it with a guest: qemu.sh -kernel bzImage -initrd initrd.img -append 'console=ttyS0' -serial stdio"]
    if scenario.cmdline:
        lines += _comment(f"The scenario's kernel has on its command line: {scenario.cmdline}")
    lines += ["#", "# Not as in the scenario:"]
    for text in (*_ALWAYS, *plan.deviations):
        lines += _comment(f"- {text}")
    lines += [
        "",
        'here=$(cd "$(dirname "$0")" && pwd)',
        'exec "${QEMU:-qemu-system-x86_64}" \\',
        "  -machine q35 -m 1G -nodefaults \\",
    ]
    # Or ACPI takes over, and the guest's pciehp, which the series changes, hears of nothing.
    lines += ["  -global ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off \\"]
    lines += ['  -qmp unix:"${QMP:-$here/qmp.sock}",server=on,wait=off \\']
    for part in plan.cold:
        lines += [f"  {line} \\" for line in _device(part)]
    return "\n".join([*lines, '  "$@"']) + "\n"


def script_text(scenario: Scenario, plan: Plan) -> str:
    """The replay: Python without packages, its steps as data."""
    steps = [{"title": step.title, "note": step.note, "commands": step.commands, "leave": step.leave} for step in plan.steps]
    text = "[\n" + ",\n".join(json.dumps(step) for step in steps) + "\n]"
    name = "".join(letter if letter.isalnum() or letter in " -._" else "?" for letter in scenario.name or "a scenario")
    return _HOTPLUG.format(name=name, steps=text.replace('"""', '""\\u0022'))


def _comment(text: str) -> list[str]:
    return [f"# {line}".rstrip() for line in text.splitlines()]


def _device(part: Part) -> list[str]:
    found = []
    if part.backend:
        found.append(f"-object memory-backend-ram,id={part.name}-mem,size={part.backend}")
    return [*found, f"-device {shlex.quote(_options(part.driver, {'id': part.name, **part.options}))}"]


def _options(driver: str, options: Options) -> str:
    words = [f"{name}={('off', 'on')[value] if isinstance(value, bool) else value}" for name, value in options.items()]
    return ",".join([driver, *words])
