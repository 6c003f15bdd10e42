"""Many policies at once on some lanes: each episode is what one policy alone would have played."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from touchline.configs import Config
from touchline.envs.errors import EnvironmentFault
from touchline.envs.spec import EnvSpec
from touchline.player.evaluate import Evaluator
from touchline.player.play import policy_for
from touchline.player.population import Population, serves
from touchline.policy.policy import Snapshot

SEEDS = (11, 7, 5)


class Both(gymnasium.Env):
    """Rewards a force and a choice, over five steps of observations that the seed draws."""

    observation_space = spaces.Box(-1, 1, (3,), np.float32)
    action_space = spaces.Tuple((spaces.Box(-1, 1, (1,), np.float32), spaces.Discrete(3)))

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.steps = 0
        return self._seen(), {}

    def step(self, action):
        self.steps += 1
        force, choice = action
        return self._seen(), float(force[0] + choice), False, self.steps == 5, {}

    def _seen(self):
        return self.np_random.uniform(-1, 1, 3).astype(np.float32)


def population(env="CartPole-v1", *, lanes=4, goes_on=lambda: True, **policy):
    config = Config.model_validate({"env": {"id": "any"}, "policy": {"hidden": (8,), **policy}})
    made = Population(EnvSpec(env, kwargs={}), lanes, goes_on=goes_on)
    return made, policy_for(config, made.lanes)


def parameters(policy, count, *, scale=1.0):
    rng = np.random.default_rng(0)
    first = policy.network.init(rng)
    return [(first + scale * rng.standard_normal(len(first))).astype(np.float32) for _ in range(count)]


def played_by(policies, *, lanes, env="CartPole-v1", seeds=SEEDS, **policy):
    made, form = population(env, lanes=lanes, **policy)
    try:
        return made.play(form, iter(parameters(form, policies)), seeds)
    finally:
        made.close()


@pytest.mark.parametrize("lanes", [1, 2, 5, 16, 40])
def test_what_is_played_does_not_depend_on_the_lanes(lanes):
    found, reference = played_by(6, lanes=lanes), played_by(6, lanes=3)
    assert found.returns.shape == found.lengths.shape == (6, len(SEEDS))
    np.testing.assert_array_equal(found.returns, reference.returns)
    np.testing.assert_array_equal(found.lengths, reference.lengths)
    assert len(set(found.returns.reshape(-1))) > 3  # some games go on while others begin


def test_nor_on_the_policies_played_beside_it():
    made, form = population()
    points = parameters(form, 6)
    whole = made.play(form, iter(points), SEEDS)
    for number, point in enumerate(points):
        alone = made.play(form, iter([point]), SEEDS)
        np.testing.assert_array_equal(alone.returns[0], whole.returns[number])
    made.close()


@pytest.mark.parametrize(
    ("env", "policy"),
    [
        ("CartPole-v1", {}),
        ("CartPole-v1", {"hidden": (), "bias": False}),
        ("CartPole-v1", {"hidden": (8, 4), "activation": "relu", "shared": True}),
        ("CartPole-v1", {"binary": "sigmoid", "value": False}),
        ("Pendulum-v1", {"activation": "elu"}),
        ("Pendulum-v1", {"std": "state", "squash": True}),
        ("FrozenLake-v1", {}),
        (Both, {}),
    ],
)
def test_the_episodes_are_those_of_the_policy_alone(env, policy):
    made, form = population(env, **policy)
    points = parameters(form, 3)
    found = made.play(form, iter(points), [3])
    with Evaluator(EnvSpec(env), form, lanes=1) as evaluator:
        for number, point in enumerate(points):
            first = form.first_snapshot(np.random.default_rng(0), epoch=0)
            snapshot = Snapshot.of(form, 0, 0, point.copy(), first.statistics)
            alone = evaluator.play(snapshot, episodes=1, seed=0)
            again = made.play(form, iter([point]), alone.seeds)
            np.testing.assert_allclose(again.returns[0], alone.returns, rtol=1e-5)
            assert again.lengths[0].tolist() == list(alone.lengths)
            assert np.isfinite(found.returns[number]).all()
    made.close()


def test_a_game_that_a_lane_has_begun_is_played_whichever_lane_is_asked_first(monkeypatch):
    made, form = population(Both, lanes=2)
    step = made.lanes.step

    def turned(actions, out, active):
        step(actions, out, active)
        out.ended.reverse()

    monkeypatch.setattr(made.lanes, "step", turned)
    found = made.play(form, iter(parameters(form, 3)), [3])
    assert found.lengths.tolist() == [[5]] * 3
    made.close()


def test_lanes_are_used_again():
    made, form = population(lanes=3)
    first = made.play(form, iter(parameters(form, 5)), SEEDS)
    again = made.play(form, iter(parameters(form, 5)), SEEDS)
    np.testing.assert_array_equal(first.returns, again.returns)
    made.close()


def test_told_to_stop_there_is_nothing():
    asked = []
    made, form = population(goes_on=lambda: len(asked) < 20 and asked.append(1) is None)
    assert made.play(form, iter(parameters(form, 8)), SEEDS) is None
    assert len(asked) == 20
    made.close()


def test_an_observation_that_is_no_number_is_a_fault(monkeypatch):
    made, form = population(lanes=2)
    step = made.lanes.step

    def broken(actions, out, active):
        step(actions, out, active)
        out.observations[1] = np.nan

    monkeypatch.setattr(made.lanes, "step", broken)
    with pytest.raises(
        EnvironmentFault, match=r"observation: expected .* found .*nan.*\(lane 1, episode seed 7"
    ):
        made.play(form, iter(parameters(form, 2)), SEEDS)
    made.close()


@pytest.mark.parametrize(
    "policy", [{"recurrent": "gru", "shared": True}, {"layer_norm": True}], ids=["recurrent", "layer norm"]
)
def test_other_networks_are_not_served(policy):
    made, form = population(**policy)
    assert not serves(form)
    made.close()


def test_every_observation_that_is_acted_on_is_looked_at(monkeypatch):
    made, form = population(Both, lanes=2)
    step = made.lanes.step

    def stray(actions, out, active):
        step(actions, out, active)
        out.observations[:, 0] = 3.0

    monkeypatch.setattr(made.lanes, "step", stray)
    made.play(form, iter(parameters(form, 3)), [1])  # a lane plays the third game alone
    assert made.outside == 3 * 4 + 1  # not what reset gave the first two
    made.close()
