"""Lanes of an environment that has its own vector form."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Sequence
from typing import Any, final

import numpy as np
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

from touchline.envs.contract import Breach, as_pair, breach_of, describe, not_finite, pack_record, plain
from touchline.envs.errors import MAX_LAST_ACTIONS, EnvironmentFault
from touchline.envs.lanes import BoolArray, Ended, Facts, Lanes, SeedSource, StepBuffers
from touchline.envs.nesting import final_record, owned_batch
from touchline.policy.actions import Batch
from touchline.policy.records import Record
from touchline.policy.spaces import Dict, Space, Tuple


@final
class VectorLanes(Lanes):
    """A native vector environment, in its own autoreset mode, which ``facts.autoreset`` names.

    Its episodes cannot be seeded one by one: the first seed of a reset is the seed of all lanes, and of
    every episode until the next.
    """

    def __init__(
        self,
        env: VectorEnv[Any, Any, Any],
        *,
        observation_space: Space,
        action_space: Space,
        facts: Facts,
        seed_source: SeedSource,
    ) -> None:
        self.observation_space, self.action_space = observation_space, action_space
        self.count, self.facts = env.num_envs, facts
        self._env, self._seed_source, self._closed = env, seed_source, False
        self._next_step = facts.autoreset == "next_step"
        nested = isinstance(observation_space, Dict | Tuple)
        self._record = Record.of(observation_space) if nested else None
        self._seed = 0
        self._episodes = np.full(self.count, -1, dtype=np.int64)
        self._returns = np.zeros(self.count, dtype=np.float64)
        self._lengths = np.zeros(self.count, dtype=np.int64)
        self._over = np.zeros(self.count, dtype=np.bool_)  # ended, and reset by the next step
        self._recent: deque[Any] = deque(maxlen=MAX_LAST_ACTIONS)

    @property
    def seeds(self) -> list[int]:
        return [self._seed] * self.count

    @property
    def episodes(self) -> list[int]:
        return self._episodes.tolist()

    @property
    def lengths(self) -> list[int]:
        return self._lengths.tolist()

    def reset(self, seeds: Sequence[int] | None, out: NDArray[Any]) -> None:
        self._begin(np.ones(self.count, dtype=np.bool_))
        self._over.fill(False)
        self._recent.clear()
        self._seed = int(seeds[0]) if seeds is not None else self._seed_source(0, int(self._episodes[0]))
        try:
            self._store(out, as_pair(self._env.reset(seed=self._seed)))
        except (Exception, SystemExit) as error:
            raise self._fault("reset()", error) from error

    def step(self, actions: Batch, out: StepBuffers, active: BoolArray | None = None) -> None:
        assert active is None, "native lanes begin again on their own: make them with native=False for waves"
        row = owned_batch(self.action_space, actions)
        self._recent.append(row)
        out.ended.clear()
        try:
            self._count(out, self._play(row, out))
        except (Exception, SystemExit) as error:
            raise self._fault("step()", error) from error

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            with contextlib.suppress(Exception):  # what it played counts; how it leaves does not
                self._env.close()

    def _play(self, actions: Batch, out: StepBuffers) -> dict[str, Any]:
        observations, rewards, terminated, truncated, infos = self._env.step(actions)
        self._store(out.observations, observations)
        _store("reward", out.rewards, rewards)
        _store("terminated", out.terminated, terminated)
        _store("truncated", out.truncated, truncated)
        if not self.lenient and not np.isfinite(out.rewards).all():
            raise not_finite(float(out.rewards[~np.isfinite(out.rewards)][0]))
        return infos

    def _count(self, out: StepBuffers, infos: dict[str, Any]) -> None:
        """Mark the step that only began an episode, add up the others, and tell of those that ended."""
        over = self._over
        np.logical_not(over, out=out.valid)
        if over.any():
            out.rewards[over], out.terminated[over], out.truncated[over] = 0.0, False, False
            self._begin(over)
        self._returns += out.rewards
        self._lengths += out.valid
        ended = out.terminated | out.truncated
        if ended.any():
            finals = out.observations if self._next_step else final_observations(infos)
            for lane in ended.nonzero()[0].tolist():
                out.ended.append(self._ended(lane, self._final(finals, lane), out))
        if self._next_step:
            self._over = ended
        else:
            self._begin(ended)

    def _ended(self, lane: int, final: Any, out: StepBuffers) -> Ended:
        return Ended(
            lane=lane,
            episode=int(self._episodes[lane]),
            seed=self._seed,
            episode_return=float(self._returns[lane]),
            length=int(self._lengths[lane]),
            final_observation=np.array(final, dtype=out.observations.dtype),
            terminated=bool(out.terminated[lane]),
            truncated=bool(out.truncated[lane]),
        )

    def _final(self, finals: Any, lane: int) -> Any:
        if self._next_step or self._record is None:
            return finals[lane]
        return final_record(self._record, finals, lane)

    def _store(self, out: NDArray[Any], observations: Any) -> None:
        if self._record is None:
            _store("observation", out, observations)
        else:
            pack_record(self._record, observations, out)

    def _begin(self, lanes: BoolArray) -> None:
        self._episodes[lanes] += 1
        self._returns[lanes] = 0.0
        self._lengths[lanes] = 0

    def _fault(self, call: str, error: BaseException) -> EnvironmentFault:
        breach = breach_of(call, error)
        return EnvironmentFault(
            where=breach.where,
            expected=breach.expected,
            found=breach.found,
            seed=self._seed,
            last_actions=[plain(row) for row in self._recent],
        )


def _store(where: str, out: NDArray[Any], values: Any) -> None:
    """Copy a batch into its buffer; a batch of another shape or kind is a Breach, not a broadcast."""
    fits = isinstance(values, np.ndarray) and values.shape == out.shape
    if not fits or not np.can_cast(values.dtype, out.dtype, "same_kind"):
        raise Breach(where, f"an array of {out.dtype} {list(out.shape)}", describe(values))
    out[...] = values


def final_observations(infos: dict[str, Any]) -> Any:
    """The last observations of the episodes that ended, of a vector form that resets in the same step."""
    if "final_obs" not in infos:
        raise Breach("step()", "'final_obs' in the info of a step that resets at once", f"{sorted(infos)}")
    return infos["final_obs"]
