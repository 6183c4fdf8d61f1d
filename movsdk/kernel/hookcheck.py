"""Is this object a driver? What is checked when one is registered, and the messages of refusal.

Twin: what the C compiler checks of ``struct pci_driver``. Binds nothing; see `binding`.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable
from typing import Any, Final

import pluggy

from movsdk.errors import HookSpecError
from movsdk.hooks import HOOKS, PROJECT, DriverSpec, PciId

_CLOSE: Final = 0.85  # difflib's ratio from which a method name counts as a misspelt hook
_POSITIONAL: Final = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def _arguments_of(function: Callable[..., Any]) -> tuple[str, ...]:
    return tuple(name for name in inspect.signature(function).parameters if name != "self")


EXPECTED: Final[dict[str, tuple[str, ...]]] = {hook: _arguments_of(getattr(DriverSpec, hook)) for hook in HOOKS}
"""The arguments of each hook, in the order of the C signature."""


class DriverPlugins(pluggy.PluginManager):
    """The pluggy manager of one driver: methods named as hooks count without a decorator."""

    def parse_hookimpl_opts(self, plugin: object, name: str) -> pluggy.HookimplOpts | None:
        """Options of a hook method, or None for any other attribute; looks at no property."""
        if name.startswith("_") or not callable(members_of(plugin).get(name)):
            return None
        options = super().parse_hookimpl_opts(plugin, name)
        if options is None and name in HOOKS:
            options = {
                "wrapper": False,
                "hookwrapper": False,
                "optionalhook": False,
                "tryfirst": False,
                "trylast": False,
                "specname": None,
            }
        return options


def members_of(target: object) -> dict[str, Any]:
    """Public attributes of an instance and its classes, found without running a property; functions come unbound."""
    members: dict[str, Any] = {}
    for namespace in (*(vars(cls) for cls in reversed(type(target).__mro__[:-1])), getattr(target, "__dict__", {})):
        for name, value in namespace.items():
            if not name.startswith("_"):
                members[name] = value.__func__ if isinstance(value, staticmethod | classmethod) else value
    return members


def instantiated(driver: object) -> object:
    """Return `driver`, or an instance of it if it is a class. Raises `HookSpecError` if that needs arguments."""
    if not isinstance(driver, type):
        return driver
    try:
        return driver()
    except TypeError as error:
        raise HookSpecError(
            f"driver class {driver.__name__} cannot be created without arguments ({error}); register an instance instead",
            driver=driver.__name__,
        ) from error


def check_identity(target: object) -> tuple[str, tuple[PciId, ...]]:
    """Return `name` and `id_table` of a driver. Raises `HookSpecError` if one is missing or of the wrong type."""
    who = f"driver {type(target).__name__}"
    name = getattr(target, "name", None)
    if not isinstance(name, str) or not name:
        raise HookSpecError(f'{who} needs `name`, a text such as "edu"; it has {name!r}', driver=type(target).__name__)
    table = getattr(target, "id_table", None)
    if not isinstance(table, list | tuple):
        raise HookSpecError(
            f"{_who(target)} needs `id_table`, a list of PciId such as [PciId(0x1234, 0x11E8)]; it has {table!r}", driver=name
        )
    for row in table:
        if not isinstance(row, PciId):
            raise HookSpecError(
                f"{_who(target)}: row {row!r} of id_table is not a PciId; write PciId(vendor, device)", driver=name
            )
    return name, tuple(table)


def check_hooks(target: object) -> frozenset[str]:
    """Return the hooks that a driver has.

    Raises:
        HookSpecError: a hook is missing, misspelt, no plain method, or takes other arguments than the kernel passes.
    """
    members = members_of(target)
    hooks = {name: name for name, value in members.items() if name in HOOKS and value is not None}
    for name, value in members.items():
        marked = getattr(value, f"{PROJECT}_impl", None)
        if marked:
            hooks[name] = marked.get("specname") or name
    _refuse_unknown(target, members, hooks)
    for name, hook in hooks.items():
        _check_shape(target, name, hook, members[name])
        _check_arguments(target, name, hook)
    if "probe" not in hooks.values():
        raise HookSpecError(
            f"{_who(target)} has no probe(self, dev, id); every driver needs one", driver=_name(target), hook="probe"
        )
    return frozenset(hooks.values())


def _refuse_unknown(target: object, members: dict[str, Any], hooks: dict[str, str]) -> None:
    for name, hook in hooks.items():
        if hook not in HOOKS:
            near = _nearest(hook, HOOKS, cutoff=0.0)
            raise HookSpecError(
                f"{_who(target)}: {name}() is marked @hookimpl, but there is no hook {hook}; did you mean {near}?",
                driver=_name(target),
                method=name,
                nearest=near,
            )
    # Beside the right one, a name like `resumed` is a helper; one like `rescan_prepair` is not.
    absent = [hook for hook in HOOKS if hook not in hooks.values() or "_" in hook]
    for name, value in members.items():
        if name in hooks or not callable(value) or isinstance(value, type):
            continue
        near = _nearest(name, absent, cutoff=_CLOSE)
        if near is not None:
            raise HookSpecError(
                f"{_who(target)}: {name}() looks like the hook {near}() misspelt and would never be called; "
                f"rename it to {near}, or to something less like it (a leading underscore will do)",
                driver=_name(target),
                method=name,
                nearest=near,
            )


def _nearest(name: str, hooks: Iterable[str], *, cutoff: float) -> str | None:
    # `resume_queues` extends a hook's name by a word: a helper. `resume_` or `resumed` is a slip.
    lower = name.lower()
    candidates = [hook for hook in hooks if not (lower.startswith(f"{hook}_") and len(lower) > len(hook) + 1)]
    found = difflib.get_close_matches(lower, candidates, n=1, cutoff=cutoff)
    return found[0] if found else None


def _check_shape(target: object, name: str, hook: str, value: Any) -> None:
    if not callable(value) or isinstance(value, type):
        problem = f"is {value!r}, not a method"
    elif inspect.iscoroutinefunction(value) or inspect.isgeneratorfunction(value):
        problem = "is a coroutine or a generator; hooks are plain functions that wait with dev.wait_for()"
    else:
        return
    raise HookSpecError(f"{_who(target)}: {name} {problem}", driver=_name(target), method=name, hook=hook)


def _check_arguments(target: object, name: str, hook: str) -> None:
    expected = EXPECTED[hook]
    signature = inspect.signature(getattr(target, name))
    parameters = signature.parameters.values()
    given = [p.name for p in parameters if p.kind in _POSITIONAL and p.default is p.empty]
    named_only = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY and p.default is p.empty]
    missing = [argument for argument in expected if argument not in given]
    surplus = [argument for argument in given if argument not in expected] + named_only
    if not missing and not surplus:
        return
    problems = []
    for argument in missing:
        if argument in signature.parameters:
            problems.append(f"{argument!r} must be a plain argument without a default")
        else:
            problems.append(f"{argument!r} is missing")
    problems += [f"{argument!r} is not one of them" for argument in surplus if argument not in expected]
    raise HookSpecError(
        f"{_who(target)}: {name}{signature} must take the arguments ({', '.join(expected)}): {', '.join(problems)}",
        driver=_name(target),
        method=name,
        hook=hook,
        expected=expected,
    )


def _name(target: object) -> str:
    return str(getattr(target, "name", type(target).__name__))


def _who(target: object) -> str:
    return f"driver {_name(target)!r} ({type(target).__name__})"
