"""Waves: whole episodes under one snapshot. All lanes start together, each game is sent as it ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.envs.errors import EnvironmentFault
from touchline.envs.lanes import Ended, Lanes, StepBuffers
from touchline.envs.spaces import check_observations
from touchline.player.actor import Acting, Actor
from touchline.player.assemble import assemble
from touchline.player.broken import cut_short, finite
from touchline.player.locating import relocated
from touchline.player.memory import memory_of
from touchline.policy.actions import environment_actions
from touchline.policy.policy import Policy, Snapshot
from touchline.policy.seeds import action_stream
from touchline.policy.spaces import raw_dtype, raw_shape
from touchline.policy.trajectory import Trajectory, action_dtype, action_shape

AnyArray = NDArray[Any]
BLOCK_STEPS = 64  # noise is drawn, and the record grown, this many steps at a time


class Waves:
    """Plays waves of B episodes. Nothing but the lanes outlives a wave."""

    def __init__(
        self,
        lanes: Lanes,
        policy: Policy,
        *,
        base_seed: int,
        keep_hidden: bool,
        greedy: bool = False,
        actor: Acting | None = None,
        progress: Callable[[int], bool] = lambda step: True,
    ) -> None:
        """``progress(t)`` is told each step and answers whether to go on. ``actor``: who acts instead of the policy."""
        self._lanes, self._policy, self._base_seed = lanes, policy, base_seed
        self._progress = progress
        self._actor = actor or Actor(policy, lanes=lanes.count, greedy=greedy)
        self._to_environment = environment_actions(policy.action_space, squash=policy.form.squash)
        self._memory = memory_of(policy.network, lanes.count)
        self._keep_hidden = keep_hidden
        kept = keep_hidden or self._memory is not None
        # Another than the policy may act without going through the network: it has no hidden states to note.
        noted = policy.network.noted(keep_hidden=kept) if actor is None or kept else ()
        self._record = _Record(policy, lanes.count, noted)
        self.outside = 0  # numbers beyond the bounds of the observation space, which some environments give

    def collect(self, snapshot: Snapshot, *, result: int) -> Iterator[Trajectory]:
        """Play a wave; yield each game ``[T, 1]`` as it ends, B in all unless told to stop on the way.

        ``result`` numbers the wave's first game and with it the noise. Raises EnvironmentFault.
        """
        record, active = self._record, np.ones(self._lanes.count, np.bool_)
        self._lanes.reset(None, record.observations[0])
        if self._memory is not None:
            self._memory.reset()
        t, before = 0, None
        while active.any():
            if t % BLOCK_STEPS == 0:
                yield from self._broken(snapshot, active, t)
                if not active.any():
                    return
                record.grow(t + BLOCK_STEPS)
                noise = self._noise(result, t // BLOCK_STEPS, before)
                before = noise[-1]
            out = self._step(snapshot, noise[t % BLOCK_STEPS], active, t)
            for ended in out.ended:
                active[ended.lane] = False
                yield self._game(snapshot, ended)
            if not self._progress(t):
                return
            t += 1

    def _broken(self, snapshot: Snapshot, active: NDArray[np.bool_], t: int) -> Iterator[Trajectory]:
        """Games that have come to what is no number, which might never end by themselves: sent as they are at step t.

        Lanes that are not lenient are asked for none, and theirs is a fault when they end.
        """
        record, space = self._record, self._policy.observation_space
        lanes = np.flatnonzero(active).tolist() if self._lanes.lenient and t else []
        for lane in lanes:
            if not finite(space, record.observations[t][lane], record.rewards[:t, lane]):
                active[lane] = False
                (ended,) = cut_short(self._lanes, [lane], record.observations[t])
                yield self._game(snapshot, ended)

    def _noise(self, result: int, block: int, before: AnyArray | None) -> AnyArray:
        """The noise of a block of steps, which goes on from that of the last step ``before`` it."""
        rng = action_stream(base=self._base_seed, result=result, block=block)
        return self._policy.distribution.draw_noise(rng, (BLOCK_STEPS, self._lanes.count), before)

    @np.errstate(over="ignore", invalid="ignore")  # what an environment gives is not always a number
    def _step(self, snapshot: Snapshot, noise: AnyArray, active: NDArray[np.bool_], t: int) -> StepBuffers:
        """One step of the active lanes; only they pass through the network."""
        record, index = self._record, np.flatnonzero(active)
        rows = record.scratch(len(index))
        memory = self._memory
        hidden = self._actor.act(
            snapshot,
            record.observations[t][index],
            noise[index],
            hidden_out=rows.hidden or None,
            head_out=rows.head,
            actions_out=rows.actions,
            state=None if memory is None else memory.state[index],
        )
        if memory is not None:
            memory.after_some(hidden, index)
        record.keep(t, index, rows)
        record.observations[t + 1] = record.observations[t]
        out = StepBuffers(
            record.observations[t + 1],
            record.rewards[t],
            record.terminated[t],
            record.truncated[t],
            record.valid[t],
        )
        self._lanes.step(self._to_environment(record.actions[t]), out, active)
        return out

    @np.errstate(over="ignore", invalid="ignore")
    def _game(self, snapshot: Snapshot, ended: Ended) -> Trajectory:
        """One lane's episode, copied out of the record, which goes on being written."""
        record = self._record
        lane = slice(ended.lane, ended.lane + 1)

        def own(array: AnyArray, extra: int = 0) -> AnyArray:
            return np.array(array[: ended.length + extra, lane], order="C")

        observations, space = own(record.observations, 1), self._policy.observation_space
        try:
            if not self._lanes.lenient or finite(space, observations):
                self.outside += check_observations(space, observations, strict=False)
        except EnvironmentFault as fault:
            step = fault.step or 0
            actions = record.actions[:step, ended.lane]
            raise relocated(fault, lane=ended.lane, seed=ended.seed, step=step, actions=actions) from None
        return assemble(
            self._policy,
            snapshot,
            observations=observations,
            hidden=[own(layer) for layer in record.hidden],
            keep_hidden=self._keep_hidden,
            state=None if self._memory is None else self._policy.network.initial_state(1),
            last_state=None if self._memory is None else self._memory.state[lane],
            head=own(record.head),
            actions=own(record.actions),
            rewards=own(record.rewards),
            terminated=own(record.terminated),
            truncated=own(record.truncated),
            valid=np.ones((ended.length, 1), np.bool_),
            ended=[(ended.length - 1, ended._replace(lane=0))],
        )


