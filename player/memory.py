"""The recurrent state of the lanes, from step to step and from one unroll to the next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.envs.lanes import StepBuffers
from touchline.policy.network import Network

FloatArray = NDArray[np.floating[Any]]


class Memory:
    """One row a lane. An episode begins with zeros."""

    def __init__(self, network: Network, lanes: int) -> None:
        self._network = network
        self.state = network.initial_state(lanes)  # float32 [B, S], before the next step

    def reset(self) -> None:
        """New episodes in all lanes."""
        self.state = np.zeros_like(self.state)

    def after(self, hidden: Sequence[FloatArray], out: StepBuffers) -> None:
        """All lanes have made a step: what it kept ``[B, ...]`` and what came of it."""
        state = self._network.state_after(hidden).copy()
        state[out.terminated | out.truncated | ~out.valid] = 0
        self.state = state

    def after_some(self, hidden: Sequence[FloatArray], index: NDArray[np.intp]) -> None:
        """The lanes of ``index`` have made a step, whose kept states are packed in their order."""
        self.state[index] = self._network.state_after(hidden)


def memory_of(network: Network, lanes: int) -> Memory | None:
    """The lanes' memory where the network has one."""
    return None if network.core is None else Memory(network, lanes)
