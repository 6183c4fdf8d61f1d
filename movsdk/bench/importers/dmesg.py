"""What a kernel log says of PCI: root buses and their apertures, devices as they were found, the RAM map, what found no place.

Twin: the messages of drivers/pci/probe.c, setup-bus.c, setup-res.c and iov.c, from 2.6.3x (``reg 10:``, ``BAR 14: can't assign``)
over ``BAR 13: no space for`` to today's ``bridge window [...]: can't assign; no space``. A log is a history: the last word on a
BAR counts.
"""

from __future__ import annotations

import re
from typing import Final

from attrs import define, field, frozen

from movsdk.address import Bdf, Span
from movsdk.bench.importers.dump_lines import At, Text
from movsdk.bench.importers.log_lines import log_lines
from movsdk.bench.importers.said import Said, SaidBar, SaidWindow
from movsdk.bench.importers.translated import Translation, bar_on_bus, said_on_bus, span_on_bus
from movsdk.pci_regs import ROM_RESOURCE, BarKind, PcieType

_BDF: Final = r"(?P<bdf>[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7])"
_DEVICE: Final = re.compile(rf"(?:^|[\s\]])(?P<who>[\w.+-]{{1,32}}) {_BDF}(?::pcie\w+)?: (?P<what>.*)")
_OLD_ROOT: Final = re.compile(r"pci_bus (?P<bus>[0-9a-f]{4,8}:[0-9a-f]{2}): root bus resource (?P<what>\[.*)")
_BUS_ADDRESS: Final = re.compile(r"\(bus address \[(?P<start>0x[0-9a-f]{1,16})-0x[0-9a-f]{1,16}\]\)")
_HOST: Final = re.compile(r"PCI host bridge to bus (?P<bus>[0-9a-f]{4,8}:[0-9a-f]{2})$")
_RANGE: Final = re.compile(
    r"\[(?P<space>io|mem)\s+(?:size (?P<size>0x[0-9a-f]{1,16})|(?P<start>0x[0-9a-f]{1,16})(?:-(?P<last>0x[0-9a-f]{1,16}))?)"
    r"(?P<flags>[ \w?]*)\]"
)
_FOUND: Final = re.compile(
    r"\[(?P<vendor>[0-9a-f]{4}):(?P<device>[0-9a-f]{4})\] type (?P<type>[0-9a-f]{1,2}) class (?P<class>0x[0-9a-f]{6})(?P<rest>.*)"
)
_REG: Final = re.compile(r"reg (?:0x)?(?P<reg>[0-9a-f]{2,3}): (?P<range>\[.*\])")
_NEW_REG: Final = re.compile(r"(?P<name>VF BAR \d|BAR \d|ROM) (?P<range>\[[^\]]*\])$")
_OLD_WORD: Final = re.compile(
    r"BAR (?P<n>\d{1,2}): "
    r"(?P<verb>assigned|no space for|failed to assign|can't assign|trying firmware assignment|set to) ?(?P<range>\[[^\]]*\]).*"
)
_NEW_WORD: Final = re.compile(
    r"(?:Assigned )?(?P<name>VF BAR \d|BAR \d|ROM|bridge window) (?P<range>\[[^\]]*\])(?: to \[bus [^\]]*\]:?|:) "
    r"(?P<verb>assigned|can't assign|failed to assign|requires relaxed alignment|cannot fit).*"
)
_BRIDGE: Final = re.compile(r"PCI bridge to \[bus (?P<first>[0-9a-f]{2})(?:-(?P<last>[0-9a-f]{2}))?\](?P<rest>.*)")
_WINDOW: Final = re.compile(r"\s*bridge window (?P<range>\[[^\]]*\])(?P<rest>(?: \([a-z ]*\))?)")
_VF: Final = re.compile(r"VF\(n\) BAR(?P<n>\d) space: (?P<range>\[[^\]]*\]) \(contains BAR\d for (?P<count>\d{1,5}) VFs\)")
_RAM: Final = re.compile(
    r"BIOS-e820: \[mem (?P<start>0x[0-9a-f]{1,16})-(?P<last>0x[0-9a-f]{1,16})\] (?P<name>[\w ,]{1,60})|"
    r"BIOS-e820: (?P<old>[0-9a-f]{16}) - (?P<end>[0-9a-f]{16}) \((?P<what>[\w ]{1,40})\)"
)
_COMMAND_LINE: Final = re.compile(r"(?:Kernel command|Command) line: (?P<line>[ -~]{1,2048})")
_HOTPLUG: Final = re.compile(
    r"(?:pciehp: )?Slot #\d+ AttnBtn.*|(?:pciehp: )?Slot \[?[\w-]+\]? registered.*|pciehp: (?:HPC |Slot\().*"
)
_MOST_APERTURES: Final = 64  # of one root bus
_TYPES: Final = {
    "PCIe Root Port": PcieType.ROOT_PORT,
    "PCIe Switch Upstream Port": PcieType.UPSTREAM,
    "PCIe Switch Downstream Port": PcieType.DOWNSTREAM,
    "PCIe Endpoint": PcieType.ENDPOINT,
    "PCIe Legacy Endpoint": PcieType.LEGACY_ENDPOINT,
    "PCIe Root Complex Integrated Endpoint": PcieType.RC_ENDPOINT,
    "PCIe to PCI/PCI-X bridge": PcieType.PCI_BRIDGE,
    "PCI/PCI-X to PCIe bridge": PcieType.PCIE_BRIDGE,
}
_NO_DRIVERS: Final = frozenset(
    ("pci", "pci_bus", "vgaarb", "ACPI", "PM", "DMAR", "iommu", "pci-p2p", "from", "device", "kernel", "at", "of", "to", "on")
)
_RAM_NAMES: Final = {"usable": "System RAM", "reserved": "Reserved"}


