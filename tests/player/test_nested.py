"""Environments of several parts, played as a Player does: stored, drawn, handed over, sent and read back."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from touchline.envs.errors import EnvironmentFault
from touchline.envs.make import make_lanes
from touchline.envs.spec import EnvSpec
from touchline.player.unrolls import Unrolls
from touchline.player.waves import BLOCK_STEPS, Waves
from touchline.policy.policy import Policy
from touchline.policy.records import Record
from touchline.policy.seeds import episode_seed, weights_stream
from touchline.policy.trajectory import Trajectory, TrajectoryError

SEED = 3
LANES = 3


class Rover(gymnasium.Env[Any, Any]):
    """Random observations of four kinds; refuses an action that is not in its space. Truncates after ``length`` steps.

    ``ill``: the final observation holds no number.
    """

    observation_space = spaces.Dict(
        {
            "camera": spaces.Box(0, 255, (4, 5, 3), np.uint8),
            "speed": spaces.Box(-1.0, 1.0, (3,), np.float32),
            "gear": spaces.Tuple((spaces.Discrete(3, start=1), spaces.MultiBinary((2, 2)))),
            "map": spaces.MultiDiscrete([[2, 3], [4, 5]], start=[[1, 0], [0, -1]]),
        }
    )
    action_space = spaces.Dict(
        {
            "go": spaces.Discrete(2),
            "arm": spaces.Tuple((spaces.Box(-2.0, 2.0, (2,), np.float64), spaces.MultiBinary(3))),
            "tool": spaces.MultiDiscrete([2, 3], start=[1, 1]),
        }
    )

    def __init__(self, length: int = 7, ill: bool = False) -> None:
        self.length, self.ill = length, ill

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.observation_space.seed(seed)
        self.steps = 0
        return self.observation_space.sample(), {}

    def step(self, action: Any) -> Any:
        assert self.action_space.contains(action), action
        self.steps += 1
        observation = self.observation_space.sample()
        over = self.steps >= self.length
        if self.ill and over:
            observation["speed"][1] = np.nan
        return observation, 1.0, False, over, {}


def lanes_of(**kwargs: Any) -> Any:
    def seed_of(lane: int, episode: int) -> int:
        return episode_seed(base=SEED, lane=lane, episode=episode)

    return make_lanes(EnvSpec(id=Rover, kwargs=kwargs), LANES, seed_source=seed_of)


def policy_of(lanes: Any, **form: Any) -> Policy:
    return Policy.build(
        observation_space=lanes.observation_space, action_space=lanes.action_space, hidden=(8,), **form
    )


FORMS: list[dict[str, Any]] = [
    {},
    {"binary": "sigmoid", "std": "state", "squash": True, "noise_correlation": 0.9},
    {"normalize": True, "shared": True},
]


@pytest.mark.parametrize("form", FORMS)
def test_an_unroll_crosses_the_wire(form):
    with lanes_of() as lanes:
        policy = policy_of(lanes, **form)
        snapshot = policy.first_snapshot(weights_stream(0), epoch=1)
        unrolls = Unrolls(lanes, policy, length=20, base_seed=SEED, keep_hidden=True)
        played = unrolls.collect(snapshot, result=0)
    assert unrolls.outside == 0
    assert (played.actions.shape, played.actions.dtype) == ((20, LANES, 8), np.float32)
    assert played.final_steps.tolist() == [[t, lane] for t in (6, 13) for lane in range(LANES)]
    read = Trajectory.from_arrays(policy, played.to_arrays(), hidden=True)
    np.testing.assert_array_equal(read.observations, played.observations)
    rows = played.head.reshape(60, -1), played.actions.reshape(60, -1)
    np.testing.assert_allclose(policy.distribution.log_prob(*rows), played.log_probs.reshape(-1), rtol=1e-6)
    assert np.isfinite(played.values).all()


def test_whole_episodes_are_played_in_waves():
    with lanes_of(length=5) as lanes:
        policy = policy_of(lanes)
        waves = Waves(lanes, policy, base_seed=SEED, keep_hidden=True)
        games = list(waves.collect(policy.first_snapshot(weights_stream(0), epoch=1), result=0))
    assert [game.shape for game in games] == [(5, 1)] * LANES
    for game in games:
        np.testing.assert_array_equal(game.final_observations[0], game.observations[-1, 0])
        Trajectory.from_arrays(policy, game.to_arrays(), hidden=True)


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (("speed",), np.inf, r"observations\['speed'\]: expected finite"),
        (("gear", 0), 9, r"observations\['gear'\]\[0\]: expected 1 to below 4, found 9"),
    ],
)
def test_a_peers_record_is_looked_into(path, value, says):
    with lanes_of() as lanes:
        policy = policy_of(lanes)
        unrolls = Unrolls(lanes, policy, length=4, base_seed=SEED, keep_hidden=False)
        played = unrolls.collect(policy.first_snapshot(weights_stream(0), epoch=1), result=0)
    record = Record.of(policy.observation_space)
    (leaf,) = [leaf for leaf in record.leaves if leaf.path == path]
    record.view(played.observations, leaf)[2, 1] = value
    with pytest.raises(TrajectoryError, match=says):
        Trajectory.from_arrays(policy, played.to_arrays(), hidden=False)


def test_a_final_observation_that_is_no_number_is_placed_in_its_episode():
    with lanes_of(ill=True) as lanes:
        lanes.lenient = False
        policy = policy_of(lanes)
        unrolls = Unrolls(lanes, policy, length=10, base_seed=SEED, keep_hidden=False)
        with pytest.raises(EnvironmentFault) as caught:
            unrolls.collect(policy.first_snapshot(weights_stream(0), epoch=1), result=0)
    fault = caught.value
    assert fault.where == "observation['speed']"
    assert (fault.lane, fault.step, fault.seed) == (0, 7, episode_seed(base=SEED, lane=0, episode=0))
    assert (fault.found, len(fault.last_actions)) == ("nan in element [1]", 7)


def test_lenient_lanes_hand_such_an_episode_on():
    with lanes_of(ill=True) as lanes:
        lanes.lenient = True
        policy = policy_of(lanes)
        unrolls = Unrolls(lanes, policy, length=10, base_seed=SEED, keep_hidden=False)
        played = unrolls.collect(policy.first_snapshot(weights_stream(0), epoch=1), result=0)
    assert np.isnan(played.episode_returns).any()


class Echo(gymnasium.Env[Any, Any]):
    """Shows the action it was given."""

    observation_space = spaces.Box(-9.0, 9.0, (2,), np.float32)
    action_space = spaces.Box(np.float32([-2, 0]), np.float32([2, 4]))

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        self.steps = 0
        return np.zeros(2, np.float32), {}

    def step(self, action: Any) -> Any:
        self.steps += 1
        return action, 0.0, False, self.steps >= 9, {}


@pytest.mark.parametrize("waves", [True, False])
@pytest.mark.parametrize("squash", [True, False])
def test_the_form_says_how_actions_come_into_their_bounds(waves, squash):
    with make_lanes(EnvSpec(id=Echo), 2, seed_source=lambda lane, episode: 0) as lanes:
        policy = policy_of(lanes, squash=squash)
        snapshot = policy.first_snapshot(weights_stream(0), epoch=1)
        if waves:
            player = Waves(lanes, policy, base_seed=SEED, keep_hidden=False)
            games = list(player.collect(snapshot, result=0))
        else:
            unrolls = Unrolls(lanes, policy, length=8, base_seed=SEED, keep_hidden=False)
            games = [unrolls.collect(snapshot, result=0)]
    for game in games:
        clipped = np.clip(game.actions, [-2, 0], [2, 4])
        squashed = [0, 2] + 2 * np.tanh(game.actions)
        assert not np.allclose(clipped, game.actions)
        np.testing.assert_allclose(
            game.observations[1:], squashed if squash else clipped, rtol=1e-5, atol=1e-6
        )


# Correlated noise over the blocks in which a wave draws it.


class Still(gymnasium.Env[Any, Any]):
    """Nothing changes, for ``length`` steps."""

    observation_space = spaces.Box(-1.0, 1.0, (1,), np.float32)
    action_space = spaces.Box(-1.0, 1.0, (2,), np.float32)

    def __init__(self, length: int) -> None:
        self.length = length

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        self.steps = 0
        return np.zeros(1, np.float32), {}

    def step(self, action: Any) -> Any:
        self.steps += 1
        return np.zeros(1, np.float32), 0.0, False, self.steps >= self.length, {}


def noise_of(rho: float) -> np.ndarray:
    """The standardised actions ``[T, 2]`` of a game of many blocks: one normal each, for nothing else changes."""
    spec = EnvSpec(id=Still, kwargs={"length": 40 * BLOCK_STEPS})
    with make_lanes(spec, 1, seed_source=lambda lane, episode: 0, native=False) as lanes:
        policy = policy_of(lanes, noise_correlation=rho)
        waves = Waves(lanes, policy, base_seed=SEED, keep_hidden=False)
        (game,) = waves.collect(policy.first_snapshot(weights_stream(0), epoch=1), result=0)
    return (game.actions[:, 0] - game.head[:, 0, :2]).astype(np.float64)


def test_a_waves_noise_runs_on_from_block_to_block():
    """What one step adds is √(1 − ρ²) of a normal, also where a block begins."""
    rho = 0.99
    noise = noise_of(rho)
    fresh = (noise[1:] - rho * noise[:-1]) / np.sqrt(1 - rho**2)
    edges = fresh[BLOCK_STEPS - 1 :: BLOCK_STEPS]
    assert edges.shape == (39, 2)
    assert abs(edges.std() - 1) < 4 / np.sqrt(2 * edges.size)
    assert abs(fresh.std() - 1) < 4 / np.sqrt(2 * fresh.size)


def test_without_correlation_steps_are_independent():
    noise = noise_of(0.0)
    assert abs((noise[1:] * noise[:-1]).mean()) < 4 / np.sqrt(noise[1:].size)
