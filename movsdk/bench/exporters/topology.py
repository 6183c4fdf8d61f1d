"""The tree of buses as a picture: text for Graphviz (``dot -Tsvg``) and for Mermaid (in a Markdown page).

Twin: ``lspci -tv``. A node is a function with its address, id, driver and BARs; an edge is the bus between bridge and device.
Node names are counted, because both languages read the colons of an address as something else.
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

from movsdk import pci_regs as regs
from movsdk.bench.world import World
from movsdk.kernel.device import Bus, Device
from movsdk.layout.table import UNSET
from movsdk.layout.wording import resource_name, resource_text


@frozen
class _Node:
    name: str
    lines: tuple[str, ...]
    device: Device | None
    parent: str
    bus: str  # what is written at the edge to the parent


def dot(world: World) -> str:
    """Graphviz: bridges are boxes with a double border where a slot is, devices are rounded."""
    lines = ["digraph pci {", "  rankdir=LR;", '  node [shape=box, fontname="monospace", fontsize=10];']
    for node in _nodes(world):
        label = "\\l".join(_escape_dot(line) for line in node.lines) + "\\l"
        looks = ""
        if node.device is not None and not node.device.row.is_bridge:
            looks = ", style=rounded"
        elif node.device is not None and node.device.row.is_hotplug:
            looks = ", peripheries=2"
        lines.append(f'  {node.name} [label="{label}"{looks}];')
        if node.parent:
            lines.append(f'  {node.parent} -> {node.name} [label="{node.bus}"];')
    return "\n".join([*lines, "}"]) + "\n"


def mermaid(world: World) -> str:
    """Mermaid: bridges are boxes, hot-plug ports have a second border, devices are rounded."""
    lines = ["flowchart LR"]
    for node in _nodes(world):
        label = "<br/>".join(_escape_mermaid(line) for line in node.lines)
        opening, closing = "[", "]"
        if node.device is not None and not node.device.row.is_bridge:
            opening, closing = "(", ")"
        elif node.device is not None and node.device.row.is_hotplug:
            opening, closing = "[[", "]]"
        lines.append(f'  {node.name}{opening}"{label}"{closing}')
        if node.parent:
            lines.append(f"  {node.parent} -->|{node.bus}| {node.name}")
    return "\n".join(lines) + "\n"


def _nodes(world: World) -> Iterator[_Node]:
    root = world.system.root
    yield _Node("n0", (f"host bridge {world.system.domain:04x}:{root.number:02x}",), None, "", "")
    names = {root: "n0"}
    for number, device in enumerate(world.system.devices(), start=1):
        name = f"n{number}"
        if device.subordinate is not None:
            names[device.subordinate] = name
        yield _Node(name, tuple(_lines(device)), device, names[device.bus], f"bus {device.bus.number:02x}")


def _lines(device: Device) -> Iterator[str]:
    label = "" if device.label == str(device.bdf) else f" {device.label}"
    yield f"{device.bdf.short}{label}"
    if device.driver is not None:
        yield f"driver {device.driver.name}"
    behind: Bus | None = device.subordinate
    if behind is not None:
        yield f"to bus {behind.number:02x}" + ("" if behind.number == behind.last else f"-{behind.last:02x}")
    for resource in device.resources:
        if resource.flags:
            placed = resource.parent is not None and not resource.flags & UNSET
            if resource.index < regs.BRIDGE_RESOURCES or placed:
                name = resource_name(resource.index).removeprefix("bridge ")
                yield f"{name} {resource_text(resource.flags, resource.start, resource.size, has_place=placed)}"


def _escape_dot(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _escape_mermaid(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;").replace("#", "&num;")
