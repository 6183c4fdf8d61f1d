"""`facts` of a device: what an import knows and nobody plays, in and out of plain objects.

Judges only that they are facts of some device: kinds, powers of two, BAR numbers.
"""

from __future__ import annotations

from typing import Any, Final

from movsdk.bench.fields import Fields
from movsdk.bench.place import Place
from movsdk.bench.scenario import BarDecl, Facts
from movsdk.bench.sizes import format_size
from movsdk.pci_regs import BarKind

FACT_KEYS: Final = ("driver", "vf_bars", "resizable")
_VF_KINDS: Final = {kind.value: kind for kind in BarKind if kind not in (BarKind.IO, BarKind.ROM)}
_LARGEST: Final = 1 << 63


def read_facts(device: Fields) -> Facts:
    """Return the facts of a device; none if the key is absent. Raises `BadInput` naming the key."""
    if "facts" not in device:
        return Facts()
    fields = Fields(device["facts"], device.place.at("facts"), FACT_KEYS)
    return Facts(
        driver=fields.text("driver", None),
        vf_bars=tuple(_vf_bar(value, place) for value, place in fields.items("vf_bars")),
        resizable=tuple(_resizable(value, place) for value, place in fields.items("resizable")),
    )


def _vf_bar(value: object, place: Place) -> BarDecl:
    fields = Fields(value, place, ("n", "type", "size"))
    kind = _VF_KINDS[fields.word("type", _VF_KINDS)]
    return BarDecl(fields.number("n", high=5), kind, _size(fields.number("size"), place.at("size")))


def _resizable(value: object, place: Place) -> tuple[int, tuple[int, ...]]:
    fields = Fields(value, place, ("n", "sizes"))
    sizes = [Fields({"size": item}, here, ("size",)).number("size") for item, here in fields.items("sizes", required=True)]
    return fields.number("n", high=5), tuple(_size(size, place.at("sizes")) for size in sizes)


def _size(size: int, place: Place) -> int:
    if size < 16 or size & (size - 1) or size > _LARGEST:
        raise place.bad(f"{size} is not a size that a BAR can have; a power of two from 16")
    return size


class _Size(int):
    def __str__(self) -> str:
        return format_size(int(self))


def plain_facts(facts: Facts) -> dict[str, Any]:
    """The key `facts` as `read_facts` takes it; nothing if there are none."""
    plain: dict[str, Any] = {} if facts.driver is None else {"driver": facts.driver}
    if facts.vf_bars:
        plain["vf_bars"] = [{"n": bar.n, "type": bar.kind.value, "size": _Size(bar.size)} for bar in facts.vf_bars]
    if facts.resizable:
        plain["resizable"] = [{"n": n, "sizes": [_Size(size) for size in sizes]} for n, sizes in facts.resizable]
    return {"facts": plain} if plain else {}
