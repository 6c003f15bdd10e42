"""Numbered episodes played whole, as many at a time as there are lanes, in the order of their numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.envs.lanes import Lanes
from touchline.envs.make import make_lanes
from touchline.envs.spec import EnvSpec
from touchline.player.random_moves import RandomMoves
from touchline.player.waves import Waves
from touchline.policy.policy import Policy, Snapshot
from touchline.policy.seeds import episode_seed
from touchline.policy.trajectory import Trajectory

AnyArray = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Game:
    """One episode of T steps: what was seen, done and paid in each, and its return as it is reported."""

    observations: AnyArray  # raw, the space's dtype [T, ...]
    actions: AnyArray  # int64 [T], from 0
    rewards: NDArray[np.float32]  # [T]
    score: float

    @property
    def length(self) -> int:
        return len(self.rewards)

    @staticmethod
    def of(played: Trajectory) -> Game:
        """The only lane of a wave's trajectory."""
        return Game(
            played.observations[:-1, 0],
            played.actions[:, 0],
            played.rewards[:, 0],
            float(played.episode_returns[0]),
        )


class Games:
    """Plays episodes 0 to n − 1 of a seed; the lanes are kept, by how many there are."""

    def __init__(
        self, spec: EnvSpec, *, lanes: int, progress: Callable[[int], bool] = lambda step: True
    ) -> None:
        """``progress(t)`` is told each step and answers whether to go on. Raises EnvError."""
        self._spec, self._width, self._progress = spec, lanes, progress
        self._made: dict[int, tuple[Lanes, _Seeds]] = {}
        self.lanes = self._lanes(lanes)[0]
        self.outside = 0  # numbers beyond the bounds of the observation space

    def play(
        self,
        policy: Policy,
        snapshot: Snapshot,
        *,
        episodes: int,
        seed: int,
        greedy: bool,
        random_steps: int | None = 0,
    ) -> Iterator[list[Game]]:
        """The games, a wave at a time; fewer waves when told to stop on the way. Raises EnvironmentFault.

        ``random_steps``: so many of each episode are chosen uniformly; None: all of them.
        """
        for start in range(0, episodes, self._width):
            width = min(self._width, episodes - start)
            lanes, source = self._lanes(width)
            source.wave = [episode_seed(base=seed, lane=0, episode=start + i) for i in range(width)]
            actor = RandomMoves(policy, lanes=width, steps=random_steps, greedy=greedy)
            waves = Waves(
                lanes,
                policy,
                base_seed=seed,
                keep_hidden=False,
                actor=actor,
                progress=self._progress,
            )
            came = list(waves.collect(snapshot, result=start))
            self.outside += waves.outside
            if len(came) < width:
                return
            yield [Game.of(one) for one in _numbered(came, source.wave)]

    def close(self) -> None:
        """Release the environments. Closing twice does nothing."""
        made, self._made = self._made, {}
        for lanes, _ in made.values():
            lanes.close()

    def _lanes(self, width: int) -> tuple[Lanes, _Seeds]:
        if width not in self._made:
            source = _Seeds()
            self._made[width] = make_lanes(self._spec, width, seed_source=source, native=False), source
        return self._made[width]


class _Seeds:
    """A seed source that is told the seeds of the next wave."""

    def __init__(self) -> None:
        self.wave: Sequence[int] = ()

    def __call__(self, lane: int, episode: int) -> int:
        return self.wave[lane]


def _numbered(came: Sequence[Trajectory], seeds: Sequence[int]) -> list[Trajectory]:
    """A wave's games, which come as they end, in the order of their seeds; equal seeds are played by equal numbers."""
    left = list(came)
    ordered = []
    for seed in seeds:
        index = next(i for i, one in enumerate(left) if one.episode_seeds[0] == seed)
        ordered.append(left.pop(index))
    return ordered
