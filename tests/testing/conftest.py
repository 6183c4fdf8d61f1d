"""Schedules found in this folder are replayed."""

from tests.replayed import replayed

__all__ = ["replayed"]
