"""States to report about, in the form of the golden vectors but for what no report reads."""

from __future__ import annotations

from typing import Any


def bar(n: int = 0, sort: str = "mem", at: int | None = 0x1000, size: int = 0x1000, **words: Any) -> dict[str, Any]:
    """A resource as the vectors write it; `at` None = without a place."""
    start = at or 0
    return {"n": n, "kind": "bar", "type": sort, "start": start, "last": start + size - 1, "assigned": at is not None} | words


def window(n: int, name: str, sort: str, at: int | None, size: int = 0x10_0000) -> dict[str, Any]:
    return bar(n, sort, at, size, kind="window", window=name)


def function(identity: str, bdf: str, *resources: dict[str, Any], **words: Any) -> dict[str, Any]:
    return {"id": identity, "bdf": bdf, "resources": list(resources), **words}


CARD = function("card", "00:01.0", bar())
