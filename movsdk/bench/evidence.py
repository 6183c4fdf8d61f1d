"""Evidence for a mailing list: a machine before and after its last event, as ``lspci -tv`` and /proc/iomem show it.

Twin: show_tree_bridge() of pciutils, ``r_show()`` of the kernel. ``python -m movsdk.bench.evidence FILE`` prints it for a
scenario. Judges nothing; what the referee found stands at the end.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator

from movsdk.address import Span
from movsdk.bench import gallery
from movsdk.bench.meanwhile import Meanwhile, Pair
from movsdk.bench.player import Outcome, Player
from movsdk.bench.scenario import NamedScenario
from movsdk.bench.scenario_file import load
from movsdk.bench.state import bar_register_value
from movsdk.bench.sysfs.proc_files import tree
from movsdk.bench.world import World
from movsdk.errors import BadInput
from movsdk.kernel.device import Bus, Device
from movsdk.layout.table import IO
from movsdk.ops import Space
from movsdk.pci_regs import COMMAND, COMMAND_IO, COMMAND_MEMORY, ROM_RESOURCE, VENDOR_ID
from movsdk.rescan.rules import by_name
from movsdk.rescan.rules.record import Rules

_ABSENT = 0xFFFF


# --- lspci -tv --------------------------------------------------------------------------------------------------
def lspci_tree(world: World) -> list[str]:
    """Buses and functions as lspci draws them; behind each endpoint its id and driver."""
    root = world.system.root
    return list(_bus(root, f"-[{world.system.domain:04x}:{root.number:02x}]-"))


def _bus(bus: Bus, line: str) -> Iterator[str]:
    devices = sorted(bus.devices, key=lambda device: device.bdf)
    if not devices:
        yield line
    elif len(devices) == 1:
        yield from _device(devices[0], f"{line}--")
    else:
        indent = _under(line)
        for device in devices[:-1]:
            yield from _device(device, f"{line}+-")
            line = indent
        yield from _device(devices[-1], f"{line}\\-")


def _device(device: Device, line: str) -> Iterator[str]:
    line += device.bdf.short.partition(":")[2]
    bus = device.subordinate
    if bus is None:
        yield f"{line}  {device.label} ({device.driver.name if device.driver is not None else 'no driver'})"
        return
    numbers = f"{bus.number:02x}" if bus.last == bus.number else f"{bus.number:02x}-{bus.last:02x}"
    yield from _bus(bus, f"{line}-[{numbers}]--")


def _under(line: str) -> str:
    """What stands below `line` on the next one."""
    return "".join("|" if mark in "+|" else " " for mark in line)


# --- /proc/iomem ------------------------------------------------------------------------------------------------
def resources(world: World) -> list[str]:
    """/proc/ioports and /proc/iomem, as far as they are PCI's."""
    lines = []
    for is_io in (True, False):
        inside = False
        for line in tree(world, io=is_io):
            inside = line.name.startswith("PCI Bus") if line.depth == 0 else inside
            if inside:
                lines.append(f"{'  ' * line.depth}{_hex(line.span)} : {line.name}")
    return lines


def answering_unlisted(world: World) -> list[str]:
    """BARs that the kernel has no place for, but whose registers go on answering."""
    found = []
    for device in world.system.devices():
        if device.config_read(VENDOR_ID, 2) == _ABSENT:
            continue
        command = device.config_read(COMMAND, 2)
        for resource in device.resources[:ROM_RESOURCE]:
            if not resource.flags or resource.parent is not None:
                continue
            is_on = command & (COMMAND_IO if resource.flags & IO else COMMAND_MEMORY)
            address = bar_register_value(device, resource.index)
            claims = world.machine.fabric.claims(Space.IO if resource.flags & IO else Space.MEM, address)
            if is_on and any(claim.label == device.label for claim in claims):
                span = Span(address, address + resource.size - 1)
                found.append(f"{_hex(span)} : {device.bdf} BAR {resource.index} ({device.label}), not in the list above")
    return found


def _hex(span: Span) -> str:
    return f"{span.start:08x}-{span.last:08x}"


# --- before and after --------------------------------------------------------------------------------------------
def evidence(named: NamedScenario, rules: Rules) -> list[str]:
    """Play a scenario: the machine before and after its last event, what the referee found, who shared an address meanwhile."""
    player = Player(named.scenario, rules, "hardware")
    watch = Meanwhile(player.world)
    shown: list[list[str]] = []
    last: Outcome | None = None
    meanwhile: tuple[Pair, ...] = ()
    for event in named.scenario.events:
        outcome = player.step(event)
        pairs = watch.take()
        if outcome is not None:
            meanwhile = pairs
            shown.append([f"after {event}, rules {rules.name}", *_picture(player.world)])
            last = outcome
    if last is None:
        raise BadInput(f"{named.name}: nothing happens in it; give it events")
    return [*(line for picture in shown[-2:] for line in [*picture, ""]), *map(str, last.findings), *map(_told, meanwhile)]


def _told(pair: Pair) -> str:
    return f"E01 meanwhile: {pair}"


def _picture(world: World) -> list[str]:
    still = answering_unlisted(world)
    return [*lspci_tree(world), *resources(world), *(["still answering:", *(f"  {line}" for line in still)] if still else [])]


def main(arguments: list[str] | None = None) -> int:
    """``python -m movsdk.bench.evidence FILE [--rules v9]``. FILE may be a name of the gallery."""
    parser = argparse.ArgumentParser(prog="python -m movsdk.bench.evidence", description=__doc__.partition("\n")[0])
    parser.add_argument("file", metavar="FILE", help="a scenario")
    parser.add_argument("--rules", help="kernel version (default: what the file says, else v9)")
    options = parser.parse_args(arguments)
    try:
        for named in load(gallery.find(options.file) or options.file):
            rules = named.rules or "v9" if options.rules is None else options.rules
            print("\n".join(evidence(named, by_name(rules))).rstrip(), flush=True)
    except BrokenPipeError:  # the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except BadInput as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
