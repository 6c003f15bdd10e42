"""How far the live policy has gone from the ones that played a batch: the metrics of staleness beside the lag."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.policy.policy import Policy, Snapshot
from touchline.policy.trajectory import Trajectory
from touchline.trainer.batch import Piece
from touchline.trainer.ratios import cut_rows, effective_fraction, ratios
from touchline.trainer.settings import Settings

SAMPLED_ROWS = 96  # below 100 µs with 64 x 64, a fiftieth of an update of 2,048 rows


@dataclass(frozen=True, slots=True)
class Drift:
    """Policies and weights of one update: v played, u is the live one before the update, rho = u(a)/v(a).

    ``kl``: KL(p_v || p_u), a mean over some rows of the batch's oldest result.
    ``effective_fraction``: (Σ rho)²/(n Σ rho²), the share of the n rows that weights rho leave effective.
    ``cut_fraction``: the share of rows whose ratio the correction cuts (``ratios.cut_rows``).
    ``weight_distance``: max |W_u − W_v| over the parameters, v of the oldest result.

    The middle two are over every valid row and every pass where the gradient recomputes them (with ppo the later
    passes' own movement is in them), else over the rows of ``kl``. Without lag 0, 1, 0 and 0; NaN where the oldest
    result has no valid step.
    """

    kl: float
    effective_fraction: float
    cut_fraction: float
    weight_distance: float


def drift_of(pieces: Sequence[Piece], policy: Policy, live: Snapshot, settings: Settings) -> Drift:
    """The drift of a batch's oldest result, ratios over at most SAMPLED_ROWS of its valid rows, evenly spread.

    v is read from what was pushed; u costs a forward pass of those rows, and none where nothing lags.
    """
    oldest = max(pieces, key=lambda piece: piece.lag)
    if oldest.lag == 0:
        return Drift(0.0, 1.0, 0.0, 0.0)
    distance = float(np.abs(live.weights.flat - oldest.snapshot.weights.flat).max())
    trajectory = oldest.trajectory
    if policy.network.core is not None:
        trajectory = _some_lanes(trajectory)
    chosen = spread(np.flatnonzero(trajectory.valid), SAMPLED_ROWS)
    if not len(chosen):
        return Drift(math.nan, math.nan, math.nan, distance)
    head = _live_head(trajectory, chosen, policy, live)
    pushed, actions, log_probs = (
        _rows(array, chosen) for array in (trajectory.head, trajectory.actions, trajectory.log_probs)
    )
    rhos = ratios(policy.distribution.log_prob(head, actions), log_probs)
    cut = cut_rows(
        settings.correction,
        rhos=rhos,
        advantages=np.zeros_like(rhos),  # read by clip alone, whose gradient recomputes every row
        clip=settings.clip,
        truncate_at=settings.truncate_at,
        clip_rho_threshold=settings.clip_rho_threshold,
    )
    total, squares = float(rhos.sum(dtype=np.float64)), float(np.square(rhos, dtype=np.float64).sum())
    return Drift(
        kl=float(policy.distribution.kl(pushed, head).mean()),
        effective_fraction=effective_fraction(total=total, squares=squares, rows=len(rhos)),
        cut_fraction=float(cut.mean()),
        weight_distance=distance,
    )


def spread(rows: NDArray[np.intp], most: int) -> NDArray[np.intp]:
    """At most ``most`` of the rows, evenly spread."""
    stride = max(1, math.ceil(len(rows) / most))
    return rows[:: stride | 1]  # odd, or it may meet some lanes alone


def _some_lanes(trajectory: Trajectory) -> Trajectory:
    """Whole lanes of an unroll, for a policy whose steps depend on those before; no episode's end among them."""
    steps, lanes = trajectory.shape
    index = spread(np.arange(lanes), max(1, SAMPLED_ROWS // steps))
    names = ("observations", "head", "actions", "log_probs", "rewards", "terminated", "truncated", "valid")
    some = {name: getattr(trajectory, name)[:, index] for name in names}
    return replace(trajectory, state=trajectory.state[index], **some)


def _live_head(
    trajectory: Trajectory, chosen: NDArray[np.intp], policy: Policy, live: Snapshot
) -> NDArray[Any]:
    observations, network = trajectory.observations[:-1], policy.network
    if network.core is None:
        return network.policy_forward(live.weights, live.rows(policy, _rows(observations, chosen)))[1]
    rows = live.rows(policy, observations.reshape(-1, *observations.shape[2:]))
    return network.forward(live.weights, rows, sequences=trajectory.sequences)[1][chosen]


def _rows(array: NDArray[Any], chosen: NDArray[np.intp]) -> NDArray[Any]:
    """Rows of a ``[T, B, ...]`` array by their place in ``[T B]``."""
    return array.reshape(-1, *array.shape[2:])[chosen]
