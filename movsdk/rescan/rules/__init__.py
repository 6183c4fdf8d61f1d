"""One readable module a version of the kernel; `by_name` finds it."""

from __future__ import annotations

from movsdk.errors import BadInput
from movsdk.rescan.rules.off import OFF
from movsdk.rescan.rules.record import Moves, Rules, Turn
from movsdk.rescan.rules.v2 import V2
from movsdk.rescan.rules.v5 import V5
from movsdk.rescan.rules.v9 import V9
from movsdk.rescan.rules.without import without as _without

RULES: dict[str, Rules] = {rules.name: rules for rules in (V9, V5, V2, OFF)}


def by_name(name: str) -> Rules:
    """Return the rules called `name`, such as ``v9`` or ``v2 without 6, 14``. Raises `BadInput` naming what there is.

    >>> by_name("v2 without 6").without
    (6,)
    """
    base, _, numbers = name.partition(" without ")
    try:
        rules = RULES[base]
    except KeyError:
        raise BadInput(f"rules {base!r} are not known; use one of {', '.join(RULES)}") from None
    for number in filter(None, numbers.split(",")):
        if not number.strip().isdecimal():
            raise BadInput(f"{number.strip()!r} is no patch of the series; `movsdk series` lists them by number")
        rules = _without(rules, int(number))
    return rules


__all__ = ["OFF", "RULES", "V2", "V5", "V9", "Moves", "Rules", "Turn", "by_name"]
