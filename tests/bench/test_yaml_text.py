"""The narrow YAML of scenarios."""

from __future__ import annotations

import pytest

from movsdk.bench.yaml_text import read_yaml
from movsdk.errors import BadInput


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on: root", {"on": "root"}),
        ("true: root\nk: {true: 1}", {"on": "root", "k": {"on": 1}}),
        ("'true': root", {"true": "root"}),
        ("- yes\n- no\n- off", ["yes", "no", "off"]),
        ("- 02:00.0\n- 0000:02:01.0\n- 01.0", ["02:00.0", "0000:02:01.0", "01.0"]),
        ("- 0x10\n- 16\n- '16'\n- 010\n- 1_000", [16, 16, "16", "010", "1_000"]),
        ("- true\n- False\n- ~\n- null\n-", [True, False, None, None, None]),
        ("a: {n: 0, size: 64M}", {"a": {"n": 0, "size": "64M"}}),
        ("", None),
    ],
)
def test_only_null_booleans_and_integers_are_special(text: str, value: object) -> None:
    """YAML 1.1 makes a boolean of `on`, a time of 02:00 and a fraction of slot 01.0; a scenario means text."""
    assert read_yaml(text, "x.yaml")[0] == value


def test_each_place_has_its_line() -> None:
    """A key stands on its own line, a list item on the line it begins."""
    _, lines = read_yaml("devices:\n  - id: a\n    bars:\n      - {n: 0,\n         size: 3}\n", "x.yaml")

    assert lines["devices[0].bars[0].size"] == 5
    assert lines["devices[0].bars"] == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "x.yaml:2: not YAML: did not find expected node content"),
        ("a: 1\nb: 2\na: 3", "x.yaml:3: key 'a' stands twice in one object; keep one"),
        ("a: &b 1", "x.yaml:1: anchors and aliases (& and *) are not read; write the value out, or quote it if it is text"),
        ("a: *b", "x.yaml:1: anchors and aliases (& and *) are not read; write the value out, or quote it if it is text"),
        ("a: !!python/name:os.system x", "x.yaml:1: tag tag:yaml.org,2002:python/name:os.system is not read; leave it out"),
        ("a: 1\n---\nb: 2", "x.yaml:2: a second document; one scenario a file (or many in a .jsonl)"),
        ("? [a]\n: 1", "x.yaml:1: a key must be a word"),
        ("a\n\x07", "x.yaml:2: not text: character 0x7, control characters are not allowed"),
        ("[" * 40 + "]" * 40, "x.yaml:1: nested deeper than 32 levels; a scenario needs five"),
    ],
)
def test_the_rest_of_yaml_is_refused_with_its_line(text: str, message: str) -> None:
    """What could surprise, grow without bound or run code does not get in."""
    with pytest.raises(BadInput) as caught:
        read_yaml(text, "x.yaml")

    assert str(caught.value) == message
