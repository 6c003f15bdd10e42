"""Lanes of Python environments, stepped one after the other: the hot loop of a Player.

A step has two halves. The first calls the environments, and does nothing else in the loop. The second
works on columns, one call for all lanes, and looks at a single lane only when it ended or broke the contract.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from operator import add
from typing import Any, final

import gymnasium
import numpy as np
from numpy.typing import NDArray

from touchline.envs.contract import (
    Breach,
    as_five,
    as_observation,
    as_pair,
    as_reward,
    breach_of,
    plain,
)
from touchline.envs.errors import MAX_LAST_ACTIONS, EnvironmentFault
from touchline.envs.lanes import BoolArray, Ended, Facts, Lanes, SeedSource, StepBuffers
from touchline.envs.nesting import owned_actions, store_records
from touchline.envs.wrappers.rewards import score_of
from touchline.policy.actions import Batch
from touchline.policy.records import Record
from touchline.policy.spaces import Dict, Space, Tuple, raw_dtype, raw_shape

NEVER = 2**62


@final
class SyncLanes(Lanes):
    """Environments stepped in lane order; one that ends is reset in the same step, with its own next seed.

    ``time_limit`` truncates an episode at that many steps, as gymnasium's ``TimeLimit`` does, but without
    its call a step. The environments must not share one observation buffer among them: what they return is
    copied once all have been stepped.
    """

    def __init__(
        self,
        envs: Sequence[gymnasium.Env[Any, Any]],
        *,
        observation_space: Space,
        action_space: Space,
        facts: Facts,
        seed_source: SeedSource,
        time_limit: int | None = None,
    ) -> None:
        self.observation_space, self.action_space = observation_space, action_space
        self.count, self.facts = len(envs), facts
        self._envs, self._seed_source = list(envs), seed_source
        self._steps: list[Callable[[Any], Any]] = [env.step for env in envs]  # bound once, not looked up
        self._all = list(range(self.count))
        self._shape, self._dtype = raw_shape(observation_space), np.dtype(raw_dtype(observation_space))
        nested = isinstance(observation_space, Dict | Tuple)
        self._record = Record.of(observation_space) if nested else None
        self._seeds, self._episodes = [0] * self.count, [-1] * self.count
        self._returns = [0.0] * self.count
        self._scores = [score_of(env) for env in envs]
        self._scored = [0.0] * self.count  # what each Score read when its episode began
        self._limit = NEVER if time_limit is None else time_limit
        self._clock = 0  # steps of all lanes together; an episode's length is the clock less its beginning
        self._began = [0] * self.count
        self._alarm = NEVER  # the clock at which the first episode may reach the time limit
        self._over: set[int] = set()  # lanes that ended in a wave, and wait for the next reset
        self._recent: deque[list[Any]] = deque(maxlen=MAX_LAST_ACTIONS)

    @property
    def seeds(self) -> list[int]:
        return list(self._seeds)

    @property
    def episodes(self) -> list[int]:
        return list(self._episodes)

    @property
    def lengths(self) -> list[int]:
        return [self._clock - began for began in self._began]

    def reset(self, seeds: Sequence[int] | None, out: NDArray[Any]) -> None:
        for lane in self._all:
            self._reset(lane, None if seeds is None else seeds[lane], out)
        self._alarm = self._next_alarm()
        self._over.clear()

    def step(self, actions: Batch, out: StepBuffers, active: BoolArray | None = None) -> None:
        row = owned_actions(self.action_space, actions)
        self._recent.append(row)
        out.ended.clear()
        if active is None:
            assert not self._over, f"lanes {sorted(self._over)} ended in a wave: reset them before a step"
            out.valid.fill(True)
            self._play(self._all, row, out)
        else:
            out.valid[...] = active
            self._play_some(active.nonzero()[0].tolist(), row, out)

    def close(self) -> None:
        envs, self._envs, self._steps, self._all = self._envs, [], [], []
        for env in envs:
            with contextlib.suppress(Exception):  # what it played counts; how it leaves does not
                env.close()

    def _play(self, lanes: Sequence[int], row: list[Any], out: StepBuffers) -> None:
        results = self._call(lanes, row)
        try:
            observations, rewards, terminated, truncated, _ = zip(*results, strict=True)
            numbers = _numbers(rewards, finite=not self.lenient)
            self._store(observations, out.observations)
        except (Breach, TypeError, ValueError, LookupError):
            self._blame(lanes, results)
            raise
        out.rewards[...] = numbers
        self._returns = list(map(add, self._returns, numbers))
        self._clock += 1
        out.terminated.fill(False)
        out.truncated.fill(False)
        if any(terminated) or any(truncated) or self._clock >= self._alarm:
            for lane in self._mark_ended(lanes, terminated, truncated, out):
                self._reset(lane, None, out.observations)
            self._alarm = self._next_alarm()

    def _play_some(self, lanes: Sequence[int], row: list[Any], out: StepBuffers) -> None:
        """As ``_play`` for some lanes, without beginning again. A lane that waits does not grow older."""
        assert self._over.isdisjoint(lanes), f"lanes {sorted(self._over)} ended: they cannot be active"
        results = self._call(lanes, row)
        try:
            columns = [as_five(result) for result in results]
            rewards = _numbers([column[1] for column in columns], finite=not self.lenient)
            for lane, column in zip(lanes, columns, strict=True):
                out.observations[lane] = self._checked(column[0])
        except (Breach, TypeError, ValueError):
            self._blame(lanes, results)
            raise
        out.rewards.fill(0.0)
        for lane, reward in zip(lanes, rewards, strict=True):
            out.rewards[lane] = reward
            self._returns[lane] += reward
        self._clock += 1
        for lane in set(self._all).difference(lanes):
            self._began[lane] += 1
        out.terminated.fill(False)
        out.truncated.fill(False)
        terminated, truncated = [column[2] for column in columns], [column[3] for column in columns]
        self._over.update(self._mark_ended(lanes, terminated, truncated, out))

    def _call(self, lanes: Sequence[int], row: list[Any]) -> list[Any]:
        """What each lane's ``step()`` returned: the only work done lane by lane."""
        steps = self._steps
        results: list[Any] = []
        append = results.append
        try:
            if len(lanes) == len(steps):
                for step, action in zip(steps, row, strict=True):
                    append(step(action))
            else:
                for lane in lanes:
                    append(steps[lane](row[lane]))
        except (Exception, SystemExit) as error:
            raise self._fault("step()", lanes[len(results)], breach_of("step()", error)) from error
        return results

    def _store(self, observations: Sequence[Any], out: NDArray[Any]) -> None:
        """Copy the observations into their buffer, in one call that also refuses what does not fit."""
        if self._record is not None:
            store_records(self._record, observations, out)
        elif self._shape:
            flat = out.reshape((-1, *self._shape[1:]), copy=False)
            np.concatenate(observations, out=flat, casting="same_kind")
        else:
            out[...] = [self._checked(value) for value in observations]

    def _mark_ended(
        self, lanes: Sequence[int], terminated: Iterable[Any], truncated: Iterable[Any], out: StepBuffers
    ) -> list[int]:
        """Fill in what ended, and return the lanes."""
        over = []
        for lane, terminal, cut in zip(lanes, terminated, truncated, strict=True):
            limited = self._clock - self._began[lane] >= self._limit
            if terminal or cut or limited:
                over.append(lane)
                out.ended.append(self._ended(lane, bool(terminal), bool(cut or limited), out))
        return over

    def _ended(self, lane: int, terminated: bool, truncated: bool, out: StepBuffers) -> Ended:
        out.terminated[lane], out.truncated[lane] = terminated, truncated
        return Ended(
            lane,
            self._episodes[lane],
            self._seeds[lane],
            self._return(lane),
            self._clock - self._began[lane],
            np.array(out.observations[lane]),
            terminated,
            truncated,
        )

    def _return(self, lane: int) -> float:
        """The return of the lane's episode: of a ``Score`` among its wrappers, else of the rewards that came."""
        score = self._scores[lane]
        return self._returns[lane] if score is None else score.total - self._scored[lane]

    def _reset(self, lane: int, seed: int | None, out: NDArray[Any]) -> None:
        self._episodes[lane] += 1
        seed = self._seed_source(lane, self._episodes[lane]) if seed is None else int(seed)
        self._seeds[lane], self._returns[lane], self._began[lane] = seed, 0.0, self._clock
        try:
            observation = as_pair(self._envs[lane].reset(seed=seed))
            out[lane] = self._checked(observation)
        except (Exception, SystemExit) as error:
            raise self._fault("reset()", lane, breach_of("reset()", error)) from error
        score = self._scores[lane]
        if score is not None:  # read after the reset, which may itself have stepped
            self._scored[lane] = score.total

    def _checked(self, observation: Any) -> Any:
        """The observation, if it fits its space; the usual one costs no more than a look."""
        usual = type(observation) is np.ndarray and observation.dtype is self._dtype and self._record is None
        if usual and observation.shape == self._shape:
            return observation
        return as_observation(observation, self.observation_space)

    def _next_alarm(self) -> int:
        return min(self._began) + self._limit

    def _blame(self, lanes: Sequence[int], results: Sequence[Any]) -> None:
        """Raise the fault of the first lane that broke the contract, if one did."""
        for lane, result in zip(lanes, results, strict=True):
            try:
                observation, reward, *_ = as_five(result)
                as_reward(reward, finite=not self.lenient)
                as_observation(observation, self.observation_space)
            except Breach as breach:
                raise self._fault("step()", lane, breach) from None

    def _fault(self, call: str, lane: int, breach: Breach) -> EnvironmentFault:
        stepped = call == "step()"
        length = self._clock - self._began[lane]
        rows = list(self._recent)[-min(len(self._recent), length + 1) :] if stepped else []
        return EnvironmentFault(
            where=breach.where,
            expected=breach.expected,
            found=breach.found,
            lane=lane,
            seed=self._seeds[lane],
            step=length if stepped else None,
            last_actions=[plain(row[lane]) for row in rows],
        )


def _numbers(rewards: Sequence[Any], *, finite: bool) -> Sequence[float]:
    """The rewards as floats. One sum tells whether all are floats and finite; a closer look is rare."""
    total = sum(rewards)
    if type(total) is float and total - total == 0.0:
        return rewards
    return [as_reward(reward, finite=finite) for reward in rewards]
