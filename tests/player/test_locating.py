"""A fault seen at the end of an unroll is told with the seed, the step and the actions of its own episode."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest

from touchline.envs.errors import EnvironmentFault
from touchline.envs.make import make_lanes
from touchline.envs.spec import EnvSpec
from touchline.player.play import Play
from touchline.policy.policy import Policy
from touchline.policy.seeds import episode_seed, weights_stream

SEED = 5


class Ill(gymnasium.Env):
    """Episodes of ``length`` steps that show their step; in a lane's episode ``episode``, step ``at`` is no number."""

    observation_space = gymnasium.spaces.Box(-100, 100, (1,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)

    def __init__(self, length: int, episode: int, at: int) -> None:
        self.length, self.episode, self.at = length, episode, at
        self.episodes, self.steps = -1, 0

    def _seen(self) -> np.ndarray:
        ill = (self.episodes, self.steps) == (self.episode, self.at)
        return np.array([np.nan if ill else self.steps], np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.episodes, self.steps = self.episodes + 1, 0
        return self._seen(), {}

    def step(self, action):
        self.steps += 1
        return self._seen(), 1.0, self.steps == self.length, False, {}


def fault_of(length: int | str, **kwargs: int) -> EnvironmentFault:
    def seed_of(lane: int, episode: int) -> int:
        return episode_seed(base=SEED, lane=lane, episode=episode)

    spec = EnvSpec(Ill, kwargs={"length": 12, **kwargs})
    with make_lanes(spec, 3, seed_source=seed_of, native=False) as lanes:
        policy = Policy.build(
            observation_space=lanes.observation_space,
            action_space=lanes.action_space,
            hidden=(4,),
            activation="tanh",
            shared=False,
            log_std=0.0,
            normalize=False,
        )
        arguments = {"unroll_length": length, "hidden": False, "greedy": False}
        play = Play(lanes, policy, arguments, base_seed=SEED)
        lanes.lenient = False  # as in an evaluation, of which no Trainer could set anything aside
        snapshot = policy.first_snapshot(weights_stream(0), epoch=1)
        results = (one for seq in range(10) for one in play.results(snapshot, seq=seq))
        with pytest.raises(EnvironmentFault) as caught, np.errstate(invalid="ignore"):
            list(results)
    return caught.value


@pytest.mark.parametrize("length", [7, 10, 40, 100, "episode"])
@pytest.mark.parametrize(("episode", "at"), [(0, 3), (1, 5), (2, 11)])
def test_the_place_is_that_of_the_episode(length, episode, at):
    fault = fault_of(length, episode=episode, at=at)
    lane = fault.lane
    assert fault.seed == episode_seed(base=SEED, lane=lane, episode=episode)
    assert fault.step == at
    assert fault.found.startswith("nan")
    assert len(fault.last_actions) <= at
    assert f"episode seed {fault.seed}" in str(fault)
