"""One function out of all that the sources say of it: its bytes, its BARs, its driver; contradictions are refused by name.

Where BARs are is told in `bar_sources`. The sources must agree where they were taken at one moment; a log is a history, and only
fills gaps.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from attrs import define, evolve, field

from movsdk import pci_regs as regs
from movsdk.address import Bdf
from movsdk.bench.config_facts import dword, header_type, word
from movsdk.bench.importers.bar_sources import BarSources
from movsdk.bench.importers.config_made import config_of
from movsdk.bench.importers.dump_lines import At
from movsdk.bench.importers.gather import Evidence
from movsdk.bench.importers.listed import functions_of
from movsdk.bench.importers.lspci_dump import LspciEntry
from movsdk.bench.importers.lspci_text import read_said
from movsdk.bench.importers.said import Said, SaidBar
from movsdk.bench.importers.sysfs_resource import DeviceResources
from movsdk.bench.importers.translated import said_on_bus


@define(eq=False)
class Joined:
    """What is known of one function.

    `sizes`: of BARs that have no place, by number; `unsized`: BARs that a source shows without a size; `vf_bars`: of its virtual
    functions; `resize`: the masks of resourceN_resize; `said_bars`: the regions that lspci shows, [virtual] ones too.
    """

    bdf: Bdf
    at: At
    config: bytes
    resources: DeviceResources
    driver: str
    is_made: bool
    hotplug: bool | None
    sizes: dict[int, tuple[int, At]] = field(factory=dict)
    unsized: dict[int, At] = field(factory=dict)
    vf_bars: dict[int, SaidBar] = field(factory=dict)
    resize: dict[int, int] = field(factory=dict)
    said_bars: dict[int, SaidBar] = field(factory=dict)


def join(evidence: Evidence) -> dict[Bdf, Joined]:
    """Return every function that can be played, in the order of the first source. `evidence.notes` gets the others.

    Raises:
        BadInput: two sources contradict one another, or list different functions; names both.
    """
    lspci, said = _lspci(evidence)
    names = functions_of(evidence)
    slots = Counter((bdf.domain, bdf.bus, bdf.device) for bdf in names)
    found: dict[Bdf, Joined] = {}
    for number, bdf in enumerate(names, start=1):
        one = _Function(evidence, bdf, lspci.get(bdf), said.get(bdf))
        if (why := one.unplayable()) is not None:
            evidence.notes.append(f"left out: {bdf} ({one.at}): {why}")
            continue
        found[bdf] = one.joined(number, shares_slot=slots[bdf.domain, bdf.bus, bdf.device] > 1)
    if not any(each.driver != "-" for each in found.values()) and not evidence.sysfs and not evidence.drivers:
        evidence.notes.append("no source tells which drivers are bound; played without")
    counted = [each for bdf, each in said.items() if each.is_counted and bdf in found]
    if counted:
        evidence.notes.append(f"{counted[0].at}: lspci -v shows no BAR numbers; they are counted; -vv has them")
    _say_cut_windows(evidence, found)
    made = [each for each in found.values() if each.is_made]
    if made:
        text = f"config bytes of {len(made)} functions are made from words, the first {made[0].bdf} ({made[0].at})"
        evidence.notes.append(f"{text}: what no source names is zero; lspci -xxxx has all")
    return found


def _say_cut_windows(evidence: Evidence, found: Mapping[Bdf, Joined]) -> None:
    """A bridge with a bus below has lines for its windows, if any bridge has; without them its file was cut."""
    bridges = [
        each for each in found.values() if header_type(each.config) == regs.HEADER_TYPE_BRIDGE and each.config[regs.SECONDARY_BUS]
    ]
    if any(each.resources.windows for each in bridges):
        for each in bridges:
            if not each.resources.windows:
                evidence.notes.append(
                    f"{each.resources.at}: {each.bdf} shows no windows, as other bridges do; the dump is cut off there"
                )


def _lspci(evidence: Evidence) -> tuple[dict[Bdf, LspciEntry], dict[Bdf, Said]]:
    """All lspci files as one: bytes from the one that has most of them, words from the one that has most lines."""
    entries: dict[Bdf, LspciEntry] = {}
    said: dict[Bdf, Said] = {}
    words: dict[Bdf, int] = {}
    translations = evidence.dmesg.translations if evidence.dmesg is not None else ()
    for _path, found in evidence.lspci:
        for bdf, entry in found.items():
            other = entries.get(bdf)
            if other is not None and entry.config and other.config:
                _check_same_bytes(bdf, (entry.config, entry.at), (other.config, other.at))
            if other is None or len(entry.config) > len(other.config):
                entries[bdf] = entry
            if len(entry.body) > words.get(bdf, -1):
                said[bdf], words[bdf] = read_said(entry), len(entry.body)
                said_on_bus(said[bdf], translations)
    return entries, said


def _widen(said: Said, notes: list[str]) -> None:
    """A prefetchable window of a port is 64 bits wide, whatever lspci up to 3.9 remarks behind every one."""
    window = said.windows.get("pref")
    if window is not None and window.width == 32 and window.is_open and said.pcie is not None:
        said.windows["pref"] = evolve(window, width=64)
        note = "prefetchable windows of PCI Express bridges are taken to be 64 bits wide; lspci -xxxx would tell"
        if note not in notes:
            notes.append(note)


def _check_same_bytes(bdf: Bdf, one: tuple[bytes, At], other: tuple[bytes, At]) -> None:
    for offset in (regs.VENDOR_ID, *range(regs.BASE_ADDRESS_0, regs.SUBSYSTEM_VENDOR_ID, 4)):
        if dword(one[0], offset) != dword(other[0], offset):
            held = f"{dword(one[0], offset):#010x}, but {dword(other[0], offset):#010x} in {other[1]}"
            raise one[1].bad(f"{bdf}: config register {offset:#04x} holds {held}; take all files at one moment")


@define(eq=False)
class _Function:
    """One function and its sources."""

    evidence: Evidence
    bdf: Bdf
    entry: LspciEntry | None
    said: Said | None
    log: Said | None = field(init=False)

    def __attrs_post_init__(self) -> None:
        dmesg = self.evidence.dmesg
        self.log = dmesg.functions.get(self.bdf) if dmesg is not None else None

    @property
    def sysfs_config(self) -> bytes:
        device = self.evidence.sysfs.get(self.bdf)
        return device.config if device is not None else b""

    @property
    def at(self) -> At:
        """Where it is listed."""
        if self.entry is not None:
            return self.entry.at
        if self.bdf in self.evidence.sysfs:
            return self.evidence.sysfs[self.bdf].at
        for _path, found in self.evidence.resources:
            return found[self.bdf].at
        return self.log.at if self.log is not None else At(self.evidence.place)

    def unplayable(self) -> str | None:
        """Why it has no place in a scenario, None if it has."""
        device = self.evidence.sysfs.get(self.bdf)
        config = self.known_config()
        if device is not None and device.is_virtual:
            return "a virtual function (SR-IOV); the bytes of the physical one are kept"
        if config:
            vendor, others = word(config, regs.VENDOR_ID), config[4:64]
            if vendor in (0, 0xFFFF):
                is_vf = any(byte != 0xFF for byte in others) and vendor == 0xFFFF
                return (
                    "a virtual function (SR-IOV)"
                    if is_vf
                    else f"answers no config reads (vendor id {vendor:#06x}); dump it while it is awake"
                )
            kind = header_type(config)
            if kind not in (regs.HEADER_TYPE_NORMAL, regs.HEADER_TYPE_BRIDGE):
                return f"header type {kind}; only endpoints (0) and PCI bridges (1) can be played"
        elif self.words().is_asleep:
            return "answers no config reads (rev ff); dump it while it is awake"
        elif self.words().is_cardbus:
            return "header type 2; only endpoints (0) and PCI bridges (1) can be played"
        return None

    def known_config(self) -> bytes:
        """The longest bytes a source has."""
        return max(self.sysfs_config, self.entry.config if self.entry is not None else b"", key=len)

    def words(self) -> Said:
        """What the sources say in words: lspci's, else sysfs's numbers, else the log's."""
        if self.said is not None and (self.entry is None or self.entry.head or self.entry.body):
            return self._with_log(self.said)
        device = self.evidence.sysfs.get(self.bdf)
        if device is not None and device.numbers:
            code = device.numbers
            said = Said(device.at, code.get("vendor"), code.get("device"), code.get("class"), code.get("revision"))
            said.is_bridge = (said.class_code or 0) >> 8 == regs.CLASS_BRIDGE_PCI
            return self._with_log(said)
        return self.log if self.log is not None else Said(self.at)

    def _with_log(self, said: Said) -> Said:
        log = self.log
        if log is None:
            return said
        for name in ("vendor", "device", "class_code", "buses", "pcie", "hotplug"):
            if getattr(said, name) is None:
                setattr(said, name, getattr(log, name))
        said.is_bridge = said.is_bridge or (log.is_bridge and said.class_code == log.class_code)
        for kind, window in log.windows.items():
            if not said.windows or (said.at == log.at):
                said.windows.setdefault(kind, window)
        return said

    def joined(self, number: int, *, shares_slot: bool) -> Joined:
        """All of it."""
        if self.entry is not None and self.entry.config and self.sysfs_config:
            _check_same_bytes(self.bdf, (self.entry.config, self.entry.at), (self.sysfs_config, self.evidence.sysfs[self.bdf].at))
        config = self.known_config()
        said = self.words()
        is_made = not config
        if is_made:
            _widen(said, self.evidence.notes)
            config = config_of(said, number, multifunction=shares_slot)
        elif self.said is not None:
            self._check_identity(config, self.said)
        device = self.evidence.sysfs.get(self.bdf)
        sizes = self._sizes()
        is_current = self.said is not None
        resources = BarSources(self.evidence, self.bdf, self.at, config, said, is_current).resources(sizes)
        self._say_older_sizes(resources, sizes)
        is_bridge = header_type(config) == regs.HEADER_TYPE_BRIDGE
        secondary = (self.bdf.domain, config[regs.SECONDARY_BUS]) if is_bridge else None
        hotplug = True if secondary is not None and secondary in self.evidence.hotplug_buses else said.hotplug
        return Joined(
            bdf=self.bdf,
            at=self.at,
            config=config,
            resources=resources,
            driver=self._driver(),
            is_made=is_made,
            hotplug=hotplug,
            sizes=sizes,
            unsized={
                n: bar.at
                for n, bar in said.bars.items()
                if bar.size is None and not bar.is_virtual and not resources.bars[n].exists
            },
            vf_bars=dict(self.log.vf_bars) if self.log is not None else {},
            resize=device.resize if device is not None else {},
            said_bars=self.said.bars if self.said is not None else {},
        )

    def _say_older_sizes(self, resources: DeviceResources, sizes: Mapping[int, tuple[int, At]]) -> None:
        """A log may have another size than the present: the BAR was resized since, or the files are of two machines."""
        for n, (size, at) in sizes.items():
            bar = resources.bars[n]
            if bar.exists and bar.at != at and bar.size != size and not bar.is_shadow_rom:
                held = f"{size} bytes in the log ({at}), {bar.size} in {bar.at}"
                self.evidence.notes.append(f"{self.bdf} BAR {n} has {held}; the later counts")

    def _check_identity(self, config: bytes, said: Said) -> None:
        for what, offset, value in (("vendor", regs.VENDOR_ID, said.vendor), ("device", regs.DEVICE_ID, said.device)):
            if value is not None and value != word(config, offset):
                held = f"{what} id {value:04x}, but its config bytes have {word(config, offset):04x}"
                raise said.at.bad(f"{self.bdf} has {held}; take all files at one moment")

    def _driver(self) -> str:
        device = self.evidence.sysfs.get(self.bdf)
        named: list[tuple[str, At]] = []
        if device is not None:
            named.append((device.driver or "-", device.at))
        named += [found[self.bdf] for _path, found in self.evidence.drivers if self.bdf in found]
        if self.said is not None and self.said.driver is not None:
            named.append((self.said.driver, self.said.at))
        if not named and self.log is not None and self.log.driver is not None and self.entry is None:
            named.append((self.log.driver, self.log.at))
        for name, at in named[1:]:
            if name != named[0][0]:
                raise at.bad(
                    f"{self.bdf} has the driver {name}, but {named[0][0]} in {named[0][1]}; take all files at one moment"
                )
        return named[0][0] if named else "-"

    def _sizes(self) -> dict[int, tuple[int, At]]:
        log = self.log
        if log is None or self.evidence.dmesg is None:
            return {}
        found = {n: (bar.size, bar.at) for n, bar in log.bars.items() if bar.size}
        found |= {n: (bar.size, bar.at) for (bdf, n), bar in self.evidence.dmesg.now.items() if bdf == self.bdf and bar.size}
        return found
