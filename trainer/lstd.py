"""A value baseline without training: least-squares temporal differences on random features (Bradtke & Barto 1996).

V(x) = phi(x)·theta with A theta = b,   A = Σ phi_t (phi_t − gamma phi_{t+1})ᵀ,   b = Σ phi_t r_t. A is not symmetric,
so that conjugate gradients would not do; gmres and bicgstab serve it.

A and b are summed where the trajectories are, in the Trainer, instead of one product A v a round by Players: with F
features over N steps A takes 2 N F² operations in a single matrix product, and the F products of a solve as many
again, in F rounds of messages. The Fisher matrix is the other way round: it is far too large to be formed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.policy.inputs import only_array
from touchline.policy.policy import Policy
from touchline.policy.seeds import features_stream
from touchline.policy.spaces import raw_shape
from touchline.policy.trajectory import Trajectory
from touchline.targets.solving import SolverName, Solving

FloatArray = NDArray[np.float64]
TOLERANCE = 1e-8
RIDGE = 1e-4  # added to the diagonal of the mean matrix: features may say the same
WIDTH = 1.0  # deviation of a feature's sum, for inputs of deviation 1


@dataclass(frozen=True, slots=True)
class RandomFeatures:
    """F − 1 random tanh units of the observation, and a constant. The same for a whole run."""

    weight: FloatArray  # [D, F − 1]
    bias: FloatArray  # [F − 1]

    @staticmethod
    def of(*, run_seed: int, inputs: int, features: int) -> RandomFeatures:
        rng = features_stream(run_seed)
        weight = rng.standard_normal((inputs, features - 1)) * (WIDTH / np.sqrt(inputs))
        return RandomFeatures(weight, rng.uniform(-1, 1, features - 1))

    def __call__(self, x: FloatArray) -> FloatArray:
        """x ``[..., D]``, of mean 0 and deviation 1 -> ``[..., F]``."""
        phi = np.ones((*x.shape[:-1], len(self.bias) + 1))
        np.tanh(x @ self.weight + self.bias, out=phi[..., :-1])
        return phi


@dataclass(frozen=True, slots=True)
class Seen:
    """What T steps of B lanes saw, as features."""

    phi: FloatArray  # [T + 1, B, F]
    finals: FloatArray  # [K, F], of the truncated episodes' final observations

    def following(self, trajectory: Trajectory) -> FloatArray:
        """phi of what each step leads to ``[T, B, F]``: 0 where the episode terminated there."""
        following = self.phi[1:].copy()
        following[trajectory.terminated] = 0
        following[trajectory.final_steps[:, 0], trajectory.final_steps[:, 1]] = self.finals
        return following


def seen(policy: Policy, trajectories: Sequence[Trajectory], features: RandomFeatures) -> list[Seen]:
    """The features of each trajectory, of inputs scaled to mean 0 and deviation 1 over all of them.

    The baseline is solved for anew with each batch, and so may the scale be.
    """
    read = [_inputs(policy, one.observations) for one in trajectories]
    every = np.concatenate([x.reshape(-1, x.shape[-1]) for x in read])
    mean, deviation = every.mean(axis=0), every.std(axis=0)
    deviation[deviation < 1e-8] = 1.0
    return [
        Seen(
            features((x - mean) / deviation),
            features((_inputs(policy, one.final_observations) - mean) / deviation),
        )
        for x, one in zip(read, trajectories, strict=True)
    ]


def lstd_system(
    *, phi: FloatArray, following: FloatArray, rewards: FloatArray, gamma: float
) -> tuple[FloatArray, FloatArray]:
    """(A ``[F, F]``, b ``[F]``) summed over N rows: phi and following ``[N, F]``, rewards ``[N]``."""
    return phi.T @ (phi - gamma * following), phi.T @ rewards


def lstd(
    pieces: Sequence[Seen], trajectories: Sequence[Trajectory], *, gamma: float, solver: SolverName
) -> FloatArray:
    """theta, float64 ``[F]``, summed over the trajectories in their order; 0 where the solver found nothing of use."""
    size = pieces[0].phi.shape[-1]
    matrix, vector, rows = np.zeros((size, size)), np.zeros(size), 0
    for piece, trajectory in zip(pieces, trajectories, strict=True):
        a, b = lstd_system(
            phi=piece.phi[:-1].reshape(-1, size),
            following=piece.following(trajectory).reshape(-1, size),
            rewards=trajectory.rewards.reshape(-1).astype(np.float64),
            gamma=gamma,
        )
        matrix, vector, rows = matrix + a, vector + b, rows + trajectory.rewards.size
    return solved(matrix / rows + RIDGE * np.eye(size), vector / rows, solver=solver)


def solved(matrix: FloatArray, vector: FloatArray, *, solver: SolverName) -> FloatArray:
    """x of A x = b by products alone; 0 where what was found is further from it than 0 is."""
    solving = Solving(solver, vector, tolerance=TOLERANCE, iterations=2 * len(vector))
    while (wanted := solving.product_wanted()) is not None:
        solving.give(matrix @ wanted)
    residual = float(np.linalg.norm(matrix @ solving.solution - vector))
    return solving.solution if residual < np.linalg.norm(vector) else np.zeros_like(vector)


def _inputs(policy: Policy, raw: NDArray[Any]) -> FloatArray:
    """Raw observations ``[..., *raw shape]`` as the network reads them, float64 ``[..., D]``."""
    shape = raw_shape(policy.observation_space)
    before = raw.shape[: raw.ndim - len(shape)]
    x = only_array(policy.reading.inputs(raw.reshape(math.prod(before), *shape), None))
    return x.reshape(*before, x.shape[-1]).astype(np.float64)
