"""Steps that were played, as measures of a policy read them: inputs, hidden states and heads, in float64.

The Player has made their forward pass, and what it kept of it is all that a gradient or a curvature product needs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.policy.gaussian import DiagonalGaussian
from touchline.policy.inputs import only_array
from touchline.policy.network import Weights
from touchline.policy.policy import Policy, Snapshot
from touchline.policy.trajectory import Trajectory

FloatArray = NDArray[np.floating[Any]]
AnyArray = NDArray[Any]
CHUNK_ROWS = 1024  # what stays in the cache
LARGEST_LOG_RATIO = 50.0  # of a trial far outside any trust region, whose ratios would overflow


@dataclass(frozen=True, slots=True)
class PlayedRows:
    """N steps of T steps of B lanes, time-major, with what the network kept of their forward pass."""

    x: FloatArray  # [N, D], as the network reads them
    hidden: tuple[FloatArray, ...]  # [N, H] each, on the policy's way
    head: FloatArray  # [N, P]
    actions: AnyArray  # int64 [N]; float64 [N, A] of continuous ones

    def __len__(self) -> int:
        return len(self.head)

    @staticmethod
    def of(policy: Policy, snapshot: Snapshot, trajectory: Trajectory) -> PlayedRows:
        """The steps of a trajectory that holds its hidden states, in arrays of their own."""
        n = trajectory.rewards.size

        def flat(array: AnyArray) -> FloatArray:
            return array.reshape(n, -1).astype(np.float64)

        observations = trajectory.observations[:-1]
        x = only_array(snapshot.rows(policy, observations.reshape(n, *observations.shape[2:])))
        continuous = isinstance(policy.distribution, DiagonalGaussian)
        return PlayedRows(
            x.astype(np.float64),
            tuple(flat(layer) for layer in trajectory.hidden[: len(policy.network.policy_kept)]),
            flat(trajectory.head),
            flat(trajectory.actions) if continuous else trajectory.actions.reshape(n).copy(),
        )

    def part(self, index: slice) -> PlayedRows:
        """Some of the steps: views."""
        hidden = tuple(layer[index] for layer in self.hidden)
        return PlayedRows(self.x[index], hidden, self.head[index], self.actions[index])

    def chunks(self) -> Iterator[tuple[slice, PlayedRows]]:
        """All of them, in parts that stay in the cache, each with where it is."""
        for start in range(0, len(self), CHUNK_ROWS):
            index = slice(start, start + CHUNK_ROWS)
            yield index, self.part(index)


def back_to_weights(
    policy: Policy, weights: Weights, rows: PlayedRows, *, d_head: FloatArray, product: FloatArray
) -> None:
    """Add to ``product`` float64 ``[size]`` what gradients ``d_head`` ``[N, P]`` at the heads give: Jᵀ d.

    The value function, where there is one, has no part in it: its weights get 0.
    """
    policy.network.backward(
        weights,
        rows.x,
        rows.hidden,
        d_head=d_head,
        d_values=np.empty(0),
        gradient=replace(policy.network.bind(product), value_head=None),
    )


def policy_gradient(policy: Policy, w: FloatArray, rows: PlayedRows, advantages: FloatArray) -> FloatArray:
    """Σ over rows of A grad log pi(a | x), float64 ``[size]``, at the weights w float64 ``[size]`` that played.

    ``advantages`` A ``[N]``. From the kept hidden states alone: it is the surrogate's gradient too.
    """
    weights, product = policy.network.bind(w), np.zeros(len(w))
    for index, chunk in rows.chunks():
        d_head = policy.distribution.log_prob_gradient(chunk.head, chunk.actions)
        d_head *= advantages[index, None]
        back_to_weights(policy, weights, chunk, d_head=d_head, product=product)
    return product


def surrogate_sums(policy: Policy, w: FloatArray, rows: PlayedRows, advantages: FloatArray) -> FloatArray:
    """(Σ rho A − Σ A, Σ KL(played ‖ w), N), float64 ``[3]``: what a trial step to w brings, by a new forward pass.

    rho = pi_w(a | x) / pi_played(a | x) (Schulman et al. 2015, equation 14), ``advantages`` A ``[N]``. Finite for any
    finite w.
    """
    weights, distribution = policy.network.bind(w), policy.distribution
    gain = divergence = 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        for index, chunk in rows.chunks():
            _, head = policy.network.policy_forward(weights, chunk.x)
            logs = distribution.log_prob(head, chunk.actions)
            logs -= distribution.log_prob(chunk.head, chunk.actions)
            gain += float(np.dot(np.expm1(np.minimum(logs, LARGEST_LOG_RATIO)), advantages[index]))
            divergence += float(distribution.kl(chunk.head, head).sum())
    worst = np.finfo(np.float64).max
    sums: FloatArray = np.nan_to_num(np.array([gain, divergence, len(rows)]), nan=worst, posinf=worst)
    return sums


def moved(parameters: AnyArray, direction: FloatArray, *, scale: float) -> NDArray[np.float32]:
    """The parameters float32 ``[size]`` a step away, as any side computes them: to the last bit."""
    return (parameters.astype(np.float64) + scale * direction).astype(np.float32)
