"""Gradients from stored hidden states, against the backward map written out one step and one layer at a time.

With G the gradient at the logits, activations h stored under v and upper weights U, per step:

    D_L = G;   dW_l = h_{l−1} D_lᵀ;   D_{l−1} = (U_l D_l) · phi'(h_{l−1})      for l = L..1, h_0 = x

``reuse`` has U = W_v, the exact gradient at v; ``live`` has U = W_u. The two agree in the top layer; one layer below
they differ by ((W_u − W_v) D) phi'(h), linear in the change of the weights above; further down it compounds.
"""

from __future__ import annotations

import numpy as np
import pytest
from policy_numerics import assert_gradient
from trainer_batches import loss_at, pieces_of, settings_of, two_versions, zeros

from touchline.trainer.estimates import estimate
from touchline.trainer.gradients import recomputed_gradient, stored_gradient
from touchline.trainer.samples import samples_of

HIDDEN = {1: (5,), 2: (5, 4), 3: (5, 4, 6)}
SLOPES = {
    "tanh": lambda h: 1 - h**2,
    "relu": lambda h: (h > 0).astype(float),
    "elu": lambda h: np.where(h > 0, 1, h + 1),
}
SETTINGS = {"entropy_cost": 0.0, "baseline_cost": 0.0}
depths = pytest.mark.parametrize("depth", HIDDEN)
activations = pytest.mark.parametrize("activation", SLOPES)


class Example:
    """Results under v and the policy two versions on, float64; the value's part switched off."""

    def __init__(self, depth, activation, seed=0, action="categorical", **form):
        self.policy, self.v, self.u = two_versions(
            action, seed, hidden=HIDDEN[depth], activation=activation, **form
        )
        self.depth, self.slope = depth, SLOPES[activation]
        self.settings = settings_of(**SETTINGS)
        pieces = pieces_of(self.policy, self.v, np.random.default_rng(seed + 1))
        self.rows = estimate(pieces, self.policy, self.v, self.settings)
        self.samples = [samples_of(one, self.policy, self.v) for one in self.rows]

    def stored(self, upper):
        """Our gradient with the upper weights of a snapshot: policy layers' weights, the first first."""
        gradient = zeros(self.policy)
        for samples in self.samples:
            stored_gradient(
                samples, self.policy, upper.weights, self.settings, gradient=gradient, value_head=None
            )
        return gradient

    def layers(self, weights):
        """[W_1, ..., W_L] of the policy, [I, O] each."""
        torso = [weights.policy_torso[f"{i}/weight"] for i in range(self.depth)]
        return [*torso, weights.policy_head.weight]

    def logit_gradients(self, samples):
        """G [N, A], descent: −weight A (e_a − p)."""
        score = self.policy.distribution.log_prob_gradient(samples.behaviour_head, samples.actions)
        return -(samples.weights * samples.advantages)[:, None] * score

    def written_out(self, upper):
        """The backward map, a step at a time."""
        above = self.layers(upper.weights)
        total = [np.zeros_like(layer) for layer in above]
        for samples in self.samples:
            activations = [samples.x, *samples.hidden[: self.depth]]
            for n, d in enumerate(self.logit_gradients(samples)):
                for i in reversed(range(len(above))):
                    total[i] += np.outer(activations[i][n], d)
                    if i:
                        d = (above[i] @ d) * self.slope(activations[i][n])
        return total


@depths
@activations
@pytest.mark.parametrize("upper", ["v", "u"])
def test_the_pass_over_all_steps_is_the_sum_of_steps(depth, activation, upper):
    example = Example(depth, activation)
    at = getattr(example, upper)
    for found, wanted in zip(example.layers(example.stored(at)), example.written_out(at), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-12)
        assert np.abs(wanted).max() > 1e-3


@depths
@activations
def test_reuse_is_the_gradient_at_the_snapshot(depth, activation):
    example = Example(depth, activation)

    def loss(flat):
        return sum(loss_at(example.policy, flat, one, example.v, example.settings) for one in example.rows)

    assert_gradient(example.stored(example.v).flat, loss, example.v.weights.flat.copy())


