"""Which functions hang on which root bus, and by what path; which root bus is to be played.

A path names a function by the slots above it, found by secondary bus numbers: it survives renumbering.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from movsdk import pci_regs as regs
from movsdk.address import Bdf, SlotPath
from movsdk.bench.config_facts import header_type, pcie_type
from movsdk.bench.importers.dump_lines import At
from movsdk.bench.importers.join import Joined
from movsdk.errors import BadInput
from movsdk.pci_regs import PcieType

Root = tuple[int, int]
_MOST_NAMED: Final = 12
_VMD_DOMAINS: Final = 0x10000  # Linux numbers these itself; their root bus has any number, and /proc/iomem no name for it


def root_name(root: Root) -> str:
    """As the kernel prints it: ``0000:40``."""
    return f"{root[0]:04x}:{root[1]:02x}"


def parse_root(text: str) -> Root:
    """Read ``0000:40`` or ``40``. Raises `BadInput`."""
    domain, _, bus = text.rpartition(":")
    try:
        root = int(domain or "0", 16), int(bus, 16)
    except ValueError:
        root = -1, -1
    if not (0 <= root[0] <= 0xFFFF_FFFF and 0 <= root[1] <= 0xFF) or not text.isascii() or "_" in text:
        raise BadInput(f"--root {text!r:.60} is no root bus; write domain and bus as 0000:40")
    return root


def by_root(
    functions: Mapping[Bdf, Joined], known: Mapping[Root, At], passed_over: Collection[Root]
) -> tuple[dict[Root, dict[Bdf, SlotPath]], list[str]]:
    """Return the functions of each root bus with their paths, and notes of those that no kernel could find.

    Args:
        known: root buses that a source names, with its place.
        passed_over: buses below bridges that cannot be played.
    Raises:
        BadInput: two bridges lead to one bus, bridges lead in a circle, or no bridge leads to a bus that is no root.
    """
    owners: dict[Root, Bdf] = {}
    notes: list[str] = []
    for bdf, function in functions.items():
        secondary = (bdf.domain, function.config[regs.SECONDARY_BUS])
        if header_type(function.config) != regs.HEADER_TYPE_BRIDGE or not secondary[1]:
            continue
        if secondary in owners:
            raise function.at.bad(f"{bdf} and {owners[secondary]} both lead to bus {secondary[1]:02x}")
        owners[secondary] = bdf
    found: dict[Root, dict[Bdf, SlotPath]] = {}
    for bdf, function in functions.items():
        chain = _chain(bdf, function.at, owners)
        top = chain[0].domain, chain[0].bus
        if top in passed_over:
            notes.append(f"left out: {bdf} ({function.at}): below a bridge that cannot be played")
            continue
        found.setdefault(top, {})[bdf] = SlotPath(bdf.domain, tuple(each.slot for each in chain))
    for root, members in list(found.items()):
        if root not in known and root[1]:
            _check_no_bridge_is_missing(root, members, functions, owners)
        if root not in known and root[1] and known and root[0] < _VMD_DOMAINS:
            _check_may_be_root(root, members, functions, known)
    findable = {root: _findable(members, functions, owners, notes) for root, members in found.items()}
    return {root: members for root, members in findable.items() if members}, notes


def _chain(bdf: Bdf, at: At, owners: Mapping[Root, Bdf]) -> list[Bdf]:
    """The function and the bridges above it, the topmost first."""
    chain = [bdf]
    while (above := owners.get((chain[-1].domain, chain[-1].bus))) is not None:
        chain.append(above)
        if len(chain) > len(owners) + 1:
            raise at.bad(f"{bdf} sits below a circle of bridges; the bus numbers cannot be right")
    return chain[::-1]


def _check_no_bridge_is_missing(
    root: Root, members: Mapping[Bdf, SlotPath], functions: Mapping[Bdf, Joined], owners: Mapping[Root, Bdf]
) -> None:
    """A bus among those that a bridge passes on is no root: who leads there was not dumped, as with ``lspci -s``."""
    for (domain, secondary), bdf in owners.items():
        last = functions[bdf].config[regs.SUBORDINATE_BUS]
        if domain == root[0] and secondary < root[1] <= last:
            lost = next(iter(members))
            problem = f"{lost} is on bus {root[1]:02x}, and {bdf} passes on buses {secondary:02x}-{last:02x}"
            raise functions[lost].at.bad(f"{problem}, but no bridge leads to it; dump all functions, the bridge between them too")


def _check_may_be_root(
    root: Root, members: Mapping[Bdf, SlotPath], functions: Mapping[Bdf, Joined], known: Mapping[Root, At]
) -> None:
    """A bus that no source calls a root may be one only if it decodes nothing, as the processor's own buses of a server."""
    for bdf in members:
        function = functions[bdf]
        is_bridge = header_type(function.config) == regs.HEADER_TYPE_BRIDGE
        if is_bridge or any(bar.is_assigned for bar in function.resources.bars):
            names = ", ".join(sorted(map(root_name, known)))
            problem = f"{bdf} is on bus {root[1]:02x}, to which no bridge leads, and the root buses are {names}"
            raise function.at.bad(f"{problem}; a bridge is missing, or its bus numbers are wrong")


