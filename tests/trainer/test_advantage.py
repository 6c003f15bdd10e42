"""GAE, n-step and Monte-Carlo returns, and V-trace, against the papers' sums and by their properties."""

from __future__ import annotations

import numpy as np
import pytest
import trainer_references as reference
from hypothesis import given
from hypothesis import strategies as st
from policy_numerics import proven
from trainer_references import by_lane

from touchline.trainer.advantage import gae, monte_carlo, n_step, vtrace

discounts = st.sampled_from([0.0, 0.5, 0.97, 1.0])


@st.composite
def unrolls(draw):
    """float64 ``[T, B]`` each: rewards, values, next_values, log_rhos, and continues with random ends."""
    shape = draw(st.integers(1, 9)), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    rewards, values, next_values, log_rhos = rng.standard_normal((4, *shape))
    continues = (rng.random(shape) > draw(st.sampled_from([0.0, 0.3, 1.0]))).astype(np.float64)
    # Where an episode goes on, what is bootstrapped from is the next step's own value.
    next_values[:-1] = np.where(continues[:-1] > 0, values[1:], next_values[:-1])
    return {
        "rewards": rewards,
        "values": values,
        "next_values": next_values,
        "continues": continues,
        "log_rhos": log_rhos,
    }


def three(unroll):
    return unroll["rewards"], unroll["values"], unroll["next_values"]


def only(unroll, *names):
    return {name: unroll[name] for name in names}


def gae_of(unroll, gamma, lambda_):
    names = ("rewards", "values", "next_values", "continues")
    return gae(**only(unroll, *names), gamma=gamma, gae_lambda=lambda_)


def n_step_of(unroll, gamma, n):
    return n_step(**only(unroll, "rewards", "next_values", "continues"), gamma=gamma, n=n)


def monte_carlo_of(unroll, gamma):
    return monte_carlo(**only(unroll, "rewards", "next_values", "continues"), gamma=gamma)


def vtrace_of(unroll, gamma, **kwargs):
    returns = vtrace(**unroll, gamma=gamma, **kwargs)
    return np.stack([returns.vs, returns.pg_advantages])


def close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


@given(unrolls(), discounts, discounts)
@proven(100)
def test_gae_is_its_sum(unroll, gamma, lambda_):
    expected = by_lane(
        reference.gae, *three(unroll), continues=unroll["continues"], gamma=gamma, lambda_=lambda_
    )
    close(gae_of(unroll, gamma, lambda_), expected)


@given(unrolls(), discounts, st.integers(1, 12))
@proven(100)
def test_n_step_returns_are_their_sums(unroll, gamma, n):
    expected = by_lane(reference.n_step, *three(unroll), continues=unroll["continues"], gamma=gamma, n=n)
    close(n_step_of(unroll, gamma, n), expected)


@given(unrolls(), discounts)
@proven(100)
def test_monte_carlo_returns_are_their_sums(unroll, gamma):
    expected = by_lane(reference.monte_carlo, *three(unroll), continues=unroll["continues"], gamma=gamma)
    close(monte_carlo_of(unroll, gamma), expected)


@given(unrolls(), discounts, discounts, st.sampled_from([0.5, 1.0, 3.0]), st.sampled_from([0.5, 1.0, 2.0]))
@proven(150)
def test_vtrace_is_its_sum(unroll, gamma, lambda_, rho_bar, c_bar):
    found = vtrace_of(unroll, gamma, gae_lambda=lambda_, clip_rho_threshold=rho_bar, clip_c_threshold=c_bar)
    expected = by_lane(
        reference.vtrace,
        *three(unroll),
        np.exp(unroll["log_rhos"]),
        continues=unroll["continues"],
        gamma=gamma,
        lambda_=lambda_,
        rho_bar=rho_bar,
        c_bar=c_bar,
    )
    close(found, expected)


def test_returns_by_hand():
    """Pong's rallies: [0, 0, 1, 0, -1] at gamma .99, cut after each point."""
    column = np.array([[0.0, 0, 1, 0, -1]]).T
    continues = np.array([[1.0, 1, 0, 1, 0]]).T
    returns = monte_carlo(rewards=column, next_values=0 * column, continues=continues, gamma=0.99)
    close(returns[:, 0], [0.9801, 0.99, 1, -0.99, -1])


@given(unrolls(), discounts)
@proven()
def test_gae_between_its_ends(unroll, gamma):
    rewards, values, next_values = three(unroll)
    close(gae_of(unroll, gamma, 0.0), rewards + gamma * next_values - values)
    close(gae_of(unroll, gamma, 1.0), monte_carlo_of(unroll, gamma) - values)


