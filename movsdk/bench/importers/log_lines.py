"""The lines of a kernel log as the kernel wrote them, also where a mail program has broken them.

Knows where a line begins, with every sort of stamp or with none; what it says is read in `dmesg`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from movsdk.bench.importers.dump_lines import Text
from movsdk.bench.importers.mangled import rejoined

_OF_PCI: Final = re.compile(r"\bpci|ommand line: |e820: |\b[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]")
_STARTS: Final = re.compile(  # a stamp, of whatever sort, or the name of a driver and its device
    r"\s*(?:<\d+>|[a-z]+ *:[a-z]+ *: |\[ *\d+\.\d+\]|\[\w+\.? [^\]]*\d:\d\d:\d\d[^\]]*\]|\d{4}-\d\d-\d\d|"
    r"\w{3,4}\.? +\d+ \d\d:\d\d:\d\d |[\w.+-]{1,32} [0-9a-f]{4,8}:[0-9a-f]{2}(?::[01][0-9a-f]\.[0-7]\S*)?: |"
    r"[A-Z]\w*: |PCI host bridge| ?BIOS-e820)"
)


def log_lines(text: Text) -> Iterator[tuple[int, str]]:
    """Yield number and line; what is left of a broken line is empty."""
    return enumerate(rejoined(list(text.lines), _goes_on), start=1)


def _goes_on(begun: str, line: str) -> bool:
    """Whether `line` is the rest of a log line about PCI: it has no stamp, and names no device of its own."""
    return _OF_PCI.search(begun) is not None and _STARTS.match(line) is None
