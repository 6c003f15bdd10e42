"""Unrolls: T steps of B lanes under one snapshot, episodes running on from one unroll to the next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.envs.errors import EnvironmentFault
from touchline.envs.lanes import Ended, Lanes, StepBuffers
from touchline.envs.spaces import check_observations
from touchline.player.actor import Actor
from touchline.player.assemble import assemble
from touchline.player.broken import cut_short, finite
from touchline.player.locating import check_finals, located
from touchline.player.memory import memory_of
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
        self._to_environment = environment_actions(policy.action_space, squash=policy.form.squash)
        self._raw_shape = raw_shape(policy.observation_space)
        self._raw_dtype = raw_dtype(policy.observation_space)
        self._current = np.empty((lanes.count, *self._raw_shape), self._raw_dtype)
        self._memory = memory_of(policy.network, lanes.count)
        self._noise: AnyArray | None = None  # of the last step sent [B, ...]
        self._begun = False
        self.outside = 0  # numbers beyond the bounds of the observation space, which some environments give

    @np.errstate(over="ignore", invalid="ignore")  # what an environment gives is not always a number
    def collect(self, snapshot: Snapshot, *, result: int) -> Trajectory | None:
        """Play result number ``result`` with ``snapshot``; None when told to stop on the way.

        Every array is new: the trajectory owns them, so that it may be sent without a copy. Noise that is
        correlated runs on from the unroll before, across the ends of episodes too, so that it follows from the
        streams of the results so far and nothing else. Raises EnvironmentFault.
        """
        if not self._begun:
            self._lanes.reset(None, self._current)
            if self._memory is not None:
                self._memory.reset()
            self._begun = True
        arrays = self._allocate()
        arrays["observations"][0] = self._current
        state = None if self._memory is None else self._memory.state
        noise = self._policy.distribution.draw_noise(
            action_stream(base=self._base_seed, result=result), (self._length, self._lanes.count), self._noise
        )
        ended = self._play(snapshot, arrays, noise)
        if ended is None:
            return None
        self._current[...] = arrays["observations"][-1]
        self._noise = noise[-1].copy()
        self._look(arrays, ended)
        hidden = [arrays.pop(name) for name in list(arrays) if name.startswith("hidden.")]
        return assemble(
            self._policy,
            snapshot,
            hidden=hidden,
            keep_hidden=self._keep_hidden,
            ended=ended,
            state=state,
            last_state=None if self._memory is None else self._memory.state,
            **arrays,
        )

    def _look(self, arrays: dict[str, AnyArray], ended: list[tuple[int, Ended]]) -> None:
        """Count what lay outside the observation space; lanes that gave what is no number all begin anew."""
        space, observations = self._policy.observation_space, arrays["observations"]
        finals = [(t, one) for t, one in ended if one.truncated and not one.terminated]
        if self._lanes.lenient and not (
            finite(space, observations, arrays["rewards"])
            and all(finite(space, one.final_observation) for _, one in finals)
        ):
            every = range(self._lanes.count)
            ended += [(self._length - 1, one) for one in cut_short(self._lanes, every, observations[-1])]
            self._begun = False
            return
        try:
            self.outside += check_observations(space, observations, strict=False)
            self.outside -= check_observations(
                space, observations[-1], strict=False
            )  # the next unroll's first
        except EnvironmentFault as fault:
            raise located(fault, actions=arrays["actions"], ended=ended, lanes=self._lanes) from None
        if self._lanes.facts.autoreset == "same_step":  # they are not among the observations
            self.outside += check_finals(space, finals, actions=arrays["actions"])

    def _play(
        self, snapshot: Snapshot, arrays: dict[str, AnyArray], noise: AnyArray
    ) -> list[tuple[int, Ended]] | None:
        """The hot loop: per step one forward pass, one draw, one step of the lanes; nothing else."""
        observations, actions, head = arrays["observations"], arrays["actions"], arrays["head"]
        layers = [arrays[name] for name in arrays if name.startswith("hidden.")]
        buffers = StepBuffers.over_unroll(
            observations, arrays["rewards"], arrays["terminated"], arrays["truncated"], arrays["valid"]
        )
        act, step, to_environment = self._actor.act, self._lanes.step, self._to_environment
        memory = self._memory
        ended: list[tuple[int, Ended]] = []
        for t, out in enumerate(buffers):
            hidden = act(
                snapshot,
                observations[t],
                noise[t],
                hidden_out=[layer[t] for layer in layers] if layers else None,
                head_out=head[t],
                actions_out=actions[t],
                state=None if memory is None else memory.state,
            )
            step(to_environment(actions[t]), out)
            if memory is not None:
                memory.after(hidden, out)
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
        for i, noted in enumerate(network.noted(keep_hidden=self._keep_hidden)):
            arrays[f"hidden.{i}"] = np.empty((*step, *noted), np.float32)
        return arrays