@frozen
class Failure:
    """What the kernel found no place for: in its words, and where."""

    bdf: Bdf
    name: str
    words: str
    at: At


@define(eq=False)
class Root:
    """One root bus: apertures (kind, span, place)."""

    at: At
    apertures: list[tuple[str, Span, At]] = field(factory=list)


@define(eq=False)
class Dmesg:
    """Everything a log says.

    Functions as they were found: the first listing of a bridge's windows is firmware's, those that follow are what the kernel
    made of them (`listings` counts). `now`: where BARs went, by function and number. `cmdline`: of the kernel's command line the
    words about PCI.
    """

    roots: dict[tuple[int, int], Root] = field(factory=dict)
    functions: dict[Bdf, Said] = field(factory=dict)
    listings: dict[Bdf, int] = field(factory=dict)
    now: dict[tuple[Bdf, int], SaidBar] = field(factory=dict)
    ram: list[tuple[Span, str]] = field(factory=list)
    failures: list[Failure] = field(factory=list)
    remarks: list[str] = field(factory=list)
    translations: list[Translation] = field(factory=list)
    cmdline: str = ""

    def tell_bus_addresses(self) -> None:
        """Take what host bridges translate to their addresses on the bus; once, when all of the log is read."""
        for said in self.functions.values():
            said_on_bus(said, self.translations)
        self.now = {key: bar_on_bus(bar, self.translations) for key, bar in self.now.items()}
        for root in self.roots.values():
            root.apertures = [(kind, span_on_bus(span, self.translations), at) for kind, span, at in root.apertures]


def read_dmesg(text: Text, into: Dmesg | None = None) -> Dmesg:
    """Return what the log says. Lines that are not of PCI say nothing. Raises nothing: a log may be cut anywhere."""
    log = into if into is not None else Dmesg()
    for number, line in log_lines(text):
        if "pci" not in line and "PCI" not in line and "0000:" not in line and "e820" not in line and ":" not in line:
            continue
        at = text.at(number)
        if (match := _COMMAND_LINE.search(line)) is not None:
            log.cmdline = " ".join(word for word in match["line"].split() if word.startswith("pci"))
        elif (match := _RAM.search(line)) is not None:
            _add_ram(log, match)
        elif (match := _HOST.search(line)) is not None:
            log.roots.setdefault(_bus(match["bus"]), Root(at))
        elif (match := _OLD_ROOT.search(line)) is not None:
            _add_aperture(log, match, at)
        elif (match := _DEVICE.search(line)) is not None:
            _device(log, match, at)
    return log


