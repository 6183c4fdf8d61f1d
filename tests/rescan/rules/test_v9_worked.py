"""Rules v9: the worked examples of the design notes, number by number, on the recorded scenarios."""

from __future__ import annotations

from functools import cache

from tests.rescan.worked import Attempt, B, M, P, Seen, seen

K = 1 << 10


@cache
def story(name: str) -> list[Seen]:
    """A recorded scenario, played once."""
    return seen("v9", name)


def terms(attempts: list[Attempt]) -> list[tuple[bool, bool, bool]]:
    """(asks for reserve, tries what failed, accepted) of each attempt."""
    return [(one.expands, one.tries_failed, one.is_accepted) for one in attempts]


def lost(attempt: Attempt) -> list[str]:
    """What has no place, in order of names: BARs, and windows with a size in this attempt."""
    return sorted(name for name, place in attempt.places.items() if place is None and (name in attempt.sizes or name[-1] < "7"))


# --- w10: a fixed BAR, nested bridges, four attempts ------------------------------------------------------
def test_w10_what_the_windows_must_cover() -> None:
    """b stands fixed behind r, so r, p and rp must cover it; q has no duty."""
    hotadd = story("w10_nested")[1]

    covered = [None, (B + M, B + M + 0x3FFF), None]
    assert hotadd.ranges == {"rp": covered, "p": covered, "q": [None] * 3, "r": covered}


def test_w10_what_is_released_and_what_is_kept() -> None:
    """Memory windows forget their size; prefetchable ones behind them are cut and keep it; b keeps its address."""
    first, second, third = story("w10_nested")[1].releases

    assert {name: first[name] for name in ("rp:8", "p:8", "q:8", "r:8", "rp:9")} == dict.fromkeys(
        ("rp:8", "p:8", "q:8", "r:8", "rp:9"), (0, 1)
    )
    assert (first["p:9"], first["q:9"], first["b:0"], first["a:1"]) == ((0, 16 * M), (0, 16 * M), (B + M, 16 * K), (0, 16 * M))
    assert (second["p:9"], second["q:9"], second["q:8"]) == ((0, 96 * M), (0, 96 * M), (0, 1))
    assert third == second


def test_w10_the_first_attempt() -> None:
    """96 MiB of prefetchable memory fit, but r in the middle leaves no 3 MiB for q's memory window."""
    first = story("w10_nested")[1].attempts[0]

    assert first.sizes == {
        **dict.fromkeys(("rp:9", "p:9", "q:9"), (96 * M, 32 * M)),
        **dict.fromkeys(("rp:8", "p:8"), (4 * M, M)),
        "q:8": (3 * M, M),
        "r:8": (M, M),
    }
    places = {name: first.places[name] for name in ("rp:8", "p:8", "r:8", "rp:9", "q:9", "new:1", "a:1", "b:0")}
    assert places == {
        "rp:8": (B, 4 * M),
        "p:8": (B, 4 * M),
        "r:8": (B + M, M),
        "rp:9": (P, 96 * M),
        "q:9": (P, 96 * M),
        "new:1": (P, 64 * M),
        "a:1": (P + 64 * M, 16 * M),
        "b:0": (B + M, 16 * K),
    }
    assert (lost(first), sorted(first.unset)) == (["a:0", "new:0", "q:8"], ["a:0", "new:0"])


def test_w10_the_second_attempt_goes_on_where_the_first_stopped() -> None:
    """Nothing is released: only the window that failed is sized again, and fails again."""
    second = story("w10_nested")[1].attempts[1]

    assert (second.sizes, lost(second)) == ({"q:8": (3 * M, M)}, ["a:0", "new:0", "q:8"])


def test_w10_the_newcomer_is_given_up() -> None:
    """In the third attempt a still loses BAR 0; without the newcomer all fits, in windows that stay 96 MiB wide."""
    hotadd = story("w10_nested")[1]
    third, fourth = hotadd.attempts[2:]

    assert terms(hotadd.attempts) == [(True, True, False), (False, True, False), (False, False, False), (False, False, True)]
    assert (third.sizes, lost(third)) == (hotadd.attempts[0].sizes, ["a:0", "new:0", "q:8"])
    assert (fourth.sizes["q:8"], fourth.sizes["q:9"]) == ((M, M), (96 * M, 16 * M))
    assert [fourth.places[name] for name in ("q:8", "q:9", "a:0", "a:1")] == [(B, M), (P, 96 * M), (B, 64 * K), (P, 16 * M)]
    assert hotadd.outcome.report.given_up == ("new",)
    assert hotadd.outcome.hooks == [["prepare", "a"], ["done", "a"], ["probe", "new", "rc=-22"]]


