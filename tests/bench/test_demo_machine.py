"""The recorded machine that ships with the SDK."""

from __future__ import annotations

import pytest

from movsdk.bench.demo_machine import MOMENTS, dumps
from movsdk.bench.importers.folder import read_dump


@pytest.mark.parametrize(("machine", "moments"), [("q35-v9", MOMENTS), ("q35-off", MOMENTS[:2])])
def test_every_moment_can_be_read(machine: str, moments: tuple[str, ...]) -> None:
    """All five files of each are there."""
    with dumps(machine) as folder:
        assert sorted(path.name for path in folder.iterdir()) == sorted(moments)
        assert [len(read_dump(folder / moment).functions) for moment in moments] == [15, 16, 17, 18][: len(moments)]
