"""What import(export(machine)) == machine means: a machine as the kernel believes it, and a scenario, compared."""

from __future__ import annotations

from pathlib import Path

from mockbus import BarKind
from movsdk.address import Span
from movsdk.bench.exporters.lspci_dump import lspci_dump
from movsdk.bench.importers.folder import read_dump
from movsdk.bench.importers.story import import_dumps
from movsdk.bench.scenario import BarDecl, BridgeSpec, FunctionSpec, Scenario
from movsdk.bench.sysfs.config_file import config_size, read_config
from movsdk.bench.sysfs.proc_files import address_lines
from movsdk.bench.world import World
from movsdk.errors import BadInput
from movsdk.kernel.device import Device
from movsdk.layout.table import IO, MEM_64, PREF, UNSET, Resource
from movsdk.pci_regs import ROM_RESOURCE


def kind_of(resource: Resource) -> BarKind:
    """What register it would be."""
    if resource.index == ROM_RESOURCE:
        return BarKind.ROM
    if resource.flags & IO:
        return BarKind.IO
    wide, pref = bool(resource.flags & MEM_64), bool(resource.flags & PREF)
    return {(0, 0): BarKind.MEM32, (0, 1): BarKind.PREF32, (1, 0): BarKind.MEM64, (1, 1): BarKind.PREF64}[wide, pref]


def bars_of(device: Device, *, placed_only: bool = False) -> tuple[BarDecl, ...]:
    """The BARs that the kernel knows, as a scenario declares them."""
    return tuple(
        BarDecl(resource.index, kind_of(resource), resource.size)
        for resource in device.resources[: ROM_RESOURCE + 1]
        if resource.flags and (not placed_only or is_placed(resource))
    )


def is_placed(resource: Resource) -> bool:
    return not resource.flags & UNSET and resource.parent is not None


def specs_by_place(scenario: Scenario) -> dict[str, FunctionSpec]:
    """The devices that are there, by the address they had."""
    return {spec.id: spec for spec in scenario.devices if spec.present}


def config_of(device: Device) -> bytes:
    return read_config(device, 0, config_size(device))


def spans(world: World) -> set[tuple[bool, Span]]:
    """The root apertures."""
    return {
        (bool(window.flags & IO), Span(window.start, window.last)) for window in world.system.root.segment.windows if window.flags
    }


def driver_of(device: Device) -> str:
    return device.driver.name if device.driver is not None else "none"


def assert_whole(scenario: Scenario, world: World, *, with_drivers: bool = True) -> None:
    """Every function, byte, BAR, driver and aperture."""
    specs = specs_by_place(scenario)
    devices = {device.bdf.short: device for device in world.system.devices()}
    assert specs.keys() == devices.keys()
    for name, device in devices.items():
        assert specs[name].config == config_of(device)
        assert specs[name].bars == bars_of(device)
        assert not with_drivers or specs[name].driver == driver_of(device)
        assert isinstance(specs[name], BridgeSpec) == device.row.is_bridge
    assert {(window.is_io, window.span) for window in scenario.windows} == spans(world)


def texts(world: World) -> tuple[str, str, str]:
    """All that lspci -xxxx, /proc/iomem and /proc/ioports tell of it."""
    return lspci_dump(world), address_lines(world, io=False), address_lines(world, io=True)


def imported(world: World, paths: list[Path]) -> Scenario | None:
    """The machine of the files; None if it is refused rightly: the kernel gave a BAR up, and its size is in no file."""
    problem = ""
    try:
        return import_dumps([read_dump(paths)]).scenario
    except BadInput as error:
        problem = str(error)
    given_up = [
        f"the size of {device.bdf} BAR {resource.index} is in none"
        for device in world.system.devices()
        for resource in device.resources[:ROM_RESOURCE]
        if not resource.flags or not is_placed(resource)
    ]
    assert any(words in problem for words in given_up), problem
    return None
