"""Which functions the machine has: all sources that list them must list the same, but for lspci's words of a few.

A kernel log lists them only where nothing else does: what it saw may be gone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from movsdk.address import Bdf
from movsdk.bench.importers.dump_lines import At
from movsdk.bench.importers.gather import Evidence
from movsdk.errors import BadInput

MOST_FUNCTIONS: Final = 8192
_OF_A_DUMP: Final = re.compile(r"(?:Control|Flags|Capabilities|Bus): |Region \d|(?:\[virtual\] )?(?:Memory|I/O ports) at ")


def functions_of(evidence: Evidence) -> list[Bdf]:
    """Return the functions in the order of lspci, else of the longest list; `evidence.notes` gets which list is shorter.

    Raises:
        BadInput: two sources list different functions; names both.
    """
    lists = [(path, {bdf: entry.at for bdf, entry in found.items()}) for path, found in evidence.lspci]
    lists += [(path, {bdf: each.at for bdf, each in found.items()}) for path, found in evidence.resources]
    if evidence.sysfs_place is not None:
        lists.append((evidence.sysfs_place, {bdf: each.at for bdf, each in evidence.sysfs.items()}))
    lists += [(path, {bdf: at for bdf, (_name, at) in found.items()}) for path, found in evidence.drivers]
    if evidence.dmesg is not None and not lists:
        lists.append((evidence.dmesg_place or evidence.place, {bdf: said.at for bdf, said in evidence.dmesg.functions.items()}))
    whole, everything = max(lists, key=lambda each: len(each[1]))
    if len(everything) > MOST_FUNCTIONS:
        raise BadInput(f"{whole}: lists {len(everything)} functions; no machine has more than {MOST_FUNCTIONS}", path=str(whole))
    words_only = {path for path, found in evidence.lspci if not any(entry.config for entry in found.values())}
    for path, found in lists:
        missing = [bdf for bdf in everything if bdf not in found]
        if missing and path not in words_only:
            raise _lacks(path, missing[0], everything)
        for bdf in found:
            if bdf not in everything:
                raise _lacks(whole, bdf, found)
        if missing:
            evidence.notes.append(f"{path}: shows {len(found)} of {len(everything)} functions; the others are taken from {whole}")
    _check_addresses(evidence)
    if evidence.dmesg is not None:
        gone = [f"{bdf} ({said.at})" for bdf, said in evidence.dmesg.functions.items() if bdf not in everything]
        evidence.notes += [f"left out: {each}: the log found it, but it is not there any more" for each in gone]
    return list(next((found for _path, found in evidence.lspci if len(found) == len(everything)), everything))


def _check_addresses(evidence: Evidence) -> None:
    """Names and drivers alone, as ``lspci``, ``-nn`` and ``-k`` print them, are no machine."""
    if not evidence.lspci or evidence.resources or evidence.sysfs or evidence.dmesg is not None:
        return
    entries = [entry for _path, found in evidence.lspci for entry in found.values()]
    if not any(entry.config or any(_OF_A_DUMP.match(line) for _number, line in entry.body) for entry in entries):
        problem = "shows functions without BARs, windows or bus numbers, as lspci, lspci -nn and lspci -k do"
        raise entries[0].at.bad(f"{problem}; give lspci -vv or -xxxx, sysfs files or dmesg")


def _lacks(path: Path, bdf: Bdf, found: Mapping[Bdf, At]) -> BadInput:
    problem = f"{path}: has no {bdf}, which {found[bdf].short} has; cut off, or of another moment"
    return BadInput(problem, path=str(path))
