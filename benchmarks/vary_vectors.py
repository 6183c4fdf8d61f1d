"""Plays thousands of machines that nobody recorded, until one is neither played nor refused in one line.

``python benchmarks/vary_vectors.py [COUNT [FIRST_SEED [RULES ...]]]``; 80 plays a second. A seed that fails is printed with the
reason; ``--show SEED`` prints its scenario. A machine goes through every set of rules.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from movsdk.bench.scenario_schema import parse
from movsdk.errors import BadInput
from tests.golden.variants import RULES, played, variant

SLOW: Final = 2.0  # seconds for a play; the largest recorded machine takes a twentieth


def main(words: list[str]) -> int:
    if words[:1] == ["--show"]:
        name, machine = variant(int(words[1]))
        print(json.dumps({"name": f"{name}_{words[1]}", "scenario": machine}))
        return 0
    count, first = ([int(word) for word in words[:2]] + [1000, 0][len(words[:2]) :])[:2]
    seen, found, slowest, failures = Counter[str](), Counter[str](), (0.0, 0, ""), 0
    for seed in range(first, first + count):
        name, machine = variant(seed)
        try:
            scenario = parse(machine)
        except BadInput:
            seen["refused"] += 1
            continue
        for rules in words[2:] or RULES:
            start = time.process_time()
            try:
                found.update(f"{rules} {rule}" for rule in played(scenario, rules).elements())
            except Exception as error:  # whatever it is, the seed is the news
                failures += 1
                print(f"seed {seed} ({name}) {rules}: {type(error).__name__}: {str(error)[:300]}")
            seen[rules] += 1
            slowest = max(slowest, (time.process_time() - start, seed, rules))
    print(f"plays {dict(seen)}; findings {dict(sorted(found.items()))}")
    print(f"{failures} failures; slowest {slowest[0] * 1000:.0f} ms (seed {slowest[1]}, {slowest[2]})")
    return 1 if failures or slowest[0] > SLOW else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