def test_w10_traces_of_the_attempts_stay() -> None:
    """BAR 0 was tried last and failed: unset. BAR 1 had a place until it was released: not unset, and its register tells."""
    hotadd = story("w10_nested")[1]

    assert [(hotadd.resource(name)["type"], hotadd.resource(name)["register"]) for name in ("new:0", "new:1")] == [
        ("mem|unset", 0),
        ("mem|pref|64", P),
    ]


def test_w10_the_next_rescans() -> None:
    """Added by now and without a place before, the newcomer is left out in the third; once it is gone, the first will do."""
    rescan, _, last = story("w10_nested")[2:]

    assert (terms(rescan.attempts)[-1], len(rescan.attempts)) == ((False, False, True), 3)
    assert rescan.outcome.report.given_up == ()
    assert (terms(last.attempts), last.attempts[0].sizes["q:9"]) == ([(True, True, True)], (96 * M, 16 * M))


# --- w11: a chassis of new bridges ------------------------------------------------------------------------
def test_w11_new_bridges_begin_with_windows_at_zero() -> None:
    """Zero registers read as 4 KiB and 1 MiB: old sizes that make all their windows appear."""
    hotadd = story("w11_hotadd_chassis")[1]

    (released,) = hotadd.releases
    assert [released[f"{name}:{number}"] for name in ("c", "c1", "c2") for number in (7, 8, 9)] == [
        (0, 4 * K),
        (0, M),
        (0, M),
    ] * 3
    assert (released["hp:7"], released["hp:8"], released["hp:9"]) == ((0, 1), (0, 2 * M), (0, 2 * M))


def test_w11_sizes() -> None:
    """Reserve io 256, mem and pref 2 MiB: a floor of the small ports, a maximum for memory."""
    (attempt,) = story("w11_hotadd_chassis")[1].attempts

    sizes = {name: size for name, size in attempt.sizes.items() if name not in ("rp:8", "c1:8", "c2:8")}
    assert sizes == {
        "c1:7": (4 * K, 4 * K),
        "c1:9": (M, M),
        "c2:7": (4 * K, 4 * K),
        "c2:9": (32 * M, 32 * M),
        "c:7": (8 * K, 4 * K),
        "c:8": (2 * M, M),
        "c:9": (48 * M, 16 * M),
        "hp:7": (12 * K, 4 * K),
        "hp:8": (2 * M, M),
        "hp:9": (48 * M, 16 * M),
        "rp:7": (12 * K, 4 * K),
        "rp:9": (56 * M, 8 * M),
    }
    assert (attempt.is_accepted, attempt.unset) == (True, frozenset())


def test_w11_order_on_a_bus() -> None:
    """By alignment, then in device and slot order: c2:9 first, then the three windows of 1 MiB, then I/O."""
    (attempt,) = story("w11_hotadd_chassis")[1].attempts

    assert [attempt.places[name] for name in ("c2:9", "c1:8", "c1:9", "c2:8", "c1:7", "c2:7")] == [
        (P, 32 * M),
        (B, M),
        (P + 32 * M, M),
        (B + M, M),
        (0x1000, 4 * K),
        (0x2000, 4 * K),
    ]


def test_w11_the_next_rescan_drops_empty_io_windows_only() -> None:
    """I/O windows are released by themselves and forget their size; memory windows are cut by the bus above and keep it."""
    rescan = story("w11_hotadd_chassis")[2]

    (released,), (attempt,) = rescan.releases, rescan.attempts
    assert [released[name] for name in ("c:7", "c1:7", "c2:7", "c1:8", "c1:9", "c2:9", "c:9")] == [
        *[(0, 1)] * 3,
        (0, M),
        (0, M),
        (0, 32 * M),
        (0, 48 * M),
    ]
    assert {"c:7", "c1:7", "c2:7"}.isdisjoint(attempt.sizes)
    assert (attempt.sizes["hp:7"], attempt.sizes["c1:9"]) == ((4 * K, 4 * K), (M, M))


