"""One readable module a version of the kernel; `by_name` finds it."""

from __future__ import annotations

from movsdk.errors import BadInput
from movsdk.rescan.rules.off import OFF
from movsdk.rescan.rules.record import Moves, Rules, Turn
from movsdk.rescan.rules.v2 import V2
from movsdk.rescan.rules.v5 import V5
from movsdk.rescan.rules.v9 import V9

RULES: dict[str, Rules] = {rules.name: rules for rules in (V9, V5, V2, OFF)}


def by_name(name: str) -> Rules:
    """Return the rules called `name`. Raises `BadInput` naming what there is."""
    try:
        return RULES[name]
    except KeyError:
        raise BadInput(f"rules {name!r} are not known; use one of {', '.join(RULES)}") from None


__all__ = ["OFF", "RULES", "V2", "V5", "V9", "Moves", "Rules", "Turn", "by_name"]
