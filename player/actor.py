"""The forward pass of a step: observations in, hidden states, head and actions out, into buffers given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from touchline.policy.network import Weights
from touchline.policy.policy import Policy, Snapshot

FloatArray = NDArray[np.floating[Any]]
AnyArray = NDArray[Any]


class Acting(Protocol):
    """Whatever chooses the actions of a step."""

    def act(
        self,
        snapshot: Snapshot,
        observations: AnyArray,
        noise: FloatArray,
        *,
        hidden_out: Sequence[FloatArray] | None,
        head_out: FloatArray | None,
        actions_out: AnyArray,
        state: FloatArray | None = None,
    ) -> list[FloatArray]: ...


class Actor:
    """A policy for B rows with its scratch. ``greedy`` takes the mode and needs no noise."""

    def __init__(self, policy: Policy, *, lanes: int, greedy: bool = False) -> None:
        self._policy, self._lanes, self._greedy = policy, lanes, greedy
        self._x = policy.reading.scratch(lanes)
        self._snapshot: Snapshot | None = None
        self._wide: Weights | None = None

    def act(
        self,
        snapshot: Snapshot,
        observations: AnyArray,
        noise: FloatArray,
        *,
        hidden_out: Sequence[FloatArray] | None,
        head_out: FloatArray | None,
        actions_out: AnyArray,
        state: FloatArray | None = None,
    ) -> list[FloatArray]:
        """Draw actions for raw observations ``[n, ...]``, n at most the lanes, and write what the step leaves.

        ``hidden_out``: buffers for all of the policy's hidden states, or for the last of them. ``state`` ``[n, S]``:
        that of a recurrent policy. Gives the policy's hidden states.
        """
        n = len(observations)
        x = None if self._x is None else self._x[:n]
        rows = snapshot.rows(self._policy, observations, x)
        weights = self._weights(snapshot) if n == self._lanes else snapshot.weights
        network = self._policy.network
        whole = hidden_out is not None and len(hidden_out) == len(network.policy_kept)
        hidden, head = network.policy_forward(
            weights, rows, state=state, hidden_out=hidden_out if whole else None, head_out=head_out
        )
        if hidden_out and not whole:
            for out, layer in zip(hidden_out, hidden[-len(hidden_out) :], strict=True):
                out[...] = layer
        distribution = self._policy.distribution
        actions_out[...] = distribution.mode(head) if self._greedy else distribution.sample(head, noise)
        return hidden

    def _weights(self, snapshot: Snapshot) -> Weights:
        if self._wide is None or snapshot is not self._snapshot:
            self._snapshot = snapshot
            self._wide = self._policy.network.widened(snapshot.weights, self._lanes)
        return self._wide
