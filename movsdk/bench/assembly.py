"""Silicon out of a scenario: the machine that its devices describe, powered on, with no kernel yet.

Twin: the hand that puts cards into slots. Binds no driver and plays no event; a driver's class only tells which model it drives.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from attrs import evolve

from mockbus import header
from mockbus.bar import BarSpec
from mockbus.capabilities import Pcie, Pm
from mockbus.config import ConfigSpace
from mockbus.function import Function
from mockbus.model import DeviceModel, PlainModel
from mockbus.topology import Machine
from movsdk import pci_regs as regs
from movsdk.address import Span
from movsdk.bench.scenario import (
    DEFAULT_BRIDGE_CLASS,
    DEFAULT_CLASS,
    BarDecl,
    BridgeSpec,
    EndpointSpec,
    FunctionSpec,
    Scenario,
)
from movsdk.bench.user_code import model_class
from movsdk.clock import Clock
from movsdk.errors import BadInput, MovError

MADE_UP_VENDOR: Final = 0x6D76  # "mv"; belongs to nobody
SYSTEM_RAM: Final = "System RAM"
_FIRST_MIB: Final = 0x10_0000


def assemble(scenario: Scenario, clock: Clock | None = None) -> Machine:
    """Return the machine of `scenario`. Devices carry their ids as labels; those that are not `present` wait to be plugged.

    Raises:
        BadInput: a model does not import, cannot be made, or contradicts its BARs or config bytes; the message and the
            field `device` name the device.
    """
    machine = Machine(apertures(scenario), clock, scenario.domain, ram=host_ram(scenario))
    numbers = {spec.id: number for number, spec in enumerate(scenario.devices, start=1)}
    for spec in scenario.top_down():
        try:
            if isinstance(spec, BridgeSpec):
                _add_bridge(machine, spec)
            elif isinstance(spec, EndpointSpec):
                _add_endpoint(machine, spec, numbers[spec.id], scenario.folder)
        except BadInput as error:
            raise BadInput(str(error), device=spec.id) from error
    return machine


def apertures(scenario: Scenario) -> list[tuple[str, Span]]:
    """The root apertures as `Machine` wants them, in the host bridge's order."""
    return [(window.kind, window.span) for window in scenario.windows]


def host_ram(scenario: Scenario) -> Span | None:
    """Where DMA buffers live: the largest piece of RAM above the first MiB and clear of apertures; None to let silicon choose."""
    named = [piece.span for piece in scenario.ram if piece.name == SYSTEM_RAM]
    pieces = []
    for span in named or [piece.span for piece in scenario.ram if not piece.name]:
        start = max(span.start, _FIRST_MIB)
        cuts = [window.span.start for window in scenario.windows if not window.is_io and window.span.last >= start]
        last = min([span.last, *(cut - 1 for cut in cuts)])
        if start < last:
            pieces.append(Span(start, last))
    return max(pieces, key=lambda span: span.size, default=None)


# --- bridges ---------------------------------------------------------------------------------------
def _add_bridge(machine: Machine, spec: BridgeSpec) -> None:
    firmware: dict[Any, Any] = {bar.n: bar.firmware for bar in spec.bars if bar.firmware is not None}
    if spec.firmware is not None:
        words = {key: getattr(spec.firmware, key) for key in ("bus", "io", "mem", "pref")}
        firmware |= {key: value for key, value in words.items() if value is not None}
    bridge = machine.add_bridge(
        spec.id,
        spec.on,
        spec.slot,
        class_code=DEFAULT_BRIDGE_CLASS if spec.class_code is None else spec.class_code,
        prefetchable=spec.prefetchable,
        io=spec.io,
        hotplug=spec.hotplug,
        pcie=spec.pcie,
        controls=spec.controls,
        bars=tuple(BarSpec(bar.n, bar.kind, bar.size) for bar in spec.bars),
        config=None if spec.config is None else _bridge_bytes(spec, spec.config, firmware),
        firmware=firmware,
        present=spec.present,
    )
    if spec.config is None:
        ids = ((regs.VENDOR_ID, 2, spec.vendor), (regs.DEVICE_ID, 2, spec.device), (regs.REVISION_ID, 1, spec.revision))
        for offset, size, value in ids:
            if value is not None:
                _engrave(bridge, offset, size, value)