def _bus(text: str) -> tuple[int, int]:
    domain, bus = text.split(":")
    return int(domain, 16), int(bus, 16)


def _add_ram(log: Dmesg, match: re.Match[str]) -> None:
    start, last = (
        (int(match["start"], 16), int(match["last"], 16))
        if match["start"]
        else (int(match["old"], 16), int(match["end"], 16) - 1)
    )
    name = (match["name"] or match["what"]).strip()
    if start <= last:
        log.ram.append((Span(start, last), _RAM_NAMES.get(name, name)))


def _add_aperture(log: Dmesg, match: re.Match[str], at: At) -> None:
    root = log.roots.setdefault(_bus(match["bus"]), Root(at))
    found = _RANGE.match(match["what"])
    if found is None or found["start"] is None or found["last"] is None:
        return
    start, last = int(found["start"], 16), int(found["last"], 16)
    bus = _BUS_ADDRESS.search(match["what"])
    if bus is not None and start <= last and int(bus["start"], 16) <= start:
        log.translations.append(Translation(Span(start, last), start - int(bus["start"], 16)))
        log.remarks.append(f"{at}: the host bridge translates {found[0]} {bus[0]}; all addresses are told as the bus has them")
    kind = found["space"]
    if kind == "mem" and "pref" in found["flags"]:
        kind = "pref64" if "64bit" in found["flags"] else "pref"
    elif kind == "mem" and "64bit" in found["flags"]:
        kind = "mem64"
    if len(root.apertures) >= _MOST_APERTURES:
        return
    if start <= last and not any(span == Span(start, last) for _kind, span, _at in root.apertures):
        root.apertures.append((kind, Span(start, last), at))


