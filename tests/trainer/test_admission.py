"""Whether a result may enter a batch, and how many Players may play."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from policy_numerics import proven

from touchline.configs import load
from touchline.trainer.admission import Admitted, Stale, admit, players_admitted

RULES = ("downweight", "hold", "drop")
lags = st.integers(0, 200)


def verdict(lag, *, max_lag=4, on_excess="hold", kept=64, live=1000):
    return admit(
        version=live - lag, live=live, max_lag=max_lag, on_excess=on_excess, oldest_kept=live - kept + 1
    )


@pytest.mark.parametrize(
    ("on_excess", "lag", "expected"),
    [
        ("downweight", 0, Admitted(0, 1.0)),
        ("downweight", 4, Admitted(4, 1.0)),
        ("downweight", 5, Admitted(5, 4 / 5)),
        ("downweight", 16, Admitted(16, 0.25)),
        ("hold", 4, Admitted(4, 1.0)),
        ("hold", 9, Admitted(9, 1.0)),
        ("drop", 4, Admitted(4, 1.0)),
        ("drop", 5, Stale(5)),
    ],
)
def test_the_rule(on_excess, lag, expected):
    assert verdict(lag, on_excess=on_excess) == expected


@pytest.mark.parametrize("on_excess", RULES)
def test_older_than_the_ring_nothing_can_be_differentiated(on_excess):
    assert verdict(63, on_excess=on_excess, max_lag=100) == Admitted(63, 1.0)
    assert verdict(64, on_excess=on_excess, max_lag=100) == Stale(64)


@pytest.mark.parametrize("on_excess", RULES)
def test_a_version_never_published_is_an_error(on_excess):
    with pytest.raises(ValueError, match="version: expected at most 1000, the live one, found 1001"):
        verdict(-1, on_excess=on_excess)


@given(lags, st.integers(0, 50), st.sampled_from(RULES))
@proven(200)
def test_within_the_bound_rows_count_whole_and_past_it_never_more(lag, max_lag, on_excess):
    found = verdict(lag, max_lag=max_lag, on_excess=on_excess, kept=10_000)
    assert found.lag == lag
    if lag <= max_lag:
        assert found == Admitted(lag, 1.0)
    elif on_excess == "drop":
        assert isinstance(found, Stale)
    else:
        assert 0 < found.weight <= 1  # never 0, which would be a drop that the ledger calls trained


@given(lags, lags, st.integers(0, 50))
@proven()
def test_the_older_the_lighter(lag, other, max_lag):
    assume(lag <= other)
    one, two = (verdict(age, max_lag=max_lag, on_excess="downweight", kept=10_000) for age in (lag, other))
    assert one.weight >= two.weight


def config_of(**values):
    flags = [
        ("env.id", "CartPole-v1"),
        *((key.replace("__", "."), str(value)) for key, value in values.items()),
    ]
    return load(None, flags).config


UNROLL = {"players__lanes": 16, "players__unroll_length": 128}


@pytest.mark.parametrize(
    ("batch_steps", "max_lag", "ahead", "expected"),
    [
        (2048, 8, 0, 9),  # R = 1
        (8192, 2, 0, 9),  # R = 4
        (2049, 8, 0, 17),  # two results are needed for one step more
        (64, 8, 0, 9),  # a result is more than a batch
        (8192, 0, 0, 1),
        (8192, 2, 1, 4),  # two outstanding each: (2 · 4 − 1)/4 <= 2, (2 · 5 − 1)/4 is not
        (2048, 0, 1, 1),
    ],
)
def test_the_law_of_lag_says_how_many(batch_steps, max_lag, ahead, expected):
    config = config_of(
        **UNROLL, trainer__batch_steps=batch_steps, staleness__max_lag=max_lag, staleness__ahead=ahead
    )
    assert players_admitted(config) == expected


@given(st.integers(1, 40), st.integers(0, 12), st.integers(0, 1))
@proven(30)
def test_the_mean_lag_of_as_many_is_within_the_bound_and_of_one_more_is_not(results, max_lag, ahead):
    config = config_of(
        **UNROLL, trainer__batch_steps=2048 * results, staleness__max_lag=max_lag, staleness__ahead=ahead
    )
    n, each = players_admitted(config), 1 + ahead
    assert n == 1 or (each * n - 1) / results <= max_lag
    assert (each * (n + 1) - 1) / results > max_lag


def test_where_the_law_does_not_say():
    assert players_admitted(config_of(players__count=3)) == 3
    assert players_admitted(config_of(mode="sync")) is None
    assert players_admitted(config_of(players__unroll_length="episode")) is None
