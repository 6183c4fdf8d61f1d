"""What an exception was, in one line: its kind, its text, and the line of the user's code (or of ours) that raised it.

Twin: the head of an oops. Decides no exit status; see `main` and `run_command`.
"""

from __future__ import annotations

from movsdk.errors import MovError
from movsdk.kernel import actor


def describe(error: BaseException) -> str:
    """``KeyError: 'x' at driver.py:12``; the errors of the SDK name their place themselves."""
    text = f"{type(error).__name__}: {error}"
    return text if isinstance(error, MovError) else f"{text} at {actor.show(actor.raise_site(error))}"