def _device(log: Dmesg, match: re.Match[str], at: At) -> None:
    bdf, what = Bdf.parse(match["bdf"]), match["what"]
    said = log.functions.get(bdf)
    if (found := _FOUND.match(what)) is not None:
        if said is None or (said.vendor, said.device) != (int(found["vendor"], 16), int(found["device"], 16)):
            said = log.functions[bdf] = Said(at)  # another card than before, or the first
        _identify(said, found)
        return
    if said is None:
        return
    if match["who"] not in _NO_DRIVERS and not match["who"].endswith("quirk"):
        said.driver = match["who"]
    if _HOTPLUG.match(what):
        said.hotplug = True
    elif (found := _REG.match(what)) is not None:
        register = int(found["reg"], 16)
        if register in (0x30, 0x38):
            _add_bar(said, found["range"], ROM_RESOURCE, at)
        elif 0x10 <= register < 0x28 and register % 4 == 0:
            _add_bar(said, found["range"], (register - 0x10) // 4, at)
    elif (found := _NEW_REG.match(what)) is not None:
        _add_named(said, found["name"], found["range"], at)
    elif (found := _VF.match(what)) is not None:
        _add_vf(said, int(found["n"]), found["range"], max(int(found["count"]), 1), at)
    elif (found := _BRIDGE.match(what)) is not None:
        log.listings[bdf] = log.listings.get(bdf, 0) + 1
        first = int(found["first"], 16)
        said.buses, said.is_bridge = (bdf.bus, first, int(found["last"], 16) if found["last"] else first), True
        if "subtractive" in found["rest"]:
            said.class_code = 0x060401
    elif (found := _WINDOW.fullmatch(what)) is not None and log.listings.get(bdf, 0) < 2:
        _add_window(said, found, at)
    else:
        _word(log, bdf, said, what, at)


def _identify(said: Said, found: re.Match[str]) -> None:
    said.vendor, said.device, said.class_code = int(found["vendor"], 16), int(found["device"], 16), int(found["class"], 16)
    kind = int(found["type"], 16) & 0x7F
    said.is_bridge, said.is_cardbus = kind == 1, kind == 2
    said.pcie = next((number for words, number in _TYPES.items() if found["rest"].strip() == words), said.pcie)


def _range(text: str) -> tuple[re.Match[str], BarKind, int | None, int] | None:
    """The match, the kind, start (None for a bare size) and size of ``[mem 0x...-0x... 64bit pref]``."""
    found = _RANGE.fullmatch(text)
    if found is None:
        return None
    if found["size"]:
        start, size = None, int(found["size"], 16)
    else:
        start = int(found["start"], 16)
        size = (int(found["last"], 16) if found["last"] else start) - start + 1
    wide, pref = "64bit" in found["flags"], "pref" in found["flags"]
    kind = BarKind.IO
    if found["space"] == "mem":
        kind = (BarKind.PREF64 if pref else BarKind.MEM64) if wide else BarKind.PREF32 if pref else BarKind.MEM32
    return found, kind, start, size


def _bar(text: str, n: int, at: At) -> SaidBar | None:
    found = _range(text)
    if found is None or found[3] <= 0 or n > ROM_RESOURCE:
        return None
    _match, kind, start, size = found
    return SaidBar(n, BarKind.ROM if n == ROM_RESOURCE else kind, start, size, at)


def _add_bar(said: Said, text: str, n: int, at: At) -> None:
    bar = _bar(text, n, at)
    if bar is not None:
        said.bars[n] = bar


def _add_named(said: Said, name: str, text: str, at: At) -> None:
    if name.startswith("VF BAR "):
        bar = _bar(text, int(name[7:]), at)
        if bar is not None:
            said.vf_bars.setdefault(bar.n, bar)
    else:
        _add_bar(said, text, ROM_RESOURCE if name == "ROM" else int(name[4:]), at)


def _add_vf(said: Said, n: int, text: str, count: int, at: At) -> None:
    bar = _bar(text, n, at)
    if bar is not None and bar.size is not None and bar.size % count == 0:
        said.vf_bars[n] = SaidBar(n, bar.kind, bar.start, bar.size // count, at)


def _add_window(said: Said, match: re.Match[str], at: At) -> None:
    found = _range(match["range"])
    if found is None or "subtractive" in match["rest"]:
        return
    span, kind, start, size = found
    name = "io" if kind.is_io else "pref" if kind.is_prefetchable else "mem"
    is_open = start is not None and "disabled" not in span["flags"] and size > 0
    width = 64 if kind.is_64bit else 32
    if name == "io" and (start or 0) + size <= 0x1_0000:
        width = 16
    said.windows[name] = SaidWindow(name, start if is_open else None, (start or 0) + size - 1 if is_open else None, width, at)


def _word(log: Dmesg, bdf: Bdf, said: Said, what: str, at: At) -> None:
    """What became of a BAR: placed elsewhere, or not at all."""
    old, new = _OLD_WORD.match(what), _NEW_WORD.match(what)
    found = old or new
    if found is None:
        return
    name = f"BAR {old['n']}" if old is not None else new["name"] if new is not None else ""
    n = int(name[4:]) if name.startswith("BAR ") else ROM_RESOURCE if name == "ROM" else None
    if old is not None and n is not None and n > ROM_RESOURCE:
        windows = {7: "io", 8: "mem", 9: "pref", 13: "io", 14: "mem", 15: "pref"}  # without and with SR-IOV in the kernel
        name = f"{windows[n]} window" if said.is_bridge and n in windows else f"VF BAR {n - 7}" if n <= 12 else name
        n = None
    if n is not None and (bar := _bar(found["range"], n, at)) is not None:
        known = said.bars.get(n)
        if known is None or (known.size is None):
            said.bars[n] = SaidBar(n, bar.kind, None, bar.size, at)
        log.now[bdf, n] = bar if found["verb"] == "assigned" else SaidBar(n, bar.kind, None, bar.size, at)
    if found["verb"] not in ("assigned", "set to", "trying firmware assignment"):
        log.failures.append(Failure(bdf, name, what[:120], at))
