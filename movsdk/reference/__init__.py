"""The reference drivers, as ``movsdk.reference.edu`` and so on: copy a folder to start yours.

In a wheel the folders lie here. In a checkout (or an editable install) they lie in ``drivers/`` at its root, and this package
looks there. Either way a top-level ``drivers`` of yours is never imported. Loads no driver itself: see `movsdk.bench.reference`.
"""

from __future__ import annotations

from pathlib import Path

_here = Path(__file__).resolve().parent
if not (_here / "edu").is_dir():
    __path__.append(str(_here.parent.parent / "drivers"))
