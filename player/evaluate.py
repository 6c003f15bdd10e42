"""Evaluation: a fixed number of whole episodes, so that short ones are not over-counted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from touchline.envs.make import make_lanes
from touchline.envs.spec import EnvSpec
from touchline.player.waves import Waves
from touchline.policy.policy import Policy, Snapshot
from touchline.policy.seeds import episode_seed, mix
from touchline.policy.trajectory import Trajectory


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Returns, lengths and seeds of the episodes played, wave by wave in the order in which they ended."""

    returns: tuple[float, ...]
    lengths: tuple[int, ...]
    seeds: tuple[int, ...]

    @property
    def mean(self) -> float:
        return float(np.mean(self.returns))

    @property
    def std(self) -> float:
        return float(np.std(self.returns))


def evaluate(
    spec: EnvSpec,
    policy: Policy,
    snapshot: Snapshot,
    *,
    episodes: int,
    seed: int,
    greedy: bool = True,
    lanes: int = 16,
) -> Evaluation:
    """Play ``episodes`` whole episodes in waves and report each. Raises EnvError."""
    full, rest = divmod(episodes, lanes)
    groups = [(lanes, full), (rest, 1)]
    games = [
        game
        for group, (width, waves) in enumerate(groups)
        if width and waves
        for game in _play(
            spec, policy, snapshot, lanes=width, waves=waves, base=mix(6, seed, group) >> 1, greedy=greedy
        )
    ]
    return Evaluation(
        returns=tuple(float(game.episode_returns[0]) for game in games),
        lengths=tuple(int(game.episode_lengths[0]) for game in games),
        seeds=tuple(int(game.episode_seeds[0]) for game in games),
    )


def _play(
    spec: EnvSpec, policy: Policy, snapshot: Snapshot, *, lanes: int, waves: int, base: int, greedy: bool
) -> Iterator[Trajectory]:
    def seed_of(lane: int, episode: int) -> int:
        return episode_seed(base=base, lane=lane, episode=episode)

    with make_lanes(spec, lanes, seed_source=seed_of, native=False) as made:
        player = Waves(made, policy, base_seed=base, keep_hidden=False, greedy=greedy)
        for wave in range(waves):
            yield from player.collect(snapshot, result=wave * lanes)