@depths
@activations
def test_the_top_layer_is_the_same_to_the_bit_and_no_lower_one_is(depth, activation):
    example = Example(depth, activation)
    reuse, live = (example.layers(example.stored(at)) for at in (example.v, example.u))
    np.testing.assert_array_equal(reuse[-1], live[-1])
    for one, other in zip(reuse[:-1], live[:-1], strict=True):
        assert np.abs(one - other).max() > 1e-4


@depths
@activations
def test_one_layer_below_they_differ_by_the_change_above(depth, activation):
    """((W_u − W_v) G) phi'(h), at the last hidden layer whatever the depth."""
    example = Example(depth, activation)
    difference = example.layers(example.stored(example.u))[-2] - example.layers(example.stored(example.v))[-2]
    change = example.u.weights.policy_head.weight - example.v.weights.policy_head.weight
    wanted = np.zeros_like(difference)
    for samples in example.samples:
        below = samples.hidden[depth - 2] if depth > 1 else samples.x
        d = (example.logit_gradients(samples) @ change.T) * example.slope(samples.hidden[depth - 1])
        wanted += below.T @ d
    np.testing.assert_allclose(difference, wanted, rtol=0, atol=1e-12)


@activations
def test_two_layers_below_it_compounds(activation):
    """With deltas the change of each: W_u ⊗ W_u − W_v ⊗ W_v through the layer between, not linear in them any more."""
    example = Example(2, activation)
    difference = example.layers(example.stored(example.u))[0] - example.layers(example.stored(example.v))[0]
    _, w2_v, w3_v = example.layers(example.v.weights)
    _, w2_u, w3_u = example.layers(example.u.weights)
    wanted, linear = np.zeros_like(difference), np.zeros_like(difference)
    for samples in example.samples:
        g, (h1, h2) = example.logit_gradients(samples), samples.hidden[:2]

        def through(w3, w2, g=g, h1=h1, h2=h2):
            return ((g @ w3.T) * example.slope(h2) @ w2.T) * example.slope(h1)

        parts = through(w3_u - w3_v, w2_v), through(w3_v, w2_u - w2_v), through(w3_u - w3_v, w2_u - w2_v)
        wanted += samples.x.T @ sum(parts)
        linear += samples.x.T @ (parts[0] + parts[1])
    np.testing.assert_allclose(difference, wanted, rtol=0, atol=1e-12)
    assert np.abs(linear - wanted).max() > 1e-5


@depths
@activations
@pytest.mark.parametrize("action", ["categorical", "multi", "gaussian"])
def test_at_lag_0_all_sources_agree(depth, activation, action):
    example = Example(depth, activation, action=action)
    reuse = example.stored(example.v).flat
    assert np.abs(reuse).max() > 1e-3
    for correction in ("none", "importance", "truncated", "centred", "clip"):
        settings = settings_of(**SETTINGS, gradient="recompute", correction=correction)
        gradient = zeros(example.policy)
        for samples in example.samples:
            recomputed_gradient(
                samples,
                example.policy,
                example.v.weights,
                settings,
                gradient=gradient,
                clip=0.2,
                rng=np.random.default_rng(0),
            )
        np.testing.assert_allclose(gradient.flat, reuse, rtol=0, atol=1e-12, err_msg=correction)


@depths
def test_the_first_layers_weights_are_never_read(depth):
    """So that a ring need not keep them: what differentiates is the activations and the layers above."""
    example = Example(depth, "tanh")
    before = example.stored(example.v).flat.copy()
    blank = example.policy.network.bind(example.v.weights.flat.copy())
    blank.policy_torso["0/weight"][...] = np.nan
    gradient = zeros(example.policy)
    for samples in example.samples:
        stored_gradient(samples, example.policy, blank, example.settings, gradient=gradient, value_head=None)
    np.testing.assert_array_equal(gradient.flat, before)
