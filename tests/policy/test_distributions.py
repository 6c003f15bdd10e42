"""Every distribution: densities, gradients by finite differences, entropies, divergences and what is drawn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from policy_numerics import (
    assert_gradient,
    distributions,
    every_action,
    proven,
    random_actions,
    random_head,
)

from touchline.policy.distributions import (
    Bernoulli,
    Categorical,
    DiagonalGaussian,
    Joint,
    MultiCategorical,
    distribution_of,
    log_softmax,
)
from touchline.policy.form import Form
from touchline.policy.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, SpaceError, Tuple

ALL = distributions()
REAL = ("gaussian", "state", "mixed")
DISCRETE = {name: one for name, one in ALL.items() if name not in REAL}
each = pytest.mark.parametrize("name", ALL)
each_discrete = pytest.mark.parametrize("name", DISCRETE)
GRID = np.linspace(-30, 30, 6001)  # the trapezoid rule on a normal converges faster than any power


def rows(name, seed=0, count=6):
    rng = np.random.default_rng(seed)
    head = random_head(ALL[name], rng, count)
    return ALL[name], head, random_actions(ALL[name], rng, head)


def repeated(head, actions):
    return np.repeat(head, len(actions), axis=0)


@given(npst.arrays(np.float64, (3, 4), elements=st.floats(-700, 700)), st.floats(-1e3, 1e3))
@proven()
def test_log_softmax_normalises_and_ignores_a_shift(logits, shift):
    logs = log_softmax(logits)
    np.testing.assert_allclose(np.exp(logs).sum(axis=-1), 1, rtol=1e-12)
    np.testing.assert_allclose(log_softmax(logits + shift), logs, atol=1e-9)


def test_log_softmax_does_not_overflow():
    logs = log_softmax(np.array([[1e4, 0.0], [-1e4, -1e4]], np.float32))
    np.testing.assert_allclose(logs, [[0, -1e4], [-math.log(2)] * 2], rtol=1e-6)


@each_discrete
def test_probabilities_of_all_actions_sum_to_one(name):
    distribution, head, _ = rows(name)
    actions = every_action(distribution)
    for row in head:
        probabilities = np.exp(distribution.log_prob(repeated(row[None], actions), actions))
        assert probabilities.sum() == pytest.approx(1, abs=1e-12)


def test_a_categorical_is_a_softmax_by_hand():
    head = np.log(np.array([[1.0, 2.0, 5.0]]))
    np.testing.assert_allclose(np.exp(Categorical(3).log_prob(head, np.array([2]))), [5 / 8], rtol=1e-14)


def test_a_multi_categorical_is_the_product_of_its_factors():
    distribution, head, actions = rows("multi")
    parts = [head[:, 0:3], head[:, 3:5], head[:, 5:9]]
    logs = [log_softmax(part)[np.arange(6), actions[:, i]] for i, part in enumerate(parts)]
    np.testing.assert_allclose(distribution.log_prob(head, actions), sum(logs), rtol=1e-14)


def test_a_gaussian_is_the_textbooks_density():
    distribution, head, actions = rows("gaussian")
    for row, action, found in zip(head, actions, distribution.log_prob(head, actions), strict=True):
        density = 1.0
        for mean, log_std, x in zip(row[:2], row[2:], action, strict=True):
            std = math.exp(log_std)
            density *= math.exp(-(((x - mean) / std) ** 2) / 2) / (std * math.sqrt(2 * math.pi))
        assert found == pytest.approx(math.log(density), rel=1e-12)


@each
def test_the_gradient_of_log_prob(name):
    distribution, head, actions = rows(name)
    assert_gradient(
        distribution.log_prob_gradient(head, actions),
        lambda moved: float(distribution.log_prob(moved, actions).sum()),
        head,
    )


@each
def test_the_gradient_of_entropy(name):
    distribution, head, _ = rows(name)
    assert_gradient(
        distribution.entropy_gradient(head), lambda moved: float(distribution.entropy(moved).sum()), head
    )


@each_discrete
def test_the_score_has_mean_zero(name):
    distribution, head, _ = rows(name)
    actions = every_action(distribution)
    for row in head:
        heads = repeated(row[None], actions)
        p = np.exp(distribution.log_prob(heads, actions))
        mean = p @ distribution.log_prob_gradient(heads, actions)
        np.testing.assert_allclose(mean, 0, atol=1e-14)


@each_discrete
def test_entropy_and_divergence_are_their_expectations(name):
    distribution, head, _ = rows(name)
    other = random_head(distribution, np.random.default_rng(9), len(head))
    actions = every_action(distribution)
    for i, (row, against) in enumerate(zip(head, other, strict=True)):
        log_p = distribution.log_prob(repeated(row[None], actions), actions)
        log_q = distribution.log_prob(repeated(against[None], actions), actions)
        entropy, divergence = -np.exp(log_p) @ log_p, np.exp(log_p) @ (log_p - log_q)
        assert distribution.entropy(head)[i] == pytest.approx(entropy, abs=1e-12)
        assert distribution.kl(head, other)[i] == pytest.approx(divergence, abs=1e-12)


def test_a_gaussians_entropy_and_divergence_are_their_integrals():
    distribution = DiagonalGaussian(1)
    p, q = np.array([[0.3, -0.4]]), np.array([[-0.5, 0.2]])
    actions = GRID[:, None]
    log_p, log_q = (distribution.log_prob(repeated(head, actions), actions) for head in (p, q))
    density = np.exp(log_p)
    assert distribution.entropy(p)[0] == pytest.approx(-np.trapezoid(density * log_p, GRID), abs=1e-10)
    assert distribution.kl(p, q)[0] == pytest.approx(np.trapezoid(density * (log_p - log_q), GRID), abs=1e-10)


def test_a_gaussians_parts_are_independent():
    distribution, head, _ = rows("gaussian")
    other = random_head(distribution, np.random.default_rng(9), len(head))
    one = DiagonalGaussian(1)
    columns = [[0, 2], [1, 3]]
    np.testing.assert_allclose(distribution.entropy(head), sum(one.entropy(head[:, c]) for c in columns))
    np.testing.assert_allclose(
        distribution.kl(head, other), sum(one.kl(head[:, c], other[:, c]) for c in columns)
    )


@each
def test_a_divergence_is_zero_of_itself_alone(name):
    distribution, head, _ = rows(name)
    other = random_head(distribution, np.random.default_rng(9), len(head))
    np.testing.assert_allclose(distribution.kl(head, head), 0, atol=1e-14)
    assert (distribution.kl(head, other) > 1e-3).all()


@each_discrete
def test_actions_come_as_often_as_their_probabilities_say(name):
    """Pearson's chi-squared over all actions: its mean is df, its standard deviation sqrt(2 df)."""
    distribution, head, _ = rows(name)
    n, actions = 40_000, every_action(distribution)
    heads = np.repeat(head[:1].astype(np.float32), n, axis=0)
    drawn = distribution.sample(heads, distribution.draw_noise(np.random.default_rng(1), (n,)))
    expected = n * np.exp(distribution.log_prob(repeated(head[:1], actions), actions))
    found = [(drawn == a).reshape(n, -1).all(axis=1).sum() for a in actions]
    degrees = len(actions) - 1
    assert (np.square(found - expected) / expected).sum() < degrees + 5 * math.sqrt(2 * degrees)


