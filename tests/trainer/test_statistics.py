"""What a run counts as it goes, and when it ends."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from policy_numerics import proven

from touchline.trainer.statistics import LagRecord, LagSummary, Returns
from touchline.trainer.stopping import StopConditions

results = st.lists(
    st.tuples(st.integers(0, 30), st.integers(0, 30), st.integers(0, 200), st.integers(0, 90)),
    min_size=1,
    max_size=60,
)


def record_of(rows):
    record = LagRecord()
    for lag, play, steps, gradient_steps in rows:
        record.add(lag=lag, play=play, steps=steps, gradient_steps=gradient_steps)
    return record


@given(results, st.sampled_from(["0.01", "0.5", "0.95", "1"]))
@proven(100)
def test_percentiles_are_the_smallest_lag_that_enough_do_not_exceed(rows, fraction):
    lags = sorted(lag for lag, *_ in rows)
    needed = math.ceil(Fraction(fraction) * len(lags))
    assert record_of(rows).percentile(float(fraction)) == lags[needed - 1]


@given(results)
@proven(100)
def test_a_summary_is_numpys_over_all_results(rows):
    lag, play, steps, gradient_steps = np.array(rows).T
    found = record_of(rows).summary()
    assert (found.p50, found.p95, found.max) == (
        np.percentile(lag, 50, method="inverted_cdf"),
        np.percentile(lag, 95, method="inverted_cdf"),
        lag.max(),
    )
    assert found.mean == pytest.approx(lag.mean())
    assert found.mean_per_step == pytest.approx((lag * steps).sum() / max(steps.sum(), 1))
    assert found.play == pytest.approx(play.mean())
    assert found.play + found.queue == pytest.approx(found.mean)
    assert found.gradient_steps == pytest.approx(gradient_steps.mean())


def test_before_the_first_result_nothing_is_known():
    assert LagRecord().summary() == LagSummary(*[None] * 8)


def test_a_summary_may_be_taken_while_results_come_in():
    """The view reads it from another thread, which may be let in between any two lags."""
    record, beyond = LagRecord(), itertools.count(100)

    def learner():
        record.add(lag=next(beyond), play=0, steps=1, gradient_steps=0)

    class Interrupted(int):
        """A lag at whose every use the learner counts another that it had not seen before."""

        def __mul__(self, other):
            learner()
            return int(self) * other

        def __lt__(self, other):
            learner()
            return int(self) < other

        def __gt__(self, other):
            learner()
            return int(self) > other

        __hash__ = int.__hash__

    for lag in (3, 1, 2):
        record.add(lag=lag, play=0, steps=1, gradient_steps=0)
    record.counts = Counter({Interrupted(lag): count for lag, count in record.counts.items()})
    found = record.summary()
    assert (found.p50, found.max) == (2, 3)
    assert len(record.counts) > 3


@given(st.lists(st.floats(-1e3, 1e3), max_size=40), st.integers(1, 8))
@proven(100)
def test_returns_are_the_mean_of_the_last(values, over):
    returns, means = Returns(over), []
    for i, value in enumerate(values):
        returns.add([value])
        means.append(np.mean(values[max(0, i + 1 - over) : i + 1]))
    assert returns.episodes == len(values)
    assert returns.full == (len(values) >= over)
    assert returns.mean == (pytest.approx(means[-1], abs=1e-9) if values else None)
    full = means[over - 1 :]
    assert returns.best == (pytest.approx(max(full), abs=1e-9) if full else None)


@given(st.lists(st.floats(-10, 10), max_size=20), st.integers(0, 20))
@proven()
def test_it_does_not_matter_how_episodes_are_bundled(values, cut):
    one, two = Returns(4), Returns(4)
    one.add(values)
    two.add(values[:cut])
    two.add(values[cut:])
    assert (one.mean, one.best, one.episodes) == (two.mean, two.best, two.episodes)


def returns_of(*values, over=3):
    returns = Returns(over)
    returns.add(values)
    return returns


def met(conditions, *, returns=None, steps=0, seconds=0.0):
    return conditions.met(returns=returns or returns_of(), steps=steps, seconds=seconds)


def test_solved_needs_as_many_episodes_as_the_mean_is_over():
    conditions = StopConditions(mean_return=10, steps=None, minutes=None)
    assert met(conditions) is None
    assert met(conditions, returns=returns_of(99, 99)) is None
    assert met(conditions, returns=returns_of(10, 10, 9)) is None
    ending = met(conditions, returns=returns_of(9, 10, 11))
    assert ending is not None
    assert (ending.solved, ending.reason) == (True, "solved: mean return 10.0 reached 10")


def test_a_mean_is_not_rounded_past_what_it_says():
    conditions = StopConditions(mean_return=0.95, steps=None, minutes=None)
    ending = met(conditions, returns=returns_of(0.97, 0.97, 0.97))
    assert ending.reason == "solved: mean return 0.97 reached 0.95"
    small = StopConditions(mean_return=0.01, steps=None, minutes=None)
    assert "0.0123 reached 0.01" in met(small, returns=returns_of(0.0123, 0.0123, 0.0123)).reason


@pytest.mark.parametrize(
    ("conditions", "now", "reason"),
    [
        (StopConditions(None, 1000, None), {"steps": 999}, None),
        (StopConditions(None, 1000, None), {"steps": 1000}, "steps: 1,000 of 1,000"),
        (StopConditions(None, None, 2.0), {"seconds": 119.9}, None),
        (StopConditions(None, None, 2.0), {"seconds": 120.0}, "minutes: 2.0 of 2"),
        (StopConditions(None, None, None), {"steps": 10**9, "seconds": 1e9}, None),
    ],
)
def test_a_budget_ends_the_run_unsolved(conditions, now, reason):
    ending = met(conditions, returns=returns_of(1e9, 1e9, 1e9), **now)
    assert (None if ending is None else ending.reason) == reason
    assert ending is None or not ending.solved


def test_solved_goes_before_a_budget_that_ends_at_once():
    conditions = StopConditions(mean_return=1, steps=10, minutes=1)
    assert met(conditions, returns=returns_of(1, 1, 1), steps=10, seconds=60).solved
    assert not met(conditions, returns=returns_of(0, 0, 0), steps=10, seconds=60).solved
