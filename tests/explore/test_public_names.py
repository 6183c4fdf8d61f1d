"""The names of movsdk.explore."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import movsdk.explore
from movsdk.explore import __all__ as names


def test_names_are_sorted_and_load() -> None:
    """Everything promised is there."""
    assert list(names) == sorted(names)
    assert all(getattr(movsdk.explore, name) is not None for name in names)


def test_the_type_checker_sees_the_same() -> None:
    """The imports under TYPE_CHECKING are the map that the running program uses."""
    tree = ast.parse(Path(movsdk.explore.__file__).read_text())
    branch = next(node for node in tree.body if isinstance(node, ast.If))
    imported = {alias.name: node.module for node in branch.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert imported == movsdk.explore._HOME


def test_a_wrong_name_is_refused() -> None:
    """With the names there are."""
    with pytest.raises(AttributeError, match="has no attribute 'Mutexx'; its names are ANY, Atomic"):
        _ = movsdk.explore.Mutexx  # type: ignore[attr-defined]  # that is the point
