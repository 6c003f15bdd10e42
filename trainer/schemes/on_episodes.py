"""An environment as what is minimised: minus the mean return of a policy's parameters over whole episodes.

This is the bridge from document 001 to 000: whatever searches weights for a table searches policies as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.configs import Config
from touchline.policy.policy import Policy, Snapshot
from touchline.policy.seeds import weights_stream
from touchline.policy.spaces import from_plain
from touchline.trainer.policy_gradient import policy_of
from touchline.trainer.scheme import Arrays, ResultError, Returned, SchemeError, Task, expect
from touchline.trainer.schemes.on_points import TableTarget, Target, Work
from touchline.trainer.stopping import measured
from touchline.trainer.training import goal_of, weights_of

FloatArray = NDArray[np.float64]
STEPS_PER_SECOND = 30_000  # of a small environment, played greedily by one Player
STEPS_OF_AN_EPISODE = 1_000  # where the environment does not say how many there are at most


@dataclass(frozen=True, slots=True)
class EpisodesTarget:
    """What Players announced of an environment, and the policy that the config describes for it."""

    config: Config
    policy: Policy
    goal: float | None
    most_steps: int

    @staticmethod
    def of(config: Config, spaces: Mapping[str, Any], facts: Mapping[str, Any]) -> EpisodesTarget:
        """Raises SchemeError where no spaces were announced, SpaceError where no policy fits them."""
        missing = [name for name in ("observation", "action") if name not in spaces]
        if missing:
            raise SchemeError(
                f"spaces: expected {' and '.join(missing)}, found {', '.join(spaces) or 'nothing'}"
            )
        policy = policy_of(config, from_plain(spaces["observation"]), from_plain(spaces["action"]))
        steps = facts.get("max_episode_steps") or STEPS_OF_AN_EPISODE
        return EpisodesTarget(config, policy, goal_of(config, facts), steps)

    @property
    def size(self) -> int:
        return self.policy.network.layout.size

    @property
    def on_table(self) -> bool:
        return False

    @property
    def seconds_a_point(self) -> float:
        return self.config.evolution.episodes * self.most_steps / STEPS_PER_SECOND

    def first(self) -> FloatArray:
        return self.policy.network.init(weights_stream(self.config.seed)).astype(np.float64)

    def arrays(self, w: FloatArray) -> Arrays:
        return self._snapshot(w).to_arrays()

    def base(self, arrays: Arrays) -> FloatArray:
        return np.asarray(arrays["parameters"], np.float64)

    def weights(self, w: FloatArray) -> Arrays:
        return weights_of(self.policy, self._snapshot(w))

    def check(self, arrays: Arrays, points: int) -> None:
        _check_episodes(arrays, points * self.config.evolution.episodes)

    def work(self, results: Sequence[Returned], points: int) -> Work:
        returns = np.concatenate([result.arrays["returns"] for result in results])
        lengths = np.concatenate([result.arrays["lengths"] for result in results])
        return Work(int(lengths.sum()), returns.tolist(), lengths.tolist())

    def reached(self, value: float) -> str | None:
        if self.goal is None or -value < self.goal:
            return None
        return f"solved: mean return {measured(-value)} reached {self.goal:g}"

    def test(self) -> Sequence[Task]:
        """The live parameters themselves, on an evaluation's episodes."""
        return [Task("points", {"what": "centre"}, evaluates=True)]

    def check_test(self, task: Task, arrays: Arrays) -> None:
        _check_episodes(arrays, self.config.eval.episodes)

    def tested(self, results: Sequence[Returned]) -> Mapping[str, float]:
        returns = np.concatenate([result.arrays["returns"] for result in results])
        return {"test_return": float(returns.mean())}

    def _snapshot(self, w: FloatArray) -> Snapshot:
        first = self.policy.first_snapshot(
            np.random.default_rng(0), epoch=0
        )  # statistics that have seen nothing
        return Snapshot.of(self.policy, 0, 0, w.astype(np.float32), first.statistics)


def target_of(config: Config, spaces: Mapping[str, Any], facts: Mapping[str, Any]) -> Target:
    """What a Player announced, as a function to be minimised. Raises SchemeError, TargetError, SpaceError."""
    if "table" in spaces:
        return TableTarget.of(config, spaces)
    return EpisodesTarget.of(config, spaces, facts)


def _check_episodes(arrays: Arrays, episodes: int) -> None:
    expect(arrays, "returns", shape=(episodes,))
    lengths = expect(arrays, "lengths", shape=(episodes,), dtype="int64")
    if (least := int(lengths.min(initial=1))) < 1:
        raise ResultError(f"lengths: expected episodes of 1 step or more, found {least}")