def _findable(
    members: Mapping[Bdf, SlotPath], functions: Mapping[Bdf, Joined], owners: Mapping[Root, Bdf], notes: list[str]
) -> dict[Bdf, SlotPath]:
    """Without what a scan cannot meet: functions of a slot whose function 0 is missing, devices other than 0 below a link."""
    found: dict[Bdf, SlotPath] = {}
    gone: set[tuple[str, ...]] = set()
    for bdf, path in sorted(members.items(), key=lambda item: len(item[1].slots)):
        owner = owners.get((bdf.domain, bdf.bus))
        first = Bdf(bdf.domain, bdf.bus, bdf.device, 0)
        kind = pcie_type(functions[owner].config) if owner is not None else None
        why = None
        if any(path.slots[:depth] in gone for depth in range(1, len(path.slots))):
            why = "what leads to it is left out"
        elif bdf.device and kind in (PcieType.ROOT_PORT, PcieType.DOWNSTREAM):
            why = "below a PCI Express port only device 00 can be played (ARI, virtual functions)"
        elif first not in members:
            why = f"{first} is not there, so no scan finds it"
        if why is None:
            found[bdf] = path
        else:
            gone.add(path.slots)
            notes.append(f"left out: {bdf} ({functions[bdf].at}): {why}")
    return {bdf: found[bdf] for bdf in members if bdf in found}


def choose(
    found: Mapping[Root, Mapping[Bdf, SlotPath]],
    functions: Mapping[Bdf, Joined],
    wanted: Root | None,
    place: object,
    left_out: list[str],
) -> tuple[Root, list[str]]:
    """Return the root bus to play, and notes of the others. Raises `BadInput` naming all if several matter."""
    if not found:
        why = next((note for note in left_out if note.startswith("left out")), "it lists none")
        raise BadInput(f"{place}: no function that can be played is left; {why}")
    if wanted is not None:
        if wanted not in found:
            raise BadInput(f"{place}: no root bus {root_name(wanted)}; there are {_listed(found)}")
        roots = [wanted]
    else:
        roots = [root for root in found if any(_matters(functions[bdf]) for bdf in found[root])] or list(found)[:1]
    if len(roots) > 1:
        advice = f"choose with --root {root_name(roots[0])}"
        raise BadInput(f"{place}: {len(roots)} root buses, and a scenario has one: {_listed(found, roots)}; {advice}")
    return roots[0], [
        f"left out: root bus {root_name(root)} ({len(found[root])} functions)" for root in found if root != roots[0]
    ]


def _matters(function: Joined) -> bool:
    is_bridge = header_type(function.config) == regs.HEADER_TYPE_BRIDGE
    return is_bridge or any(bar.exists and not bar.is_shadow_rom for bar in function.resources.bars)


def _listed(found: Mapping[Root, Mapping[Bdf, SlotPath]], roots: Collection[Root] | None = None) -> str:
    names = [f"{root_name(root)} ({len(found[root])} functions)" for root in sorted(found if roots is None else roots)]
    return ", ".join(names[:_MOST_NAMED]) + (f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else "")
