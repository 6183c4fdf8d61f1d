"""Breaks dumps of machines and imports them, until something is neither refused in one line nor imported.

``python benchmarks/hostile_dumps.py [COUNT [FIRST_SEED]]``; 100 a second. A seed that fails is printed, with the reason.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.bench.importers.hostile import broken, outcome, whole_dumps


def main() -> int:
    count, first = ([int(word) for word in sys.argv[1:]] + [10_000, 0][len(sys.argv) - 1 :])[:2]
    whole, seen, slowest = whole_dumps(), Counter[str](), (0.0, 0)
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(first, first + count):
            start = time.perf_counter()
            try:
                seen[outcome(broken(whole, seed), Path(folder)).split(":")[0]] += 1
            except Exception as error:  # whatever it is, the seed is the news
                seen["failed"] += 1
                print(f"seed {seed}: {type(error).__name__}: {str(error)[:200]}")
            slowest = max(slowest, (time.perf_counter() - start, seed))
    print(f"{dict(seen)}, slowest {slowest[0] * 1000:.0f} ms (seed {slowest[1]})")
    return 1 if seen["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