class _Rows:
    """Scratch for the active lanes of one step, packed."""

    def __init__(self, hidden: list[AnyArray], head: AnyArray, actions: AnyArray) -> None:
        self.hidden, self.head, self.actions = hidden, head, actions


class _Record:
    """What the lanes did since the wave began, time-major, longer when a game needs it."""

    def __init__(self, policy: Policy, lanes: int, noted: tuple[tuple[int, ...], ...]) -> None:
        raw, dtype = raw_shape(policy.observation_space), raw_dtype(policy.observation_space)
        self.observations: AnyArray = np.zeros((1, lanes, *raw), dtype)
        self.hidden: list[AnyArray] = [np.zeros((0, lanes, *shape), np.float32) for shape in noted]
        self.head: AnyArray = np.zeros((0, lanes, policy.network.head_size), np.float32)
        self.actions: AnyArray = np.zeros((0, lanes, *action_shape(policy)), action_dtype(policy))
        self.rewards: AnyArray = np.zeros((0, lanes), np.float32)
        self.terminated, self.truncated, self.valid = (np.zeros((0, lanes), np.bool_) for _ in range(3))
        self._rows = _Rows(
            [np.empty((lanes, *shape), np.float32) for shape in noted],
            np.empty((lanes, policy.network.head_size), np.float32),
            np.empty((lanes, *action_shape(policy)), action_dtype(policy)),
        )

    def grow(self, steps: int) -> None:
        """Room for ``steps`` steps at least; doubling, so that a long game is copied few times."""
        if len(self.rewards) >= steps:
            return
        more = max(steps, 2 * len(self.rewards)) - len(self.rewards)
        self.hidden = [_longer(layer, more) for layer in self.hidden]
        for name in ("observations", "head", "actions", "rewards", "terminated", "truncated", "valid"):
            setattr(self, name, _longer(getattr(self, name), more))

    def scratch(self, rows: int) -> _Rows:
        return _Rows([h[:rows] for h in self._rows.hidden], self._rows.head[:rows], self._rows.actions[:rows])

    def keep(self, t: int, index: NDArray[np.intp], rows: _Rows) -> None:
        for layer, packed in zip(self.hidden, rows.hidden, strict=True):
            layer[t, index] = packed
        self.head[t, index] = rows.head
        self.actions[t, index] = rows.actions


def _longer(array: AnyArray, more: int) -> AnyArray:
    return np.concatenate([array, np.zeros((more, *array.shape[1:]), array.dtype)])
