"""YAML text to plain values, and the line each value stands on.

Twin: yaml.SafeLoader, narrowed to what a scenario needs. Only ``null``, ``true``, ``false``, decimal and ``0x`` numbers are
special, so `on:`, `02:00.0` and `01.0` stay text (YAML 1.1 makes a boolean, a time and a fraction of them). Anchors, tags, keys
that are not text and a key twice are refused. Knows nothing of scenarios.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import yaml
from attrs import define, field

from movsdk.errors import BadInput

MAX_DEPTH: Final = 32
_INT: Final = re.compile(r"-?(0|[1-9][0-9]{0,24})")
_HEX: Final = re.compile(r"0x[0-9a-fA-F]{1,24}")
_WORDS: Final[dict[str, object]] = {"": None, "~": None, "null": None, "true": True, "false": False}
# libyaml reads ten times as fast; PyYAML installs without it where there is no compiler and no wheel.
_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(text: str, name: str) -> tuple[Any, dict[str, int]]:
    """Return the value of the one document in `text`, and the line (from 1) of each place in it, as ``devices[3].bars``.

    Raises:
        BadInput: not YAML, or more of YAML than is allowed; `name` and the line stand in front.

    >>> read_yaml("on: 02:00.0", "x.yaml")
    ({'on': '02:00.0'}, {'': 1, 'on': 1})
    """
    try:
        return _Builder(name, yaml.parse(text, Loader=_LOADER)).document()
    except yaml.MarkedYAMLError as error:
        marks = [mark for mark in (error.problem_mark, error.context_mark) if mark is not None]
        line = f":{marks[0].line + 1}" if marks else ""
        problem = str(error.problem or error.context)
        if marks and "cannot start any token" in problem and _has_tab(text, marks[0].line):
            problem = "a tab; YAML is indented with spaces"
        raise BadInput(f"{name}{line}: not YAML: {problem}") from None
    except yaml.reader.ReaderError as error:
        code = error.character if isinstance(error.character, int) else ord(error.character[:1])
        raise BadInput(f"{name}:{_line_at(text, error.position)}: not text: character {code:#x}, {error.reason}") from None
    except yaml.YAMLError as error:
        raise BadInput(f"{name}: not YAML: {' '.join(str(error).split())}") from None


def _has_tab(text: str, line: int) -> bool:
    lines = text.splitlines()
    return line < len(lines) and "\t" in lines[line]


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _line_at(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def _key(event: Any) -> str:
    """The word of a key; tools of YAML 1.1 read ``on`` as a boolean, and write ``true`` when they give the file back."""
    return "on" if event.implicit[0] and event.value == "true" else str(event.value)


@define(eq=False)
class _Builder:
    """Builds values out of parser events, with its own hands so that nothing a scenario does not need gets in."""

    name: str
    events: Iterator[Any]
    marks: dict[str, int] = field(factory=dict)

    def document(self) -> tuple[Any, dict[str, int]]:
        """The single document of the stream."""
        value: Any = None
        documents = 0
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise self._bad(event, "a second document; one scenario a file (or many in a .jsonl)")
                value = self._value(next(self.events), "", 0)
        return value, self.marks

    def _bad(self, event: Any, problem: str) -> BadInput:
        return BadInput(f"{self.name}:{_line(event)}: {problem}")

    def _value(self, event: Any, path: str, depth: int) -> Any:
        self.marks[path] = _line(event)
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            raise self._bad(event, "anchors and aliases (& and *) are not read; write the value out, or quote it if it is text")
        if event.tag is not None and event.tag != "!":
            raise self._bad(event, f"tag {event.tag} is not read; leave it out")
        if depth > MAX_DEPTH:
            raise self._bad(event, f"nested deeper than {MAX_DEPTH} levels; a scenario needs five")
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event) if event.implicit[0] else event.value
        if isinstance(event, yaml.SequenceStartEvent):
            return list(self._items(path, depth))
        return dict(self._pairs(path, depth))

    def _items(self, path: str, depth: int) -> Iterator[Any]:
        number = 0
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            yield self._value(event, f"{path}[{number}]", depth + 1)
            number += 1

    def _pairs(self, path: str, depth: int) -> Iterator[tuple[str, Any]]:
        seen = set()
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise self._bad(event, "a key must be a word")
            key, line = _key(event), _line(event)
            if key in seen:
                raise self._bad(event, f"key {key!r} stands twice in one object; keep one")
            seen.add(key)
            place = f"{path}.{key}" if path else key
            yield key, self._value(next(self.events), place, depth + 1)
            self.marks[place] = line  # the line of the key, where people look

    def _scalar(self, event: Any) -> object:
        text: str = event.value
        if text.lower() in _WORDS:
            return _WORDS[text.lower()]
        if _INT.fullmatch(text):
            return int(text)
        return int(text, 16) if _HEX.fullmatch(text) else text
