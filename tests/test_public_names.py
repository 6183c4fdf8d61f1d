"""The public face of movsdk: one sorted list, said three times (for readers, for type checkers, for the running program)."""

from __future__ import annotations

from pathlib import Path

import pytest

import movsdk
from tests import house

INIT = Path(movsdk.__file__)


def test_the_three_lists_of_public_names_agree() -> None:
    """`__all__` is sorted; the imports for type checkers and the map for the running program name the same homes."""
    typed = {found.name: found.module for found in house.imports(INIT.parent.parent, INIT) if found.module.startswith("movsdk.")}

    assert movsdk.__all__ == sorted(movsdk.__all__)
    assert sorted(movsdk.HOME) == movsdk.__all__
    assert typed == movsdk.HOME


@pytest.mark.parametrize("name", movsdk.__all__)
def test_a_public_name_leads_to_its_home(name: str) -> None:
    """A name loads from the module the map gives, is listed by dir(), and says what it is."""
    value = getattr(movsdk, name)

    assert name in dir(movsdk)
    assert value.__doc__


def test_an_unknown_name_is_refused_with_the_list() -> None:
    """A misspelt name says which there are."""
    with pytest.raises(
        AttributeError, match=r"module 'movsdk' has no attribute 'PciDevice'; its names are AccessFault, .*PciDev, "
    ):
        movsdk.PciDevice  # type: ignore[attr-defined]  # noqa: B018
