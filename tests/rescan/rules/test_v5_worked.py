"""Rules v5: worked examples of the design notes on the recorded scenarios."""

from __future__ import annotations

from functools import cache

from tests.rescan.worked import B, M, Seen, seen


@cache
def story(name: str) -> list[Seen]:
    """A recorded scenario, played once."""
    return seen("v5", name)


def test_w04_the_wrong_range_costs_a_fixed_card_its_place() -> None:
    """rp must span 8 MiB, but v5 looks at the range of the prefetchable window: 7 MiB, and f1 at the end is outside."""
    hotadd = story("w04_example2")[1]
    first, second = hotadd.attempts

    assert hotadd.ranges["rp"] == [(0, 0), (B, B + 8 * M - 1), (0, 0)]
    assert first.sizes == {"rp:8": (7 * M, M), "hp:8": (5 * M, M)}
    assert [first.places[name] for name in ("rp:8", "f0:0", "hp:8", "f1:0")] == [(B, 7 * M), (B, M), (B + M, 5 * M), None]
    assert [first.places[name] for name in ("new:0", "I:0", "II:0", "III:0")] == [
        (B + 2 * M, 2 * M),
        (B + M, M),
        (B + 4 * M, M),
        (B + 5 * M, M),
    ]
    assert (second.sizes, second.places["f1:0"]) == ({"rp:8": (5 * M, M), "hp:8": (3 * M, M)}, None)
    assert [attempt.is_accepted for attempt in hotadd.attempts] == [False, False]


def test_w04_what_is_left_of_it() -> None:
    """f1 stays bound at an address nobody routes; the newcomer is given up for ever, its register still where it had been."""
    hotadd, rescan = story("w04_example2")[1:]

    f1 = next(entry for entry in hotadd.outcome.state if entry["id"] == "f1")
    new = next(entry for entry in rescan.outcome.state if entry["id"] == "new")
    assert (f1["driver"], hotadd.resource("f1:0")["start"], hotadd.resource("f1:0")["parent"]) == ("fixed", B + 7 * M, None)
    assert (hotadd.resource("new:0")["type"], hotadd.resource("new:0")["register"]) == ("mem", B + 2 * M)
    assert (new["driver"], new["bars_disabled"]) == (None, True)
    assert [attempt.is_accepted for attempt in rescan.attempts] == [True]


def test_w18_a_window_cut_through_another_is_bogus_for_ever() -> None:
    """hp's prefetchable window sat in rp's memory window: both alignment flags, alignment 0, never placed again."""
    hotadd, rescan = story("w18_pref32_bridge")[1:]

    assert (hotadd.releases[0]["hp:9"], hotadd.attempts[0].sizes["hp:9"]) == ((0, 6 * M), (14 * M, 0))
    assert (hotadd.attempts[0].places["hp:9"], rescan.attempts[0].places["hp:9"]) == (None, None)
    assert rescan.resource("hp:9")["start"] == 2 * M


def test_w22_a_window_without_a_place_keeps_the_word_unset() -> None:
    """rp:7 fails as a window round fixed ports, and once more as one that has lost its type."""
    hotadd = story("w22_io")[1]

    assert hotadd.ranges["rp"][0] == hotadd.ranges["hp2"][0] == (0x2000, 0x203F)
    assert hotadd.attempts[0].sizes["rp:7"] == (0x3000, 0x1000)
    assert {"rp:7", "hp2:7"} <= hotadd.attempts[0].unset
    assert (hotadd.resource("rp:7")["type"], hotadd.resource("rp:7")["last"]) == ("unset", 0)


def test_w06_a_given_up_newcomer_is_never_tried_again() -> None:
    """The mark outlives every rescan until the device is removed; its BARs are listed without a place."""
    stories = story("w06_too_big")
    newcomers = [
        (one.outcome.op, entry["bars_disabled"]) for one in stories for entry in one.outcome.state if entry["id"] == "new"
    ]

    assert newcomers
    assert all(disabled for op, disabled in newcomers if op != "boot")