def test_a_gaussian_draws_its_mean_and_deviation():
    distribution, head = DiagonalGaussian(2), np.array([[0.5, -2.0, 0.3, -1.0]], np.float32)
    n = 40_000
    drawn = distribution.sample(
        np.repeat(head, n, axis=0), distribution.draw_noise(np.random.default_rng(2), (n,))
    )
    std = np.exp(head[0, 2:])
    assert (np.abs(drawn.mean(axis=0) - head[0, :2]) < 5 * std / math.sqrt(n)).all()
    assert (np.abs(drawn.std(axis=0) / std - 1) < 5 / math.sqrt(2 * n)).all()
    assert abs(np.corrcoef(drawn.T)[0, 1]) < 5 / math.sqrt(n)


@each
def test_the_mode_is_the_likeliest(name):
    distribution, head, _ = rows(name)
    mode = distribution.mode(head)
    best = distribution.log_prob(head, mode)
    rng = np.random.default_rng(3)
    for _ in range(50):
        assert (distribution.log_prob(head, random_actions(distribution, rng, head)) <= best + 1e-12).all()


@each
def test_noise_is_float32_of_the_asked_shape_and_is_all_that_a_draw_depends_on(name):
    distribution, head, _ = rows(name)
    noise = distribution.draw_noise(np.random.default_rng(4), (5, len(head)))
    assert noise.dtype == np.float32
    assert noise.shape == (5, len(head), distribution.noise_size)
    assert np.isfinite(noise).all()
    np.testing.assert_array_equal(distribution.sample(head, noise[0]), distribution.sample(head, noise[0]))
    assert (distribution.sample(head, noise[0]) != distribution.sample(head, noise[1])).any()


class NoTime:
    """A generator whose exponential is exactly zero, as one draw in 2^24 may be."""

    def standard_exponential(self, shape, dtype):
        return np.zeros(shape, dtype)


def test_an_exponential_of_zero_makes_no_infinity():
    assert np.isfinite(Categorical(2).draw_noise(NoTime(), (3,))).all()


