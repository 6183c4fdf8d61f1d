"""One patch of the series taken out of a set of rules: what the kernel did before it, put back in its place.

Twin: ``git revert`` of one patch of 21. Each entry replaces functions of the record; the engine does not know. What hangs on a
patch is idle without it: see `rescan.series` for what goes along.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from attrs import evolve

from movsdk.errors import BadInput
from movsdk.kernel.cmdline import FeatureSwitch
from movsdk.kernel.powernv import SKIPS_UNSET
from movsdk.layout.table import MEM, NO_RESERVE, PCI_FIXED, Reserve, Resource, Row
from movsdk.pci_regs import BRIDGE_RESOURCES
from movsdk.rescan.rules.record import Moves, Rules, Turn
from movsdk.rescan.rules.v5_placing import Lowest, covered, least_start
from movsdk.rescan.rules.v5_placing import Placement as TwoWalks
from movsdk.rescan.rules.v9_placing import Placement as TwoLists

PATCHES: Final = range(1, 22)


def without(rules: Rules, number: int) -> Rules:
    """Return `rules` without patch `number` of v2 (1-21), called ``v2 without 6``.

    Raises:
        BadInput: there is no such patch, these rules do not have it, or it is out already.

    >>> from movsdk.rescan.rules.v2 import V2
    >>> without(V2, 6).name
    'v2 without 6'
    """
    if number not in PATCHES:
        raise BadInput(f"the series has patches 1 to 21, not {number}; `movsdk series` lists them")
    if rules.moves is None:
        raise BadInput(f"rules {rules.name!r} are the kernel without the series; take patch {number} out of v2, v5 or v9")
    if number in rules.without:
        raise BadInput(f"patch {number} is out of {rules.name!r} already; name it once")
    found = _REMOVERS[number](rules, rules.moves)
    taken = (*rules.without, number)
    base = rules.name.split(" without ")[0]
    return evolve(found, name=f"{base} without {', '.join(map(str, taken))}", without=taken)


def _lacks(rules: Rules, number: int, why: str) -> BadInput:
    return BadInput(f"rules {rules.name!r} have no patch {number} to take out: {why}")


# --- power, drivers, platform (1, 3, 15, 16, 18-21) -----------------------------------------------------------
def _restore(rules: Rules, _moves: Moves) -> Rules:
    if not rules.power.restores_now:
        raise _lacks(rules, 1, "v5 and later save the state of bridges after the move instead")
    return evolve(rules, power=evolve(rules.power, restores_now=False))


def _switch(rules: Rules, _moves: Moves) -> Rules:
    return evolve(rules, switch=FeatureSwitch())


def _race(rules: Rules, _moves: Moves) -> Rules:
    return evolve(rules, enable=evolve(rules.enable, mutex="none", counts_after_success=False))


def _reenable(rules: Rules, _moves: Moves) -> Rules:
    return evolve(rules, enable=evolve(rules.enable, reenables_bridges="no"))


def _nvme(rules: Rules, _moves: Moves) -> Rules:
    return evolve(rules, unaware=rules.unaware | {"nvme"})


def _powernv(rules: Rules, _moves: Moves) -> Rules:
    if SKIPS_UNSET not in rules.arch:
        raise _lacks(rules, 19, "v7 and later leave powerpc out and turn the feature off there")
    return evolve(rules, arch=rules.arch - {SKIPS_UNSET})


def _wake(rules: Rules, _moves: Moves) -> Rules:
    return evolve(rules, power=evolve(rules.power, wakes="no"))


def _default(rules: Rules, _moves: Moves) -> Rules:
    return evolve(rules, switch=evolve(rules.switch, on=frozenset()))


# --- the transaction (4, 6, 7, 17) --------------------------------------------------------------------------------
def _tells_nobody(_hook: str) -> bool:
    return False


def _takes_what_comes(_turn: Turn) -> bool:
    return True


def _pins_nothing(_turn: Turn) -> None:
    pass


def _fixed_by_platform(row: Row, index: int) -> bool:
    return index < BRIDGE_RESOURCES and bool(row.resources[index].flags & PCI_FIXED)


def _stays_local(_moves: Moves) -> None:
    return None


# --- release (2, 5) ---------------------------------------------------------------------------------------------------
def _keeps_all(_turn: Turn) -> None:
    pass


def _forgets_as_others(_turn: Turn, _row: Row, resource: Resource) -> None:
    """``release_child_resources()``, which knows nothing of PCI: every address is 0, every flag stays."""
    resource.set_span(0, resource.size - 1)


# --- sizes (8, 9) -------------------------------------------------------------------------------------------------------
def _counts_what_moves(counts: Callable[[Turn, Row, int], bool], turn: Turn, row: Row, index: int) -> bool:
    """The unpatched kernel leaves PCI_FIXED memory out, not I/O."""
    is_left_out = turn.moves.fixed(row, index) and bool(row.resources[index].flags & MEM)
    return counts(turn, row, index) and not is_left_out


def _reserves(turn: Turn, bridge: Row) -> Reserve:
    return turn.reserve if bridge.is_hotplug else NO_RESERVE


# --- placing (10-14) ----------------------------------------------------------------------------------------------------
def _finds_no_ranges(_turn: Turn) -> None:
    pass


def _lowest_alone(turn: Turn) -> Lowest:
    """Where a window still reaches its fixed BARs, with no look at the neighbours (as in v9)."""
    return {
        id(window): least_start(hull, window)
        for row in turn.root.walk()
        for number, window in enumerate(row.windows)
        if (hull := covered(row.child, number)) is not None
    }


def _no_minimum(*_: object) -> None:
    return None


def _any_place_will_do(_resource: Resource) -> bool:
    return True


def _nobody_first(_turn: Turn, _resource: Resource) -> None:
    return None


def _placing(rules: Rules, moves: Moves, number: int, two_walks: dict[str, Any], two_lists: dict[str, Any]) -> Rules:
    """Replace functions of pass 2, which v2 and v5 have in one form and v9 in another."""
    place: Any = moves.place
    changes = two_walks if isinstance(place, TwoWalks) else two_lists if isinstance(place, TwoLists) else {}
    if not changes:
        raise _lacks(rules, number, "v9 does without, its windows do not look at their neighbours")
    return evolve(rules, moves=evolve(moves, place=evolve(place, **changes)))


def _failed(rules: Rules, moves: Moves) -> Rules:
    wipes = {"failed": Resource.wipe}
    return _placing(rules, moves, 10, wipes, wipes)


def _neighbours(rules: Rules, moves: Moves) -> Rules:
    return _placing(rules, moves, 12, {"lowest": _lowest_alone}, {})


def _windows_cover(rules: Rules, moves: Moves) -> Rules:
    return _placing(rules, moves, 13, {"minimum": _no_minimum}, {"minimum": _no_minimum, "covers": _any_place_will_do})


def _fixed_first(rules: Rules, moves: Moves) -> Rules:
    return _placing(rules, moves, 14, {"is_anchored": _nobody_first}, {"anchor": _nobody_first})


def _marks(rules: Rules, moves: Moves) -> Rules:
    return evolve(rules, moves=evolve(moves, pin=_pins_nothing, fixed=_fixed_by_platform))


def _size(rules: Rules, moves: Moves, **changes: Any) -> Rules:
    return evolve(rules, moves=evolve(moves, size=evolve(moves.size, **changes)))


def _moves(**changes: Any) -> Callable[[Rules, Moves], Rules]:
    """Replace functions of the record itself."""
    return lambda rules, moves: evolve(rules, moves=evolve(moves, **changes))


_REMOVERS: Final[Mapping[int, Callable[[Rules, Moves], Rules]]] = MappingProxyType(
    {
        1: _restore,
        2: _moves(forget=_forgets_as_others),
        3: _switch,
        4: _moves(tells=_tells_nobody),
        5: _moves(release=_keeps_all),
        6: _moves(accept=_takes_what_comes),
        7: _marks,
        8: lambda rules, moves: _size(rules, moves, counts=partial(_counts_what_moves, moves.size.counts)),
        9: lambda rules, moves: _size(rules, moves, reserve_of=_reserves),
        10: _failed,
        11: _moves(ranges=_finds_no_ranges),
        12: _neighbours,
        13: _windows_cover,
        14: _fixed_first,
        15: _race,
        16: _reenable,
        17: _moves(on_slot_event=_stays_local),
        18: _nvme,
        19: _powernv,
        20: _wake,
        21: _default,
    }
)