def test_w11_an_old_size_has_no_alignment() -> None:
    """After the chassis is gone hp:9 keeps its 48 MiB, aligned to 1 MiB: it is placed behind x's 8 MiB BAR."""
    (attempt,) = story("w11_hotadd_chassis")[4].attempts

    assert attempt.sizes["hp:9"] == (48 * M, M)
    assert [attempt.places[name] for name in ("x:1", "hp:9")] == [(P, 8 * M), (P + 8 * M, 48 * M)]


# --- the short ones ---------------------------------------------------------------------------------------
def test_w08_newcomers_are_given_up_in_list_order_whether_it_helps_or_not() -> None:
    """The small one goes first and is not tried again, though it would fit without the big one."""
    hotadd, rescan = story("w08_two_new_small_big")[1:]

    assert [attempt.sizes["hp:8"] for attempt in hotadd.attempts] == [(24 * M, 8 * M)] * 4 + [(M, M)]
    assert [attempt.is_accepted for attempt in hotadd.attempts] == [False] * 4 + [True]
    assert hotadd.outcome.report.given_up == ("n1", "n2")
    assert (terms(rescan.attempts)[-1], len(rescan.attempts)) == ((False, False, True), 3)
    assert rescan.attempts[-1].places["n1:0"] is None


def test_w14_a_fixed_bar_loses_its_place_and_nobody_notices() -> None:
    """hp:8 grows downwards over y's BAR 1: no UNSET, so the first attempt is accepted. The driver of y stays bound."""
    hotadd, rescan = story("w14_mixed_driver")[1:]

    assert (hotadd.ranges["rp"][1], hotadd.ranges["hp"][1]) == ((B, B + 4 * M - 1), (B, B + M - 1))
    (attempt,) = hotadd.attempts
    assert (attempt.sizes["hp:8"], attempt.sizes["rp:8"]) == ((4 * M, M), (6 * M, M))
    assert (attempt.places["hp:8"], attempt.places["y:1"], attempt.is_accepted) == ((B, 4 * M), None, True)
    assert attempt.unset == frozenset()
    assert [(finding.rule, finding.device) for finding in hotadd.outcome.findings] == [("E03", "y"), ("E01", "y")]
    y = next(entry for entry in hotadd.outcome.state if entry["id"] == "y")
    assert (y["driver"], hotadd.resource("y:1")["start"], hotadd.resource("y:1")["type"]) == ("mixed", B + 3 * M, "mem")
    assert rescan.ranges["rp"][1] == (B, B + M - 1)
    assert rescan.attempts[0].places == attempt.places


def test_w16_the_second_attempt_finds_the_first_ones_leftovers() -> None:
    """With reserves rp:9 fails and hp1:9 falls back into rp:8, which is then full; only a release helps."""
    hotadd = story("w16_hpsize_retry")[1]
    first, second, third = hotadd.attempts

    assert [first.places[name] for name in ("rp:8", "rp:9", "hp1:8", "hp1:9", "hp2:8")] == [
        (B, 4 * M),
        None,
        (B, 2 * M),
        (B + 2 * M, 2 * M),
        None,
    ]
    assert (second.sizes, second.places) == ({"hp2:8": (M, M)}, first.places)
    assert third.sizes == {
        "rp:8": (2 * M, M),
        "rp:9": (2 * M, M),
        "hp1:8": (M, M),
        "hp1:9": (2 * M, M),
        "hp2:8": (M, M),
    }
    assert (terms(hotadd.attempts)[-1], third.unset) == ((False, False, True), frozenset())


def test_w28_a_newcomer_decodes_over_a_live_device() -> None:
    """rp:8 must begin early enough to cover g, but hp:8 in it takes g's place: two live decoders, a finding."""
    hotadd = story("w28_fixed_unaligned_span")[1]

    (attempt,) = hotadd.attempts
    assert (attempt.places["hp:8"], attempt.places["new:0"], attempt.places["g:0"]) == ((B, 16 * M), (B + 8 * M, 8 * M), None)
    assert [finding.rule for finding in hotadd.outcome.findings] == ["E03", "E01"]
    assert hotadd.outcome.findings[1].text.endswith("two live decoders at mem 0x80f00000: g BAR 0 and new BAR 0")


def test_w04_the_second_example_of_the_series_fits() -> None:
    """rp:8 must span its two fixed cards: 8 MiB, where sizes alone would make 7 (and v5 stumbles)."""
    (attempt,) = story("w04_example2")[1].attempts

    assert attempt.sizes == {"rp:8": (8 * M, M), "hp:8": (5 * M, M)}
    assert (lost(attempt), attempt.places["new:0"]) == ([], (B + 2 * M, 2 * M))
