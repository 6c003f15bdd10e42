"""touchline with the preset pong-pixels does what the article describes, step by step, and alike in every mode."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from pong_from_pixels import RATE, Agent, returns, standardised
from tiny_pong import TinyPong

from touchline.configs import Config, load
from touchline.envs.resolve import resolve
from touchline.envs.spec import EnvSpec
from touchline.launch.local import train
from touchline.player.play import Play, lanes_of, policy_for
from touchline.policy.seeds import action_stream, episode_seed, player_seed
from touchline.policy.trajectory import Trajectory
from touchline.record import RunDirectory, checkpoint_versions, load_checkpoint, read_lines
from touchline.targets.optimizers import RMSProp
from touchline.trainer.batch import Piece
from touchline.trainer.estimates import estimate
from touchline.trainer.method import Delivery
from touchline.trainer.policy_gradient import PolicyGradient

TINY = {
    "env.id": f"{Path(__file__).parent / 'tiny_pong.py'}:TinyPong",
    "env.wrappers": "[]",
    "policy.hidden": "[12]",
    "trainer.batch_episodes": "4",
    "stop.mean_return": "null",
}
CLOSE = {"rtol": 1e-5, "atol": 1e-6}  # of float32 against float64: activations and gradients


def config_of(**changes: object) -> Config:
    values = TINY | {key.replace("__", "."): str(value) for key, value in changes.items()}
    return load("pong-pixels", list(values.items())).config


class Both:
    """touchline and the reference with the same weights, episode seeds and noise."""

    def __init__(self, config: Config, env: gymnasium.Env) -> None:
        self.base = player_seed(run_seed=config.seed, slot=0, incarnation=0)
        self.lanes = lanes_of(config, base_seed=self.base)
        self.policy = policy_for(config, self.lanes)
        self.method = PolicyGradient(self.policy, config, epoch=1)
        self.play = Play(self.lanes, self.policy, self.method.standing().arguments, base_seed=self.base)
        self.env, self.played = env, 0
        weights = self.method.live.weights
        (hidden,) = weights.policy_torso.values()
        self.agent = Agent(hidden.T, weights.policy_head.weight[:, 0])

    def uniform(self, result: int) -> Iterator[float]:
        """The noise of a result as uniform numbers: x + l > 0 where 1 / (1 + e^l) < sigmoid(x)."""
        block = 0
        while True:
            rng = action_stream(base=self.base, result=result, block=block)
            for noise in self.policy.distribution.draw_noise(rng, (64, 1))[:, 0, 0].tolist():
                yield 1 / (1 + np.exp(noise))
            block += 1

    def episode(self):
        """The next episode by each, and what touchline's Trainer makes of it: it is absorbed."""
        result, self.played = self.played, self.played + 1
        live = self.method.live
        (trajectory,) = self.play.results(live, seq=result)
        seed = episode_seed(base=self.base, lane=0, episode=result)
        episode = self.agent.play(self.env, seed=seed, uniform=self.uniform(result))
        absorbed = self.method.absorb(Delivery(0, result, live.version, trajectory.to_arrays(sparse=True), 0))
        assert (absorbed.lag, absorbed.detail) == (0, "")
        return trajectory, episode, absorbed


def assert_same_game(trajectory: Trajectory, episode) -> None:
    np.testing.assert_array_equal(trajectory.observations[:-1, 0], episode.x)
    np.testing.assert_array_equal(trajectory.actions[:, 0], episode.y)
    np.testing.assert_array_equal(trajectory.rewards[:, 0], episode.reward)
    np.testing.assert_allclose(trajectory.hidden[0][:, 0], episode.h, **CLOSE)
    np.testing.assert_allclose(trajectory.head[:, 0, 0], episode.logit, **CLOSE)
    chosen = np.where(episode.y == 1, episode.p, 1 - episode.p)
    np.testing.assert_allclose(np.exp(trajectory.log_probs[:, 0]), chosen, **CLOSE)
    np.testing.assert_array_equal(trajectory.values, 0)


def assert_same_advantages(both: Both, trajectory: Trajectory, episode, version_played) -> None:
    """Returns begun anew at every point, standardised over the episode, each row of weight 1."""
    piece = Piece(trajectory, version_played, 0, 1.0)
    (rows,) = estimate([piece], both.policy, version_played, both.method.settings)
    np.testing.assert_allclose(rows.targets, returns(episode.reward), **CLOSE)
    np.testing.assert_allclose(rows.advantages, standardised(returns(episode.reward)), **CLOSE)
    np.testing.assert_array_equal(rows.weights, 1)


def assert_same_weights(both: Both, *, slack: float) -> None:
    weights, agent = both.method.live.weights, both.agent
    (hidden,) = weights.policy_torso.values()
    for found, expected in ((hidden.T, agent.W1), (weights.policy_head.weight[:, 0], agent.W2)):
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=slack)


@pytest.fixture
def gradients(monkeypatch):
    """Every gradient that reaches the optimiser."""
    seen, step = [], RMSProp.step

    def spy(self, parameters, gradient, *, learning_rate):
        assert learning_rate == RATE
        seen.append(gradient.copy())
        step(self, parameters, gradient, learning_rate=learning_rate)

    monkeypatch.setattr(RMSProp, "step", spy)
    return seen


