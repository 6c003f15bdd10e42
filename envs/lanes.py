"""Lanes: the copies of an environment that a Player steps together, whatever steps them.

One contract, two implementations: ``SyncLanes`` steps Python environments one after the other,
``VectorLanes`` an environment's own vector form. Axes: B lanes, T steps.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from touchline.policy.actions import Batch
from touchline.policy.spaces import Space, raw_dtype, raw_shape

SeedSource = Callable[[int, int], int]
"""The seed of a lane's episode: ``(lane, episode) -> seed``; a lane's first episode is number 0."""

BoolArray = NDArray[np.bool_]
Float32Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Facts:
    """What a Player announces of its environment, beside the spaces; ``asdict`` makes it plain."""

    env: str
    env_version: int | None
    gymnasium_version: str
    reward_threshold: float | None
    max_episode_steps: int | None
    autoreset: Literal["same_step", "next_step"]
    native: bool


class Ended(NamedTuple):
    """An episode that ended in this step, by termination or truncation."""

    lane: int
    episode: int  # number of the episode in its lane, from 0
    seed: int  # given to the reset that began it; of a native environment, to its first reset
    episode_return: float
    length: int  # steps
    final_observation: NDArray[Any]  # raw dtype [...], a copy that its receiver owns
    terminated: bool
    truncated: bool


@dataclass(slots=True)
class StepBuffers:
    """Where one step is written. The caller allocates and owns it; views of longer arrays are welcome."""

    observations: NDArray[Any]  # raw dtype [B, ...], what the policy sees next
    rewards: Float32Array  # float32 [B]
    terminated: BoolArray  # bool [B]
    truncated: BoolArray  # bool [B]
    valid: BoolArray  # bool [B], false where the lane was not stepped by an action
    ended: list[Ended] = field(default_factory=list)  # emptied and filled by each step, in lane order

    @classmethod
    def allocate(cls, space: Space, lanes: int) -> StepBuffers:
        """Buffers of their own for one step of ``lanes`` lanes."""
        return cls.over_unroll(*_unroll_arrays(space, 1, lanes))[0]

    @classmethod
    def over_unroll(
        cls,
        observations: NDArray[Any],  # raw dtype [T + 1, B, ...]
        rewards: Float32Array,  # float32 [T, B]
        terminated: BoolArray,  # bool [T, B]
        truncated: BoolArray,  # bool [T, B]
        valid: BoolArray,  # bool [T, B]
    ) -> list[StepBuffers]:
        """One set of views for each step t, whose observations are row t + 1: no copy after the step."""
        rows = zip(observations[1:], rewards, terminated, truncated, valid, strict=True)
        return [cls(*row) for row in rows]


class Lanes(ABC):
    """B copies of an environment, stepped together. Close it, or use it as a context.

    After an EnvironmentFault the lanes are in no known state: close them. ``lenient`` lanes hand on rewards of NaN and
    infinities, for whoever reads them to set aside; others take them for a fault.
    """

    observation_space: Space
    action_space: Space
    count: int
    facts: Facts
    lenient: bool = False

    @abstractmethod
    def reset(self, seeds: Sequence[int] | None, out: NDArray[Any]) -> None:
        """Begin a new episode in every lane and write the first observations to ``out`` [B, ...].

        Without ``seeds`` (one a lane) the seed source is asked. Either way each reset is one more episode of
        its lane. Raises EnvironmentFault.
        """

    @abstractmethod
    def step(self, actions: Batch, out: StepBuffers, active: BoolArray | None = None) -> None:
        """Step the lanes with one raw action each ([B, ...], within bounds) and fill ``out``.

        ``actions`` is as ``environment_actions`` gives it: of a Tuple or Dict space a tuple or dict of such arrays.

        Without ``active`` a lane that ends begins its next episode: in the same step where
        ``facts.autoreset`` is ``same_step``, and ``out.observations`` then has the first observation of the
        new episode; in the next step, which is marked invalid, where it is ``next_step``.

        With ``active`` (bool [B]) only those lanes are stepped, and one that ends stays ended until the next
        ``reset``, its last observation in ``out.observations``. Of the others ``valid`` is false, the reward
        is 0 and the observation is left as it was. Raises EnvironmentFault.
        """

    @abstractmethod
    def close(self) -> None:
        """Release the environments. Closing twice does nothing."""

    @property
    @abstractmethod
    def seeds(self) -> list[int]:
        """The seed of the episode that each lane is playing (a copy)."""

    @property
    @abstractmethod
    def episodes(self) -> list[int]:
        """The number of the episode that each lane is playing, from 0 (a copy)."""

    @property
    @abstractmethod
    def lengths(self) -> list[int]:
        """The steps already played of each lane's episode (a copy)."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _unroll_arrays(
    space: Space, steps: int, lanes: int
) -> tuple[NDArray[Any], Float32Array, BoolArray, BoolArray, BoolArray]:
    observations = np.zeros((steps + 1, lanes, *raw_shape(space)), dtype=raw_dtype(space))
    rewards = np.zeros((steps, lanes), dtype=np.float32)
    terminated, truncated, valid = (np.zeros((steps, lanes), dtype=np.bool_) for _ in range(3))
    return observations, rewards, terminated, truncated, valid
