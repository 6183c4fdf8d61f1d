"""Collects driver files: every driver class in one becomes a class of tests, one a rule of the kit, without a test file.

Part of `pytest_plugin`, loaded when the first driver file is met. Judges nothing itself: see `driver_conformance`.
"""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from movsdk.bench.alarm import last_resort
from movsdk.bench.user_code import load_module
from movsdk.errors import BadInput, HookSpecError
from movsdk.testing import driver_conformance as rules
from movsdk.testing.conformance.find_driver import drivers_of, model_of
from movsdk.testing.conformance.subject import Subject, registered
from movsdk.testing.driver_conformance import TRIED, DriverConformance


def collected(path: Path, parent: pytest.Collector, found: list[pytest.Collector]) -> list[pytest.Collector]:
    """What pytest `found` in a driver file, with the rules in place of the plain module, whose own tests still run."""
    others = [each for each in found if type(each) is not pytest.Module]
    file = DriverFile.from_parent(parent, path=path)
    file.has_tests = len(others) < len(found)
    return [file, *others]


class DriverFile(pytest.Module):
    """A file with drivers in it. `has_tests`: pytest would have collected it anyway."""

    has_tests = False

    def _getobj(self) -> ModuleType:
        try:
            with ending(self.config):
                return load_module(str(self.path))
        except BadInput as error:
            raise self.CollectError(_short(str(error), self.path)) from None

    def collect(self) -> Iterator[pytest.Item | pytest.Collector]:
        """The drivers, then the tests of the file's own."""
        for driver in drivers_of(self.obj):
            try:
                with ending(self.config):
                    registered(driver)
            except HookSpecError as error:
                raise self.CollectError(f"{self.path.name}:{driver.__name__}: {error}") from None
            except BadInput as error:
                raise self.CollectError(f"{self.path.name}:{error}") from None
            yield DriverRules.from_parent(self, name=driver.__name__)
        if self.has_tests:
            yield from super().collect()


class DriverRules(pytest.Class):
    """The rules for one driver of a file."""

    def _getobj(self) -> type[DriverConformance]:
        assert isinstance(self.parent, DriverFile)
        driver = getattr(self.parent.obj, self.name)
        tests = {rule.id: getattr(DriverConformance, f"test_{rule.id}") for rule in TRIED}
        return type(self.name, (_Found,), {**tests, "driver": driver, "model": model_of(driver), "__doc__": driver.__doc__})

    def collect(self) -> Iterator[pytest.Item]:
        """One test a rule; only one that is skipped if there is nothing to try the driver with."""
        try:
            Subject.of(self.obj.driver, self.obj.model)
        except BadInput:
            rules_to_try = TRIED[:1]
        else:
            rules_to_try = TRIED
        for rule in rules_to_try:
            yield RuleTest.from_parent(self, name=rule.id)


class _Found(DriverConformance):
    """A driver that nobody asked about by name: where nothing can be tried, that is said, and is no failure."""

    def check_rule(self, rule: str) -> None:
        if isinstance(verdict := self.verdict(), str):
            self.mov_told = [(rules.VERDICT, f"NOT CHECKED: {verdict}")]
            pytest.skip(verdict)
        super().check_rule(rule)


class RuleTest(pytest.Function):
    """One rule; its place is the driver's class."""

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the driver is."""
        line = inspect.getsourcelines(self.cls.driver)[1] - 1 if self.cls is not None else 0
        return self.path, line, f"{self.parent.name if self.parent else ''} {self.name}"


def ending(config: pytest.Config) -> AbstractContextManager[None]:
    """While inside, a driver that catches even what should stop it ends the whole run: one line, status 1."""

    def end(text: str) -> None:
        capture = config.pluginmanager.getplugin("capturemanager")
        if capture is not None:
            capture.suspend_global_capture(in_=True)
        sys.stderr.write(f"\nmovsdk: {text}; the run ends here\n")
        sys.stderr.flush()
        os._exit(pytest.ExitCode.TESTS_FAILED)

    return last_resort(end)


def _short(message: str, path: Path) -> str:
    return message.replace(f"{path}: ", "", 1)


def summary(reports: Iterable[Any], *, with_times: bool) -> Iterator[str]:
    """One line a driver, and beneath it what the kit advises; `with_times`: and how long each trial took."""
    drivers: dict[str, list[dict[str, str]]] = {}
    expected: dict[str, list[str]] = {}
    for report in reports:
        told = dict(report.user_properties)
        place = report.nodeid.rpartition("::")[0]
        drivers.setdefault(place, []).append(told)
        if hasattr(report, "wasxfail"):
            expected.setdefault(place, []).append(told[rules.RULE])
    for place in sorted(drivers):
        known = f" [expected: {', '.join(sorted(expected[place]))}]" if place in expected else ""
        yield f"{place}  {drivers[place][0][rules.VERDICT]}{known}"
        for told in drivers[place]:
            yield from told.get(rules.ADVICE, "").splitlines()
            if with_times:
                yield from (f"  {line}" for line in told.get(rules.TIMES, "").splitlines())
