"""Fisher products against the explicit expectation of score times score, and what has none here."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from policy_numerics import central_differences
from policy_trajectories import PIXELS, policy_of, snapshot_of, trajectory_of

from touchline.policy.policy import Policy
from touchline.policy.spaces import Box, Discrete, MultiDiscrete, SpaceError
from touchline.targets.fisher import check_natural, fisher_product, head_metric, heads_along
from touchline.targets.played import PlayedRows, policy_gradient

FORMS = {
    "tanh": {},
    "relu": {"activation": "relu"},
    "elu": {"activation": "elu"},
    "without biases": {"bias": False},
    "linear": {"hidden": ()},
    "one layer": {"hidden": (6,)},
    "shared with a value": {"value": True, "shared": True},
    "beside a value": {"value": True},
}
every_form = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
both_actions = pytest.mark.parametrize("action", ["categorical", "gaussian"])
ROW = Box((3,), "float32", (-1.0,) * 3, (1.0,) * 3)


def example(action, form, seed=0):
    rng = np.random.default_rng(seed)
    policy = policy_of(action, **{"value": False, **form})
    snapshot = snapshot_of(policy, rng)
    played = trajectory_of(policy, snapshot, rng, steps=4, lanes=3)
    return policy, snapshot.weights.flat, PlayedRows.of(policy, snapshot, played)


def choices(policy, row):
    """(probability, action) of every action of a row."""
    p = np.exp(row.head[0])
    return zip(p / p.sum(), np.arange(3)[:, None], strict=True)


def nodes(policy, row):
    """(weight, action) of Gauss and Hermite's quadrature: exact for the scores' products, which are quartic."""
    z, weights = np.polynomial.hermite_e.hermegauss(3)
    mean, log_std = np.split(row.head[0], 2)
    for i, j in itertools.product(range(3), repeat=2):
        yield weights[i] * weights[j] / (2 * np.pi), (mean + np.exp(log_std) * z[[i, j]])[None]


EXPECTATIONS = {"categorical": choices, "gaussian": nodes}


def explicit_fisher(action, policy, w, rows):
    """Σ over rows of E[grad log pi grad log piᵀ], one action at a time, one backward pass each."""
    matrix, one = np.zeros((len(w), len(w))), np.ones(1)
    for i in range(len(rows)):
        row = rows.part(slice(i, i + 1))
        for weight, taken in EXPECTATIONS[action](policy, row):
            score = policy_gradient(policy, w, replace(row, actions=taken), one)
            matrix += weight * np.outer(score, score)
    return matrix


@both_actions
@every_form
def test_the_product_is_the_expectation_of_score_times_score(action, form):
    policy, w, rows = example(action, form)
    matrix = explicit_fisher(action, policy, w, rows)
    for v in np.random.default_rng(1).standard_normal((3, len(w))):
        found = fisher_product(policy, w, rows, v)
        np.testing.assert_allclose(found, matrix @ v, rtol=1e-12, atol=1e-12 * np.abs(matrix @ v).max())


@both_actions
def test_products_of_parts_add_up_to_that_of_the_whole(action):
    policy, w, rows = example(action, {})
    v = np.random.default_rng(1).standard_normal(len(w))
    parts = [fisher_product(policy, w, rows.part(slice(start, start + 5)), v) for start in (0, 5, 10)]
    np.testing.assert_allclose(sum(parts), fisher_product(policy, w, rows, v), rtol=1e-12, atol=1e-14)


@both_actions
@every_form
def test_heads_move_as_finite_differences_say(action, form):
    policy, w, rows = example(action, form)
    v = np.random.default_rng(1).standard_normal(len(w))
    bind = policy.network.bind

    def head(t):
        return policy.network.policy_forward(bind(w + t * v), rows.x)[1]

    expected = (head(1e-6) - head(-1e-6)) / 2e-6
    np.testing.assert_allclose(heads_along(policy, bind(w), bind(v), rows), expected, atol=1e-7)


@both_actions
def test_the_metric_is_the_second_derivative_of_the_divergence(action):
    policy, _, rows = example(action, {})
    distribution, head = policy.distribution, rows.head[:1]
    size = head.shape[1]
    metric = np.stack([head_metric(distribution, head, u[None])[0] for u in np.eye(size)])

    def slope(q):
        return central_differences(lambda at: float(distribution.kl(head, at[None])[0]), q)

    step = 1e-4
    rows_of = [(slope(head[0] + step * u) - slope(head[0] - step * u)) / (2 * step) for u in np.eye(size)]
    np.testing.assert_allclose(metric, rows_of, atol=1e-5)


@both_actions
def test_the_matrix_is_symmetric_and_nowhere_negative(action):
    policy, w, rows = example(action, {"hidden": (4,)})
    matrix = np.stack([fisher_product(policy, w, rows, v) for v in np.eye(len(w))])
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-13)
    assert np.linalg.eigvalsh(matrix).min() > -1e-12


def test_hidden_states_are_read_and_not_made_anew():
    """As they were kept, even where they are no longer what the weights would give."""
    policy, w, rows = example("categorical", {})
    v = np.ones(len(w))
    other = replace(rows, hidden=tuple(0.5 * layer for layer in rows.hidden))
    assert not np.allclose(fisher_product(policy, w, rows, v), fisher_product(policy, w, other, v))
    elsewhere = replace(rows, head=rows.head[::-1])
    assert not np.allclose(fisher_product(policy, w, rows, v), fisher_product(policy, w, elsewhere, v))


def build(space=ROW, actions=None, **form):
    return Policy.build(observation_space=space, action_space=actions or Discrete(2), **form)


CONTINUOUS = Box((2,), "float32", (-1.0,) * 2, (1.0,) * 2)


@pytest.mark.parametrize("policy", [build(), build(actions=CONTINUOUS), build(hidden=(), value=False)])
def test_dense_policies_of_one_choice_or_continuous_actions_are_served(policy):
    check_natural(policy)


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        (build(recurrent="gru", shared=True), r"policy\.recurrent: expected none"),
        (build(layer_norm=True), r"policy\.layer_norm: expected plain dense layers .* found True"),
        (build(PIXELS, sparse=True), r"policy\.sparse: expected plain dense layers"),
        (build(normalize=True), r"env\.normalize: expected false"),
        (build(actions=MultiDiscrete((3, 2))), "found MultiDiscrete as MultiCategorical"),
        (build(actions=CONTINUOUS, std="state"), "a Box with policy.std independent"),
        (build(binary="sigmoid"), "found Discrete as Sigmoid"),
    ],
)
def test_what_is_not_served_is_refused_by_name(policy, said):
    with pytest.raises(SpaceError, match=said):
        check_natural(policy)


def test_convolutions_are_refused():
    image = Box((16, 16), "uint8", (0.0,) * 256, (255.0,) * 256)
    policy = build(image, convolutions=((4, 3, 2, 0),))
    with pytest.raises(SpaceError, match=r"policy\.convolutions: expected plain dense layers"):
        check_natural(policy)