@each
def test_nothing_changes_its_arguments_and_float32_stays(name):
    distribution, head, actions = rows(name)
    head = head.astype(np.float32)
    actions = actions.astype(np.float32) if name in REAL else actions
    kept = head.copy(), actions.copy()
    for result in (
        distribution.log_prob(head, actions),
        distribution.log_prob_gradient(head, actions),
        distribution.entropy(head),
        distribution.entropy_gradient(head),
        distribution.kl(head, head[::-1]),
    ):
        assert result.dtype == np.float32
    mode = distribution.mode(head)
    mode[...] = 0
    np.testing.assert_array_equal(head, kept[0])
    np.testing.assert_array_equal(actions, kept[1])


def test_each_space_has_its_distribution():
    box = Box((2, 3), "float32", (-1.0,) * 6, (1.0,) * 6)
    assert isinstance(distribution_of(Discrete(3)), Categorical)
    assert isinstance(distribution_of(MultiDiscrete((2, 3))), MultiCategorical)
    assert isinstance(distribution_of(box), DiagonalGaussian)
    assert isinstance(distribution_of(MultiBinary((2, 2))), Bernoulli)
    assert isinstance(distribution_of(Tuple((Discrete(3),))), Joint)
    whole = (Discrete(3), MultiDiscrete((2, 3)), box, MultiBinary((2, 2)))
    assert [distribution_of(space).parameters for space in whole] == [3, 5, 12, 4]
    assert distribution_of(Dict(tuple("abcd"), (*whole[:3], Tuple(whole[3:])))).parameters == 24


UNIT = Box((1, 2), "float32", (-1.0, -1.0), (1.0, 1.0))
GREATEST = float(np.finfo(np.float32).max)
HALF = Box((1, 2), "float32", (-1.0, 0.0), (1.0, np.inf))
PAIR = Dict(("move", "fire"), (UNIT, Discrete(2)))


@pytest.mark.parametrize(
    ("space", "form", "sizes"),
    [
        (Discrete(2), {"binary": "sigmoid"}, (1, 1, 0)),
        (Discrete(2), {}, (2, 2, 0)),
        (UNIT, {}, (2, 4, 2)),
        (UNIT, {"std": "state"}, (4, 4, 0)),
        (UNIT, {"squash": True, "noise_correlation": 0.5}, (2, 4, 2)),
        (PAIR, {}, (4, 6, 2)),
        (PAIR, {"std": "state", "binary": "sigmoid"}, (5, 5, 0)),
        (Tuple((PAIR, Discrete(3))), {"binary": "sigmoid"}, (6, 8, 2)),
    ],
)
def test_the_form_decides_outputs_parameters_and_what_is_free(space, form, sizes):
    distribution = distribution_of(space, Form(**form))
    assert (distribution.outputs, distribution.parameters, distribution.log_std_size) == sizes
    assert distribution.plain == (sizes[2] == 0)


@pytest.mark.parametrize(
    ("space", "form", "says"),
    [
        (Box((1,), "uint8", (0.0,), (9.0,)), {}, "action space: expected a Box of floats, found dtype uint8"),
        (
            Dict(("a",), (Tuple((Discrete(2), Box((1,), "int64", (0.0,), (9.0,)))),)),
            {},
            r"action space\['a'\]\[1\]: expected a Box of floats",
        ),
        (Discrete(3), {"binary": "sigmoid"}, r"binary: sigmoid is for Discrete\(2\), found Discrete"),
        (UNIT, {"binary": "sigmoid"}, "binary: sigmoid is for"),
        (
            Discrete(2),
            {"noise_correlation": 0.5},
            "noise_correlation: 0.5 is for a Box of actions, found Discrete",
        ),
        (MultiBinary((2,)), {"squash": True}, "squash: True is for a Box"),
        (Discrete(2), {"std": "state"}, "std: state is for a Box"),
        (HALF, {"squash": True}, r"expected finite bounds, found 0.0 to inf in element \[0, 1\]"),
        (
            Box((2,), "float32", (-1.0, -GREATEST), (1.0, GREATEST)),
            {"squash": True},
            r"bounds whose sum and difference are finite in float32, found -3.4028234663852886e\+38 to .* in "
            r"element \[1\]",
        ),
        (
            Box((1,), "float32", (GREATEST,), (GREATEST,)),
            {"squash": True},
            "bounds whose sum and difference are finite in float32",
        ),
        (Dict(("arm",), (HALF,)), {"squash": True}, r"action space\['arm'\]: policy.squash"),
        (UNIT, {"std": "state", "log_std": 2.0}, "log_std: expected a number between -20.0 and 2.0"),
    ],
)
def test_what_has_no_distribution_says_what_has(space, form, says):
    with pytest.raises(SpaceError, match=says):
        distribution_of(space, Form(**form))
