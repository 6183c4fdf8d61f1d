"""Whether a FUSE mount can be made here."""

from __future__ import annotations

import importlib.util
import os
import shutil

import pytest

_HAS_FUSE = os.path.exists("/dev/fuse") and importlib.util.find_spec("mfusepy") is not None and shutil.which("fusermount3")
needs_fuse = pytest.mark.skipif(not _HAS_FUSE, reason="needs /dev/fuse, fusermount3 and the extra movsdk[fuse]")
