"""Products over the parts of an action space; every head on a network, back to its parameters."""

from __future__ import annotations

import numpy as np
import pytest
from policy_numerics import assert_gradient, distributions, random_actions

from touchline.policy.distributions import Bernoulli, Categorical, DiagonalGaussian, Joint, distribution_of
from touchline.policy.form import Form
from touchline.policy.joint import Factor
from touchline.policy.network import Network
from touchline.policy.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Tuple
from touchline.policy.torso import DenseTorso

ALL = distributions()
MIXED = Joint(
    [
        Factor(DiagonalGaussian(2), 2, choice=False),
        Factor(Categorical(3), None, choice=True),
        Factor(Bernoulli(2), 2, choice=True),
        Factor(DiagonalGaussian(1), 1, choice=False),
    ]
)
HEADS = [slice(0, 4), slice(4, 7), slice(7, 9), slice(9, 11)]
ACTIONS = [slice(0, 2), slice(2, 3), slice(3, 5), slice(5, 6)]


def rows(count=6, seed=0):
    rng = np.random.default_rng(seed)
    p, q = rng.standard_normal((2, count, MIXED.parameters))
    return p, q, random_actions(MIXED, rng, p)


def own(i, actions):
    """The actions of part i as its own distribution has them."""
    part = actions[:, ACTIONS[i]]
    return [part, part[:, 0].astype(int), part.astype(int), part][i]


def test_shares_lie_side_by_side():
    assert [(part.head, part.actions) for part in MIXED.parts] == list(zip(HEADS, ACTIONS, strict=True))
    assert (MIXED.outputs, MIXED.parameters, MIXED.log_std_size, MIXED.columns) == (8, 11, 3, 6)
    assert not MIXED.plain


def test_a_product_is_the_sum_of_its_parts():
    p, q, actions = rows()
    parts = [(part.of, HEADS[i], own(i, actions)) for i, part in enumerate(MIXED.parts)]
    np.testing.assert_allclose(MIXED.log_prob(p, actions), sum(d.log_prob(p[:, h], a) for d, h, a in parts))
    np.testing.assert_allclose(MIXED.entropy(p), sum(d.entropy(p[:, h]) for d, h, _ in parts))
    np.testing.assert_allclose(MIXED.kl(p, q), sum(d.kl(p[:, h], q[:, h]) for d, h, _ in parts))
    np.testing.assert_array_equal(
        MIXED.log_prob_gradient(p, actions),
        np.concatenate([d.log_prob_gradient(p[:, h], a) for d, h, a in parts], axis=1),
    )


def test_free_deviations_go_to_their_own_part_and_back():
    rng = np.random.default_rng(5)
    outputs, free, d_head = (rng.standard_normal(shape) for shape in ((4, 8), 3, (4, 11)))
    head = MIXED.head(outputs, free)
    np.testing.assert_array_equal(head[:, [2, 3, 10]], np.tile(free, (4, 1)))
    np.testing.assert_array_equal(head[:, [0, 1, 4, 5, 6, 7, 8, 9]], outputs)
    d_outputs, d_free = MIXED.head_backward(d_head)
    np.testing.assert_array_equal(d_outputs, d_head[:, [0, 1, 4, 5, 6, 7, 8, 9]])
    np.testing.assert_allclose(d_free, d_head[:, [2, 3, 10]].sum(axis=0))


def test_draws_are_those_of_the_parts():
    p, _, _ = rows()
    noise = MIXED.draw_noise(np.random.default_rng(1), (6,))
    drawn = MIXED.sample(p.astype(np.float32), noise)
    assert drawn.dtype == np.float32
    for i, part in enumerate(MIXED.parts):
        expected = part.of.sample(p[:, HEADS[i]].astype(np.float32), noise[:, part.noise])
        np.testing.assert_array_equal(own(i, drawn), expected)


def test_choices_alone_are_integers():
    joint = Joint([Factor(Categorical(3), None, choice=True), Factor(Bernoulli(2), 2, choice=True)])
    head = np.zeros((4, 5), np.float32)
    for drawn in (joint.mode(head), joint.sample(head, joint.draw_noise(np.random.default_rng(0), (4,)))):
        assert (drawn.dtype, drawn.shape) == (np.int64, (4, 3))


def test_an_independent_order_of_parts_changes_nothing_but_the_order():
    """Parts of a Dict in another order: the same numbers in other columns."""
    box, two = Box((1,), "float32", (-1.0,), (1.0,)), Discrete(2)
    one, other = distribution_of(Dict(("a", "b"), (box, two))), distribution_of(Dict(("b", "a"), (two, box)))
    rng = np.random.default_rng(2)
    head = rng.standard_normal((5, 4))
    actions = random_actions(one, rng, head)
    swapped = np.concatenate([head[:, 2:], head[:, :2]], axis=1)
    np.testing.assert_allclose(one.log_prob(head, actions), other.log_prob(swapped, actions[:, ::-1]))
    np.testing.assert_allclose(one.entropy(head), other.entropy(swapped))


def test_parts_of_parts_are_parts():
    inner = Tuple((MultiBinary((2,)), MultiDiscrete((2, 3))))
    flat = distribution_of(Tuple((Discrete(3), *inner.spaces)), Form())
    nested = distribution_of(Dict(("x", "y"), (Discrete(3), inner)))
    rng = np.random.default_rng(3)
    head = rng.standard_normal((5, flat.parameters))
    actions = random_actions(flat, rng, head)
    np.testing.assert_array_equal(flat.log_prob(head, actions), nested.log_prob(head, actions))


@pytest.mark.parametrize("name", ALL)
def test_the_gradient_reaches_every_parameter_of_a_network(name):
    """From log probabilities and entropy through the head to the weights and the free deviations."""
    distribution, rng = ALL[name], np.random.default_rng(4)
    network = Network.build(
        torso=DenseTorso(features=3, hidden=(4,), activation="tanh"), head_form=distribution, shared=False
    )
    flat = 0.5 * rng.standard_normal(network.layout.size)
    x = rng.standard_normal((5, 3))
    hidden, head = network.policy_forward(network.bind(flat), x)
    value_hidden, _ = network.value_forward(network.bind(flat), x)
    actions = random_actions(distribution, rng, head)

    def objective(moved):
        head = network.policy_forward(network.bind(moved), x)[1]
        return float((distribution.log_prob(head, actions) + 0.3 * distribution.entropy(head)).sum())

    gradient = network.bind(np.zeros_like(flat))
    network.backward(
        network.bind(flat),
        x,
        [*hidden, *value_hidden],
        d_head=distribution.log_prob_gradient(head, actions) + 0.3 * distribution.entropy_gradient(head),
        d_values=np.zeros(5),
        gradient=gradient,
    )
    assert_gradient(gradient.flat, objective, flat)
