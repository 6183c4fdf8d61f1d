"""Bugs put on purpose into what stands beside the search: locks, schedules, minimiser, judges, shards. The table's other half.

Twin: mutation testing. The random programs of the oracle bring their own locks and ask for no story, so each of these is shown by
a test of this folder, called with `args`. See `mutants` for the first half.
"""

from __future__ import annotations

from attrs import frozen

from tests.explore.mutants import Mutant


@frozen
class Beside:
    """What is broken, and the test that fails: ``module.function``."""

    mutant: Mutant
    test: str
    args: tuple[object, ...] = ()

    def __str__(self) -> str:
        return self.mutant.name


def _bug(name: str, module: str, old: str, new: str, test: str, *args: object) -> Beside:
    return Beside(Mutant(name, module, old, new, 0), test, args)


UNLOCK = "checkpoint(self._words.unlock, (), self._words.cells, self._words.release)\n        "
BESIDE = [
    # --- locks
    _bug(
        "a mutex keeps nobody out",
        "sync",
        "return not self._is_locked",
        "return True",
        "test_oracles.test_a_lock_never_released_is_said_to_be_held_by_the_dead",
    ),
    _bug(
        "a mutex is never released",
        "sync",
        f"{UNLOCK}self._is_locked = False",
        f"{UNLOCK}pass",
        "test_sync.test_a_released_lock_can_be_taken_again",
    ),
    _bug(
        "readers depend on each other",
        "sync",
        "checkpoint(self._read.lock, self._read.cells)",
        "checkpoint(self._read.lock, (), self._read.cells)",
        "test_sync.test_readers_do_not_depend_on_each_other",
    ),
    _bug(
        "a writer does not wait for readers",
        "sync",
        "self._readers or self._is_written or ahead",
        "self._is_written or ahead",
        "test_sync.test_readers_do_not_depend_on_each_other",
    ),
    _bug(
        "trying announces no cell",
        "sync",
        "checkpoint(self._words.try_lock, (), self._words.cells)",
        "checkpoint(self._words.try_lock)",
        "test_sync.test_trying_never_waits",
    ),
    # --- waiting
    _bug(
        "one completion lets everybody go",
        "waiting",
        "            self._done -= 1",
        "            pass",
        "test_waiting.test_one_completion_lets_one_waiter_go",
    ),
    _bug(
        "a queue wakes one sleeper",
        "waiting",
        "for ticket in self._sleepers:",
        "for ticket in self._sleepers[:1]:",
        "test_waiting.test_one_wake_up_is_for_all_who_sleep",
    ),
    _bug(
        "wake-ups are kept",
        "waiting",
        "ticket = [False]",
        "ticket = [True]",
        "test_oracles.test_a_wake_up_that_comes_too_early_is_lost",
    ),
    _bug(
        "a counter's sum is no write",
        "waiting",
        "checkpoint(self._labels[2], self._cell, self._cell)\n        self._value += step",
        "checkpoint(self._labels[2], self._cell)\n        self._value += step",
        "test_waiting.test_who_counts_first_is_tried_both_ways",
    ),
    # --- deferred
    _bug(
        "a disabled line interrupts",
        "deferred",
        "self._is_raised and not self._depth and",
        "self._is_raised and",
        "test_deferred.test_a_disabled_line_is_quiet",
    ),
    _bug(
        "disable does not wait for the handler",
        "deferred",
        "self.disable_nosync()\n        self.synchronize()",
        "self.disable_nosync()",
        "test_deferred.test_a_disabled_line_is_quiet",
    ),
    _bug(
        "cancelled work runs",
        "deferred",
        "            self._todo.remove(work)",
        "            pass",
        "test_deferred.test_after_cancel_the_work_does_not_run",
    ),
    _bug(
        "the last work first", "deferred", "self._todo.pop(0)", "self._todo.pop()", "test_deferred.test_a_queue_keeps_its_order"
    ),
    # --- judges
    _bug(
        "a lock holds nobody up",
        "oracles",
        "name = DEADLOCK if waiting_for_locks == len(blocked) else LOST_WAKE_UP",
        "name = LOST_WAKE_UP",
        "test_oracles.test_a_deadlock_names_who_waits_for_whom",
    ),
    _bug(
        "a lost wake-up is a deadlock",
        "oracles",
        "name = DEADLOCK if waiting_for_locks == len(blocked) else LOST_WAKE_UP",
        "name = DEADLOCK",
        "test_oracles.test_a_wake_up_that_comes_too_early_is_lost",
    ),
    _bug(
        "levels of a class are one",
        "oracles",
        "{((other.kind, other.nesting), (mark.kind, mark.nesting))",
        "{((other.kind, 0), (mark.kind, 0))",
        "test_oracles.test_locks_of_one_class_need_levels",
    ),
    _bug(
        "locks inside one of their class are forgiven",
        "oracles",
        "if following == start:",
        "if following == start and len(path) > 1:",
        "test_oracles.test_locks_of_one_class_need_levels",
    ),
    _bug(
        "who tries waits",
        "oracles",
        "if (op.is_guarded or mark.waits) and mark.kind is not None:",
        "if mark.kind is not None:",
        "test_oracles.test_a_lock_that_is_only_tried_makes_no_circle",
    ),
    _bug(
        "a handler may sleep",
        "oracles",
        'mark.action == "enter" or (',
        "(",
        "test_oracles.test_nobody_sleeps_in_an_interrupt_handler",
    ),
    # --- schedules and replay
    _bug(
        "switches are counted from 0",
        "schedule",
        "tuple((at + 1, run.by_number",
        "tuple((at, run.by_number",
        "test_schedule.test_a_schedule_says_who_goes_on_where_it_is_not_the_usual",
    ),
    _bug(
        "labels are not hashed",
        "schedule",
        ".letter} {op.label}",
        ".letter}",
        "test_schedule.test_a_changed_program_is_noticed",
        "renamed",
        0,
        "its 4 operations are others now",
    ),
    _bug(
        "a short run replays",
        "schedule",
        "if len(run.order) < self.schedule.length:",
        "if False:",
        "test_schedule.test_a_run_that_is_too_short_is_drift",
    ),
    _bug(
        "a replay goes on as usual",
        "schedule",
        "if not self.is_checked:\n            return run.usual(depth)",
        "if True:\n            return run.usual(depth)",
        "test_schedule.test_a_schedule_that_cannot_be_followed_says_where",
    ),
    # --- the shortest story
    _bug(
        "dependent steps are moved together",
        "minimise",
        "if not causes.past[at] & ~done & ~(1 << at)]",
        "]",
        "test_minimise.test_moving_independent_operations_together_keeps_the_failure",
        0,
    ),
    _bug(
        "nothing less is searched for",
        "minimise",
        "range(preemptions(run, length_to(run, name)))",
        "range(0)",
        "test_enable_race.test_more_patience_finds_a_shorter_story",
    ),
    _bug(
        "spent patience is a proof",
        "minimise",
        "return run, left, False",
        "return run, left, True",
        "test_minimise.test_little_patience_gives_a_longer_story_and_says_so",
    ),
    _bug(
        "the first pair is named",
        "minimise",
        "range(length - 1, -1, -1)",
        "range(length)",
        "test_minimise.test_the_pair_whose_order_matters",
    ),
    # --- strategies and the loop
    _bug(
        "who cannot go on is taken off",
        "strategies",
        " and run.enabled_at[at] >> run.order[at - 1] & 1",
        "",
        "test_strategies.test_who_waits_is_not_preempted",
    ),
    _bug(
        "a bound is a proof",
        "strategies",
        "self._is_cut = True",
        "pass",
        "test_enable_race.test_a_bound_of_two_misses_what_needs_three",
    ),
    _bug(
        "two runs are never compared",
        "strategies",
        "    if text:\n        raise Drift(text)",
        "    pass",
        "test_strategies.test_twice_compares_values_in_every_run",
    ),
    _bug(
        "values are not compared",
        "strategies",
        "text = _other_value(first, again)",
        "pass",
        "test_strategies.test_a_value_that_differs_is_enough",
    ),
    _bug(
        "a cut run is a proof",
        "runner",
        'if count.cut and strategy.claim == "proved":',
        "if False:",
        "test_run.test_a_run_that_goes_on_for_ever_is_cut",
    ),
    # --- shards
    _bug(
        "a campaign believes in runs without end",
        "shards",
        "cut, stopped = sum(part.cut for part in parts)",
        "cut, stopped = 0 * sum(part.cut for part in parts)",
        "test_shards.test_a_run_without_end_is_no_proof",
    ),
    _bug(
        "a campaign does not do its first run twice",
        "shards",
        "_do_it_twice(program, oracles)\n        todo",
        "todo",
        "test_shards.test_a_program_that_does_something_else_each_time_is_found_out",
    ),
    _bug(
        "shards have no failures",
        "shards",
        "failing += bool(run.findings) and run.is_complete",
        "failing += 0",
        "test_shards.test_parts_have_the_totals_of_the_whole",
    ),
    _bug(
        "the first bug is counted in its shard",
        "shards",
        "sum(part.runs for part in parts[: parts.index(failed)]) + failed",
        "failed",
        "test_shards.test_parts_have_the_totals_of_the_whole",
    ),
    _bug(
        "any result file will do",
        "shards",
        "if _object(first_line) != header:",
        "if False:",
        "test_shards.test_a_file_of_another_campaign_is_refused",
    ),
]