def _engrave(function: Function, offset: int, size: int, value: int) -> None:
    """Change a read-only register for good: now, and at each power-on."""
    function.config.put(offset, size, value)
    for each in range(offset, offset + size):
        function.config.seal_byte(each)


def _bridge_bytes(spec: BridgeSpec, dump: bytes, firmware: dict[Any, Any]) -> bytes:
    """The dumped bytes with the firmware values that stand beside them; COMMAND stays as dumped."""
    space = _with_bars(dump, spec.bars, is_bridge=True)
    header.permit_bridge(space, io=spec.io, prefetchable=spec.prefetchable is not None)
    for index, number in enumerate(firmware.get("bus", ())):
        space.put(regs.PRIMARY_BUS + index, 1, number)
    for kind in ("io", "mem", "pref"):
        if kind in firmware:
            header.put_window(space, kind, *firmware[kind])
    return bytes(space.data)


def _with_bars(dump: bytes, bars: Iterable[BarDecl], *, is_bridge: bool) -> ConfigSpace:
    space = ConfigSpace.from_bytes(dump)
    for bar in bars:
        if bar.firmware is not None:
            header.lay_bar(space, BarSpec(bar.n, bar.kind, bar.size), bar.firmware, is_bridge=is_bridge)
    return space


# --- endpoints -------------------------------------------------------------------------------------
def _add_endpoint(machine: Machine, spec: EndpointSpec, number: int, folder: str) -> None:
    model = _model(spec, number, folder)
    firmware = {bar.n: bar.firmware for bar in spec.bars if bar.firmware is not None}
    config = None if spec.config is None else bytes(_with_bars(spec.config, spec.bars, is_bridge=False).data)
    machine.add(spec.id, spec.on, spec.slot, model, config=config, firmware=firmware, present=spec.present)


def _model(spec: EndpointSpec, number: int, folder: str) -> DeviceModel:
    found = model_class(spec, folder)
    if found is None:
        model: DeviceModel = PlainModel(MADE_UP_VENDOR, number & 0xFFFF, DEFAULT_CLASS)
    else:
        model = _made(spec, found)
    said = {
        "vendor_id": spec.vendor,
        "device_id": spec.device,
        "class_code": spec.class_code,
        "revision": spec.revision,
        "subsystem": spec.subsystem,
    }
    for attribute, value in said.items():
        if value is not None:
            setattr(model, attribute, value)
    if spec.pcie is not None and not any(isinstance(each, Pcie) for each in model.capabilities):
        needs = (Pcie(spec.pcie), Pm())  # no PCI Express function is without power management
        model.capabilities += tuple(each for each in needs if not any(type(each) is type(has) for has in model.capabilities))
        model.config_size = 4096
    if spec.bars:
        model.bars = _merged(model.bars, spec)
    return model


def _made(spec: FunctionSpec, found: type[Any]) -> DeviceModel:
    if not issubclass(found, DeviceModel):
        raise BadInput(f"{spec.id}: model {found.__name__} is no mockbus.model.DeviceModel; subclass it")
    try:
        return found()
    except MovError:
        raise
    except Exception as error:  # a model is the user's code, anything may happen in it
        raise BadInput(f"{spec.id}: model {found.__name__}() failed: {type(error).__name__}: {error}") from error


def _merged(bars: Iterable[BarSpec], spec: EndpointSpec) -> tuple[BarSpec, ...]:
    """The model's BARs, with type and size as declared; beside config bytes only those that are declared."""
    merged = {bar.n: bar for bar in bars if spec.config is None}
    own = {bar.n: bar for bar in bars}
    for bar in spec.bars:
        base = own.get(bar.n)
        declared = BarSpec(bar.n, bar.kind, bar.size)
        merged[bar.n] = declared if base is None else evolve(base, kind=bar.kind, size=bar.size)
    return tuple(merged.values())
