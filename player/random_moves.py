"""Acting at random: all through an episode, or in its first step, so that greedy episodes differ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from touchline.player.actor import Actor
from touchline.policy.policy import Policy, Snapshot

FloatArray = NDArray[np.floating[Any]]
AnyArray = NDArray[Any]


@final
class RandomMoves:
    """Uniform actions for the first ``steps`` steps of one wave, or for all where that is None; then the policy's."""

    def __init__(self, policy: Policy, *, lanes: int, steps: int | None, greedy: bool) -> None:
        self._policy, self._steps = policy, steps
        self._actor = Actor(policy, lanes=lanes, greedy=greedy)
        self._step = 0

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
        """As ``Actor.act``; of a random step there are no hidden states, and the head is all 0: that of a coin."""
        self._step += 1
        if self._steps is not None and self._step > self._steps:
            return self._actor.act(
                snapshot,
                observations,
                noise,
                hidden_out=hidden_out,
                head_out=head_out,
                actions_out=actions_out,
                state=state,
            )
        head = np.zeros((len(observations), self._policy.network.head_size), np.float32)
        if head_out is not None:
            head_out[...] = head
        actions_out[...] = self._policy.distribution.sample(head, noise)
        return []
