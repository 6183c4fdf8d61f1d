"""How often the recorded kernels broke their promises: the numbers of docs/findings. A few seconds.

``python benchmarks/count_findings.py``
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.golden.promises import count, steps

KERNELS = ("v9", "v5", "off")


def main() -> None:
    totals = {rules: count(steps(rules)) for rules in KERNELS}
    names = list(dict.fromkeys(name for total in totals.values() for name in total))
    width = max(map(len, names))
    print(f"{'':{width}}" + "".join(f"{rules:>8}" for rules in KERNELS))
    for name in names:
        print(f"{name:{width}}" + "".join(f"{totals[rules][name]:>8}" for rules in KERNELS))


if __name__ == "__main__":
    main()