def assert_follows(both: Both, gradients, *, updates: int, batch: int, slack: float) -> None:
    """``slack``: how far a weight may be off."""
    for update in range(updates):
        episodes = []
        for i in range(batch):
            live = both.method.live
            trajectory, episode, absorbed = both.episode()
            assert absorbed.changed == (i == batch - 1)
            assert_same_game(trajectory, episode)
            assert_same_advantages(both, trajectory, episode, live)
            episodes.append(episode)
        g1, g2 = (sum(parts) for parts in zip(*map(both.agent.gradient, episodes), strict=True))
        found = both.policy.network.bind(gradients[update])
        (hidden,) = found.policy_torso.values()
        for mine, theirs in ((hidden.T, g1), (found.policy_head.weight[:, 0], g2)):
            np.testing.assert_allclose(-mine, theirs, rtol=1e-4, atol=1e-5 * np.abs(theirs).max())
        both.agent.learn(episodes)
        assert_same_weights(both, slack=slack)
    assert len(gradients) == updates == both.method.live.version


def test_it_follows_the_reference_step_by_step(gradients):
    both = Both(config_of(), TinyPong())
    with both.lanes:
        assert_follows(both, gradients, updates=6, batch=4, slack=1e-7)


@pytest.mark.slow
def test_it_follows_the_reference_through_pong_itself(gradients):
    """A first step is near the greatest there is wherever a pixel was seen, however its gradients cancel: float32 then
    tells a weight to a thousandth of that."""
    pytest.importorskip("ale_py")
    config = load("pong-pixels", [("trainer.batch_episodes", "1")]).config
    env = resolve(EnvSpec(id=config.env.id, wrappers=config.env.wrappers)).make()
    both = Both(config, env)
    with both.lanes:
        assert_follows(both, gradients, updates=1, batch=1, slack=1e-3 * 10 * RATE)
    env.close()


def test_the_preset_has_the_articles_constants():
    config = load("pong-pixels").config
    assert (config.policy.hidden, config.trainer.batch_episodes, config.trainer.gamma) == ((200,), 10, 0.99)
    optimizer = config.optimizer
    assert (optimizer.learning_rate, optimizer.decay, optimizer.epsilon) == (1e-4, 0.99, 1e-5)
    assert (config.players.count, config.players.lanes, optimizer.max_gradient_norm) == (1, 1, None)


def test_initial_weights_have_the_deviation_of_the_article():
    """1 / √inputs everywhere, and no biases."""
    config = config_of(policy__hidden="[2000]")
    with lanes_of(config, base_seed=0) as lanes:
        weights = PolicyGradient(policy_for(config, lanes), config, epoch=1).live.weights
    (hidden,) = weights.policy_torso.values()
    assert hidden.std() == pytest.approx(1 / np.sqrt(30), rel=0.02)
    assert weights.policy_head.weight.std() == pytest.approx(1 / np.sqrt(2000), rel=0.1)
    assert weights.flat.size == 30 * 2000 + 2000
    assert weights.value_head is None


def trained(tmp_path, name: str, **changes: object) -> RunDirectory:
    run = RunDirectory.create(tmp_path, env="tiny", seed=0, name=name)
    summary = train(config_of(stop__steps=1500, **changes), run)
    assert summary is not None
    assert (summary.lag.max, summary.ledger.total["dropped_stale"]) == (0, 0)
    return run


def test_one_player_of_its_own_equals_one_process_bit_for_bit(tmp_path):
    serial = trained(tmp_path, "serial", mode="serial")
    alone = trained(tmp_path, "async")
    losses = [[line["loss"] for line in read_lines(run.path / "metrics.jsonl")] for run in (serial, alone)]
    assert losses[0] == losses[1]
    assert len(losses[0]) >= 3
    files = [
        (run.checkpoints / str(checkpoint_versions(run)[-1]) / "weights.safetensors").read_bytes()
        for run in (serial, alone)
    ]
    assert files[0] == files[1]


def test_every_update_is_of_so_many_episodes_and_moves_no_weight_further_than_its_bound(tmp_path):
    """c >= (1 − decay) g², so that a step is at most 10 times the rate: lag bounds a snapshot's distance."""
    run = trained(tmp_path, "serial", mode="serial")
    lines = list(read_lines(run.path / "metrics.jsonl"))
    assert [len(line["lag"]["values"]) for line in lines] == [4] * len(lines)
    lengths = [length for line in read_lines(run.path / "episodes.jsonl") for length in line["lengths"]]
    trained_steps = np.add.reduceat(lengths, range(0, 4 * len(lines), 4))[: len(lines)]
    assert np.cumsum(trained_steps).tolist() == [line["steps"] for line in lines]
    first, last = (load_checkpoint(run, version) for version in (0, len(lines)))
    for name, array in last.weights.items():
        if name != "normalizer/statistics":
            moved = np.abs(array - first.weights[name]).max()
            assert 0 < moved <= 10 * RATE * len(lines) * (1 + 1e-4)
