"""Unrolls: T steps of B lanes under one snapshot, episodes running on from one unroll to the next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.envs.errors import EnvironmentFault
from touchline.envs.lanes import Ended, Lanes, StepBuffers
from touchline.envs.spaces import count_outside
from touchline.player.actor import Actor
from touchline.player.assemble import assemble
from touchline.player.locating import located
from touchline.policy.actions import environment_actions
from touchline.policy.policy import Policy, Snapshot
from touchline.policy.seeds import action_stream
from touchline.policy.spaces import raw_dtype, raw_shape
from touchline.policy.trajectory import Trajectory, action_dtype, action_shape

AnyArray = NDArray[Any]


class Unrolls:
    """The state that outlives an unroll: the lanes and the observation each of them is at."""

    def __init__(
        self,
        lanes: Lanes,
        policy: Policy,
        *,
        length: int,
        base_seed: int,
        keep_hidden: bool,
        greedy: bool = False,
        progress: Callable[[int], bool] = lambda step: True,
    ) -> None:
        """``progress(t)`` is told each step and answers whether to go on."""
        self._lanes, self._policy, self._length = lanes, policy, length
        self._base_seed, self._keep_hidden = base_seed, keep_hidden
        self._progress = progress
        self._actor = Actor(policy, lanes=lanes.count, greedy=greedy)
        self._to_environment = environment_actions(policy.action_space)
        self._raw_shape = raw_shape(policy.observation_space)
        self._raw_dtype = raw_dtype(policy.observation_space)
        self._current = np.empty((lanes.count, *self._raw_shape), self._raw_dtype)
        self._begun = False
        self.outside = 0  # numbers beyond the bounds of the observation space, which some environments give

    def collect(self, snapshot: Snapshot, *, result: int) -> Trajectory | None:
        """Play result number ``result`` with ``snapshot``; None when told to stop on the way.

        Every array is new: the trajectory owns them, so that it may be sent without a copy. Raises
        EnvironmentFault.
        """
        if not self._begun:
            self._lanes.reset(None, self._current)
            self._begun = True
        arrays = self._allocate()
        arrays["observations"][0] = self._current
        ended = self._play(snapshot, arrays, result)
        if ended is None:
            return None
        self._current[...] = arrays["observations"][-1]
        try:
            self.outside += count_outside(self._policy.observation_space, arrays["observations"])
        except EnvironmentFault as fault:
            raise located(fault, actions=arrays["actions"], ended=ended, lanes=self._lanes) from None
        hidden = [arrays.pop(name) for name in list(arrays) if name.startswith("hidden.")]
        return assemble(self._policy, snapshot, hidden=hidden, ended=ended, **arrays)

    def _play(
        self, snapshot: Snapshot, arrays: dict[str, AnyArray], result: int
    ) -> list[tuple[int, Ended]] | None:
        """The hot loop: per step one forward pass, one draw, one step of the lanes; nothing else."""
        observations, actions, head = arrays["observations"], arrays["actions"], arrays["head"]
        layers = [arrays[name] for name in arrays if name.startswith("hidden.")]
        noise = self._policy.distribution.draw_noise(
            action_stream(base=self._base_seed, result=result), (self._length, self._lanes.count)
        )
        buffers = StepBuffers.over_unroll(
            observations, arrays["rewards"], arrays["terminated"], arrays["truncated"], arrays["valid"]
        )
        act, step, to_environment = self._actor.act, self._lanes.step, self._to_environment
        ended: list[tuple[int, Ended]] = []
        for t, out in enumerate(buffers):
            act(
                snapshot,
                observations[t],
                noise[t],
                hidden_out=[layer[t] for layer in layers] if layers else None,
                head_out=head[t],
                actions_out=actions[t],
            )
            step(to_environment(actions[t]), out)
            if out.ended:
                ended += [(t, one) for one in out.ended]
            if not self._progress(t):
                return None
        return ended

    def _allocate(self) -> dict[str, AnyArray]:
        step = (self._length, self._lanes.count)
        network = self._policy.network
        arrays: dict[str, AnyArray] = {
            "observations": np.empty((step[0] + 1, step[1], *self._raw_shape), self._raw_dtype),
            "head": np.empty((*step, network.head_size), np.float32),
            "actions": np.empty((*step, *action_shape(self._policy)), action_dtype(self._policy)),
            "rewards": np.empty(step, np.float32),
            "terminated": np.empty(step, np.bool_),
            "truncated": np.empty(step, np.bool_),
            "valid": np.empty(step, np.bool_),
        }
        if self._keep_hidden:
            for i, width in enumerate(network.hidden):
                arrays[f"hidden.{i}"] = np.empty((*step, width), np.float32)
        return arrays
