"""The kernel's command line, as far as PCI reads it: ``pci=``, ``pcie_movable_bars=``, ``pcie_port_pm=``.

Twin: ``next_arg()``, ``memparse()`` and ``pci_setup()`` (linux-5.10), ``pcibios_setup()`` of the platform, RFC patch 3. What this
model does not act on is said by name in `CommandLine.warnings`; nothing is dropped in silence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from attrs import evolve, frozen

from movsdk.kernel.arch import Platform
from movsdk.layout.table import Reserve

_MOVABLE_BARS: Final = "pcie_movable_bars"
_NO_MOVABLE_BARS: Final = "no_movable_bars"
# ``pci=`` words of drivers/pci that this model knows by name and does not act on; a trailing "=" takes a value.
_GENERIC_WORDS: Final = "nomsi noaer earlydump nodomains cbiosize= cbmemsize= resource_alignment= ecrc= disable_acs_redir="
# Of these the kernel compares the first letters only: what begins so is one of them.
_BEGINNINGS: Final = (
    "noats",
    "noari",
    "pcie_bus_tune_off",
    "pcie_bus_safe",
    "pcie_bus_perf",
    "pcie_bus_peer2peer",
    "pcie_scan_all",
)
_USUAL: Final = frozenset({"use_crs"})  # what the model does anyway
_SHIFTS: Final = {unit: 10 * power for power, unit in enumerate("kmgtpe", start=1)}
_NUMBER: Final = re.compile(r"0[xX]([0-9a-fA-F]+)|0([0-7]*)|([1-9][0-9]*)")
_ABOUT_PCI: Final = ("pci", "shpchp", "acpiphp", "iommu", "intel_iommu", "amd_iommu", "eeh")


@frozen
class FeatureSwitch:
    """How a version of the series is turned on and off (patch 3).

    `option`: "pcie_movable_bars" (v2 to v5: ``off`` and ``force``, anything else means nothing), "no_movable_bars" (v6 on, a
    word of ``pci=``) or "" (a kernel without the series). `on`: platforms where BARs move unless told otherwise.
    """

    option: str = ""
    on: frozenset[str] = frozenset()

    def is_on(self, platform: Platform, line: CommandLine) -> bool:
        """Whether BARs may move: off beats force, force beats the platform."""
        if self.option == _NO_MOVABLE_BARS:
            return platform.name in self.on and not line.has_no_movable_bars
        if "off" in line.movable_bars:
            return False
        return "force" in line.movable_bars or platform.name in self.on


@frozen(kw_only=True)
class CommandLine:
    """What was read; the defaults are an empty line.

    `io`, `mem`, `pref`, `buses`: the hot-plug reserve, None where not said. `realloc`: None, or what ``realloc[=on|off]`` said.
    `port_pm`: None, "off" or "force". `unknown`: words of ``pci=`` that the kernel complains about. `unmodelled`: words it knows
    and this model does not act on. `unread`: not about PCI, or meant for another version.
    """

    text: str = ""
    io: int | None = None
    mem: int | None = None
    pref: int | None = None
    buses: int | None = None
    realloc: bool | None = None
    assigns_buses: bool = False
    skips_isa_align: bool = False
    has_no_movable_bars: bool = False
    movable_bars: tuple[str, ...] = ()
    port_pm: str | None = None
    unknown: tuple[str, ...] = ()
    unmodelled: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()

    def reserve_over(self, reserve: Reserve) -> Reserve:
        """`reserve` with what the line says in its place."""
        said = {"io": self.io, "mem": self.mem, "pref": self.pref, "buses": self.buses}
        return evolve(reserve, **{key: value for key, value in said.items() if value is not None})

    @property
    def log_lines(self) -> tuple[str, ...]:
        """What the kernel prints about it."""
        return tuple(f"PCI: Unknown option `{word}'" for word in self.unknown)

    @property
    def warnings(self) -> tuple[str, ...]:
        """A line for each sort of words without effect here, naming them."""
        sorts = (
            ("the kernel does not know {} in pci=, and only logs it", self.unknown),
            ("{}: known to the kernel, but not modelled here", self.unmodelled),
            ("{}: not read by PCI in this kernel version", self.unread),
        )
        return tuple("command line: " + text.format(", ".join(words)) for text, words in sorts if words)


def memparse(text: str) -> int:
    """Return the number `text` begins with, in bytes with its suffix K M G T P E (powers of 1024); 0 if there is none.

    Octal after a 0, hex after 0x, modulo 2^64; what follows is not looked at, as in the kernel.

    >>> memparse("8M"), memparse("0x10k"), memparse("010"), memparse("64Mb"), memparse("lots")
    (8388608, 16384, 8, 67108864, 0)
    """
    number, end = _number(text)
    return number << _SHIFTS.get(text[end : end + 1].lower(), 0) & (1 << 64) - 1


def _number(text: str) -> tuple[int, int]:
    """The number `text` begins with and where it ends (``simple_strtoull(text, &end, 0)``)."""
    found = _NUMBER.match(text)
    if found is None:
        return 0, 0
    hexa, octal, decimal = found.groups()
    number = int(hexa, 16) if hexa is not None else int(octal or "0", 8) if octal is not None else int(decimal)
    return number, found.end()


def read_command_line(text: str, platform: Platform, switch: FeatureSwitch) -> CommandLine:
    """Read a command line as a kernel with this `switch` does on `platform`; later words win, ``--`` ends it.

    >>> from movsdk.kernel.platform import X86
    >>> line = read_command_line("pci=hpmemsize=64M,realloc,magic quiet", X86, FeatureSwitch("no_movable_bars"))
    >>> line.mem == line.pref == 64 << 20, line.realloc, line.log_lines, line.unread
    (True, True, ("PCI: Unknown option `magic'",), ('quiet',))
    """
    line = CommandLine(text=text)
    for argument in _arguments(text):
        name, _, value = argument.partition("=")
        known = name.replace("-", "_")
        if known == "pci":
            for word in filter(None, value.split(",")):
                line = _pci_word(line, word, platform, switch)
        elif known == _MOVABLE_BARS and switch.option == _MOVABLE_BARS:
            line = evolve(line, movable_bars=(*line.movable_bars, value))
        elif known == "pcie_port_pm" and value in ("off", "force"):
            line = evolve(line, port_pm=value)
        elif known.startswith(_ABOUT_PCI) and known != _MOVABLE_BARS:
            line = _noting(line, "unmodelled", argument)
        else:
            line = _noting(line, "unread", argument)
    return line


def _arguments(text: str) -> Iterator[str]:
    """Words between blanks; quotes keep blanks together and are dropped (``next_arg()``)."""
    for word in re.findall(r'(?:[^\s"]|"[^"]*"?)+', text):
        if word == "--":
            return
        yield word.replace('"', "")


def _noting(line: CommandLine, sort: str, word: str) -> CommandLine:
    words: tuple[str, ...] = getattr(line, sort)
    longer: dict[str, Any] = {sort: (*words, word)}
    return line if word in words else evolve(line, **longer)


def _sizes(value: str, *keys: str) -> dict[str, Any]:
    return dict.fromkeys(keys, memparse(value))


def _bus_size(value: str) -> dict[str, Any]:
    number, _ = _number(value)  # no suffix here
    return {"buses": number if number <= 0xFF else Reserve().buses}


_SETTINGS: Final[dict[str, Callable[[str], dict[str, Any]]]] = {
    "hpiosize=": lambda value: _sizes(value, "io"),
    "hpmmiosize=": lambda value: _sizes(value, "mem"),
    "hpmmioprefsize=": lambda value: _sizes(value, "pref"),
    "hpmemsize=": lambda value: _sizes(value, "mem", "pref"),
    "hpbussize=": _bus_size,
}


def _pci_word(line: CommandLine, word: str, platform: Platform, switch: FeatureSwitch) -> CommandLine:
    """One word of ``pci=``: first the platform's, then the general ones."""
    name, equals, value = word.partition("=")
    key = name + equals
    if key in platform.words:
        return _platform_word(line, word)
    if key in _SETTINGS:
        return evolve(line, **_SETTINGS[key](value))
    if word.startswith("realloc"):  # the kernel compares seven letters: anything that begins so is a realloc
        if key == "realloc=" and not value.startswith(("on", "off")):
            return line
        return evolve(line, realloc=not (equals and value.startswith("off")))
    if name == _NO_MOVABLE_BARS and switch.option == _NO_MOVABLE_BARS:
        return evolve(line, has_no_movable_bars=True)
    is_known = key in _GENERIC_WORDS.split() or word.startswith(_BEGINNINGS)
    return _noting(line, "unmodelled" if is_known else "unknown", word)


def _platform_word(line: CommandLine, word: str) -> CommandLine:
    if word == "assign-busses":
        return evolve(line, assigns_buses=True)
    if word == "skip_isa_align":
        return evolve(line, skips_isa_align=True)
    return line if word in _USUAL else _noting(line, "unmodelled", word)
