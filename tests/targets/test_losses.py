"""Outputs with losses: against their definitions one row at a time, and by finite differences."""

from __future__ import annotations

import math

import numpy as np
import pytest
from policy_numerics import assert_gradient, central_differences
from target_networks import OUTPUTS, every_head, head_of, one_hot

from touchline.targets.errors import TargetError
from touchline.targets.losses import Head

RNG = np.random.default_rng(3)
Z = 2 * RNG.standard_normal((5, OUTPUTS))
U = RNG.standard_normal((5, OUTPUTS))
SOFT = RNG.random((5, OUTPUTS))  # rows that are no distribution: the formulas hold for them too
TARGETS = {"classes": one_hot([0, 2, 1, 1, 0]), "soft": SOFT}
each_target = pytest.mark.parametrize("y", TARGETS.values(), ids=TARGETS.keys())


def values_by_hand(output, z):
    if output == "softmax":
        return [math.exp(one) / sum(map(math.exp, z)) for one in z]
    return [one if output == "linear" else 1 / (1 + math.exp(-one)) for one in z]


def error_by_hand(output, loss, z, y):
    p = values_by_hand(output, z)
    if loss == "squared":
        return sum((a - b) ** 2 for a, b in zip(p, y, strict=True)) / 2
    logs = sum(-b * math.log(a) for a, b in zip(p, y, strict=True))
    if output == "softmax":
        return logs
    return logs - sum((1 - b) * math.log(1 - a) for a, b in zip(p, y, strict=True))


@every_head
@each_target
def test_values_and_errors_are_their_definition(output, loss, y):
    head = head_of(output, loss)
    np.testing.assert_allclose(head.values(Z), [values_by_hand(output, z) for z in Z], rtol=1e-12)
    expected = [error_by_hand(output, loss, *row) for row in zip(Z.tolist(), y.tolist(), strict=True)]
    np.testing.assert_allclose(head.errors(Z, y), expected, rtol=1e-12)


@every_head
@each_target
def test_the_gradient_by_finite_differences(output, loss, y):
    head = head_of(output, loss)
    assert_gradient(head.gradient(Z, y), lambda z: float(head.errors(z, y).sum()), Z)


@every_head
@each_target
def test_the_hessian_by_finite_differences_of_the_gradient(output, loss, y):
    head = head_of(output, loss)
    assert_gradient(head.hessian(Z, y, U), lambda z: float((U * head.gradient(z, y)).sum()), Z)


@every_head
def test_the_fisher_matrix_is_what_it_is_called(output, loss):
    """Squared: JᵀJ. Cross-entropy: the expectation of g gᵀ over the outcomes that the outputs give probabilities."""
    head = head_of(output, loss)
    for z, u in zip(Z, U, strict=True):
        matrix = squared_fisher(head, z) if loss == "squared" else fisher(head, z)
        np.testing.assert_allclose(head.fisher(z[None], u[None])[0], matrix @ u, atol=1e-9)


def squared_fisher(head, z):
    rows = [
        central_differences(lambda at, k=k: float(head.values(at[None])[0, k]), z) for k in range(OUTPUTS)
    ]
    jacobian = np.array(rows)
    return jacobian.T @ jacobian


def fisher(head, z):
    p = head.values(z[None])[0]
    if head.output == "softmax":
        outcomes = list(zip(np.eye(OUTPUTS), p, strict=True))
    else:
        bits = [np.array(bits) for bits in np.ndindex(*[2] * OUTPUTS)]
        outcomes = [(y, np.prod(np.where(y == 1, p, 1 - p))) for y in bits]
    gradients = [(head.gradient(z[None], y[None])[0], weight) for y, weight in outcomes]
    return sum(weight * np.outer(g, g) for g, weight in gradients)


@every_head
def test_large_sums_do_not_overflow(output, loss):
    head = head_of(output, loss)
    sums, y = np.array([[1e4, -1e4, 0.0]]), one_hot([1])
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        found = [head.errors(sums, y), head.gradient(sums, y), head.fisher(sums, sums)]
    assert all(np.isfinite(one).all() for one in found)
    if loss == "cross_entropy":
        assert head.errors(sums, y)[0] == pytest.approx(2e4, rel=1e-4)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((3, "relu", "squared"), "output: expected one of linear, sigmoid, softmax, found 'relu'"),
        ((3, "linear", "hinge"), "loss: expected one of squared, cross_entropy, found 'hinge'"),
        ((3, "linear", "cross_entropy"), "probabilities, found output linear. Take output softmax"),
        ((1, "softmax", "cross_entropy"), "softmax expects 2 outputs or more, found 1"),
    ],
)
def test_what_makes_no_sense_is_refused(given, message):
    with pytest.raises(TargetError, match=message):
        Head(*given)
