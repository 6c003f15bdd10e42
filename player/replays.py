"""Numbered trajectories: each a pure function of the run's seed, its number and the weights, so that any Player can
play it again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.envs.make import make_lanes
from touchline.envs.spec import EnvSpec
from touchline.player.unrolls import Unrolls
from touchline.policy.policy import Policy, Snapshot
from touchline.policy.seeds import episode_seeds, trajectory_seed
from touchline.policy.trajectory import Trajectory
from touchline.targets.played import PlayedRows

SeedSource = Callable[[int, int], int]


class NumberedLanes:
    """Lanes that begin anew for each trajectory: T steps of B lanes from fresh resets."""

    def __init__(
        self, spec: EnvSpec, *, lanes: int, length: int, run_seed: int, goes_on: Callable[[], bool]
    ) -> None:
        """``goes_on`` is asked at each step. Raises EnvError."""
        self._source = _Source()
        self.lanes = make_lanes(spec, lanes, seed_source=self._source, native=False)
        self._length, self._run_seed, self._goes_on = length, run_seed, goes_on
        self.outside = 0  # numbers beyond the bounds of the observation space

    def play(self, policy: Policy, snapshot: Snapshot, number: int) -> Trajectory | None:
        """Trajectory ``number`` with its hidden states, new arrays; None when told to stop on the way.

        Raises EnvironmentFault.
        """
        base = trajectory_seed(run_seed=self._run_seed, number=number)
        self._source.begin(episode_seeds(base=base, lanes=self.lanes.count))
        unrolls = Unrolls(
            self.lanes,
            policy,
            length=self._length,
            base_seed=base,
            keep_hidden=True,
            progress=lambda step: self._goes_on(),
        )
        played = unrolls.collect(snapshot, result=0)
        self.outside += unrolls.outside
        return played

    def close(self) -> None:
        """Release the environments. Closing twice does nothing."""
        self.lanes.close()


class Replays:
    """The steps of the trajectories that were needed last; what is not kept is played again."""

    def __init__(self, lanes: NumberedLanes, policy: Policy, *, keep: int) -> None:
        self._lanes, self._policy, self._keep = lanes, policy, keep
        self._kept: OrderedDict[int, _Kept] = OrderedDict()
        self.played = 0

    def play(self, snapshot: Snapshot, number: int) -> Trajectory | None:
        """Play it, and keep its steps. None when told to stop on the way. Raises EnvironmentFault."""
        trajectory = self._lanes.play(self._policy, snapshot, number)
        if trajectory is None:
            return None
        self.played += 1
        rows = PlayedRows.of(self._policy, snapshot, trajectory)
        self._kept[number] = _Kept(rows, snapshot.weights.flat)
        self._kept.move_to_end(number)
        while len(self._kept) > self._keep:
            self._kept.popitem(last=False)
        return trajectory

    def rows(self, snapshot: Snapshot, number: int) -> PlayedRows | None:
        """The steps that this snapshot's weights play under the number. None when told to stop on the way.

        Raises EnvironmentFault.
        """
        kept = self._kept.get(number)
        if kept is None or not np.array_equal(kept.parameters, snapshot.weights.flat):
            if self.play(snapshot, number) is None:
                return None
            kept = self._kept[number]
        return kept.rows


@dataclass(frozen=True, slots=True)
class _Kept:
    rows: PlayedRows
    parameters: NDArray[Any]  # float32 [size], of the version that played, which is never written again


class _Source:
    """A seed source that is told the seeds of the next trajectory; episodes are counted anew with each."""

    def __init__(self) -> None:
        self._seeds: SeedSource = lambda lane, episode: 0
        self._first: dict[int, int] = {}

    def begin(self, seeds: SeedSource) -> None:
        self._seeds = seeds
        self._first.clear()

    def __call__(self, lane: int, episode: int) -> int:
        first = self._first.setdefault(lane, episode)
        return self._seeds(lane, episode - first)