@given(unrolls(), discounts)
@proven()
def test_n_step_between_its_ends(unroll, gamma):
    close(n_step_of(unroll, gamma, 1), unroll["rewards"] + gamma * unroll["next_values"])
    close(n_step_of(unroll, gamma, 50), monte_carlo_of(unroll, gamma))


@given(unrolls(), discounts)
@proven()
def test_vtrace_on_policy_is_the_n_step_return(unroll, gamma):
    unroll["log_rhos"][...] = 0
    vs, advantages = vtrace_of(unroll, gamma)
    close(vs, n_step_of(unroll, gamma, len(vs)))
    close(advantages, vs - unroll["values"])


@given(unrolls(), discounts, discounts)
@proven()
def test_vtrace_on_policy_with_lambda_is_gae(unroll, gamma, lambda_):
    unroll["log_rhos"][...] = 0
    close(vtrace_of(unroll, gamma, gae_lambda=lambda_)[0] - unroll["values"], gae_of(unroll, gamma, lambda_))


@given(unrolls(), discounts)
@proven()
def test_vtrace_where_the_target_never_acts_so_learns_nothing(unroll, gamma):
    unroll["log_rhos"][...] = -800
    vs, advantages = vtrace_of(unroll, gamma)
    np.testing.assert_allclose(vs, unroll["values"], atol=1e-6)  # the bound on the ratio leaves it exp(−20)
    np.testing.assert_allclose(advantages, 0, atol=1e-6)


def test_a_ratio_beyond_float32_is_bounded():
    unroll = {key: array.astype(np.float32) for key, array in unroll_of().items()}
    unroll["log_rhos"][2] = 200
    found = vtrace_of(unroll, 0.9, clip_rho_threshold=1e30, clip_c_threshold=1.0)
    unroll["log_rhos"][2] = 20
    np.testing.assert_array_equal(
        found, vtrace_of(unroll, 0.9, clip_rho_threshold=1e30, clip_c_threshold=1.0)
    )
    assert np.isfinite(found).all()


ESTIMATORS = {
    "gae": lambda u: gae_of(u, 0.9, 0.8),
    "n_step": lambda u: n_step_of(u, 0.9, 3),
    "monte_carlo": lambda u: monte_carlo_of(u, 0.9),
    "vtrace": lambda u: vtrace_of(u, 0.9),
}
each = pytest.mark.parametrize("name", ESTIMATORS)


def unroll_of(seed=0, steps=7, lanes=4):
    rng = np.random.default_rng(seed)
    unroll = {
        name: rng.standard_normal((steps, lanes)) for name in ("rewards", "values", "next_values", "log_rhos")
    }
    return unroll | {"continues": (rng.random((steps, lanes)) > 0.2).astype(np.float64)}


@each
def test_permuting_lanes_permutes_the_result(name):
    unroll, order = unroll_of(), [2, 0, 3, 1]
    permuted = {key: array[:, order] for key, array in unroll.items()}
    np.testing.assert_array_equal(ESTIMATORS[name](permuted), ESTIMATORS[name](unroll)[..., order])


@each
@pytest.mark.parametrize("cut", [0, 3, 5])
def test_an_end_cuts_the_past_from_the_future(name, cut):
    unroll = unroll_of()
    unroll["continues"][cut] = 0
    before = ESTIMATORS[name](unroll)
    for key in ("rewards", "values", "next_values", "log_rhos"):
        unroll[key][cut + 1 :] += 100
    after = ESTIMATORS[name](unroll)
    np.testing.assert_array_equal(after[..., : cut + 1, :], before[..., : cut + 1, :])
    assert (after[..., cut + 1 :, :] != before[..., cut + 1 :, :]).all()


@each
def test_the_past_never_reaches_the_future(name):
    unroll = unroll_of()
    before = ESTIMATORS[name](unroll)
    for key in ("rewards", "values", "next_values", "log_rhos"):
        unroll[key][:3] += 100
    np.testing.assert_array_equal(ESTIMATORS[name](unroll)[..., 3:, :], before[..., 3:, :])


@each
def test_the_result_is_of_its_arguments_dtype_and_leaves_them_alone(name):
    unroll = {key: array.astype(np.float32) for key, array in unroll_of().items()}
    kept = {key: array.copy() for key, array in unroll.items()}
    assert ESTIMATORS[name](unroll).dtype == np.float32
    for key, array in unroll.items():
        np.testing.assert_array_equal(array, kept[key])
