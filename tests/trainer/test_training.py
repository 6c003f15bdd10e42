"""A run as the Trainer keeps it: what a batch's lags are, and what becomes of results that are no good."""

from __future__ import annotations

import json

import numpy as np
import pytest
from policy_trajectories import ACTIONS, OBSERVED, trajectory_of

from touchline.configs import load
from touchline.record import RunDirectory, load_checkpoint, read_lines
from touchline.trainer.failures import RunFailed
from touchline.trainer.method import Delivery
from touchline.trainer.policy_gradient import policy_of
from touchline.trainer.training import Training

STEPS = 6
VALUES = {
    "env.id": "CartPole-v1",
    "trainer.algorithm": "a2c",
    "trainer.gradient": "reuse",
    "trainer.epochs": 1,
    "trainer.minibatch_steps": "null",
    "trainer.normalize_advantage": "none",
    "staleness.correction": "none",
    "trainer.batch_steps": 2 * STEPS,
    "policy.hidden": "[5]",
    "stop.mean_return": "null",
}


class Run:
    """A Training with Players of two names that answer at once."""

    def __init__(self, path, **changes):
        values = VALUES | {key.replace("__", "."): value for key, value in changes.items()}
        config = load(None, [(key, str(value)) for key, value in values.items()]).config
        self.directory = RunDirectory.create(path, env="a", seed=0)
        policy = policy_of(config, OBSERVED, ACTIONS["categorical"])
        self.training = Training(config, policy, facts={}, run=self.directory, epoch=1, clock=lambda: 0.0)
        self.rng, self.seq = np.random.default_rng(0), [0, 0]

    def take(self, slot=0, *, version=None, may_publish=True, **changed):
        method = self.training.method
        live = method.live if version is None else version
        arrays = trajectory_of(
            method.policy, live, self.rng, steps=STEPS, lanes=1, autoreset=False
        ).to_arrays()
        seq, self.seq[slot] = self.seq[slot], self.seq[slot] + 1
        delivery = Delivery(slot, seq, live.version, arrays | changed, 0)
        return self.training.take(delivery, player=f"player-{slot}", may_publish=lambda: may_publish)

    def lags(self):
        self.directory.flush()
        return [line["lag"]["values"] for line in read_lines(self.directory.path / "metrics.jsonl")]


def rewards(number):
    return {"rewards": np.full((STEPS, 1), number, np.float32)}


def test_the_lags_of_an_update_are_those_of_its_own_batch(tmp_path):
    """All that waited for it is in it: nothing is left to grow older."""
    run = Run(tmp_path, trainer__batch_episodes=2, players__unroll_length="episode")
    first = run.training.method.live
    for _ in range(3):
        run.take(may_publish=False)
    run.take()
    run.take(version=first)
    assert not run.take(may_publish=False).changed
    run.take(version=first)
    assert run.lags() == [[0, 0, 0, 0], [1, 0, 1]]


def test_the_lag_of_the_run_is_over_what_was_learnt_from_and_over_nothing_else(tmp_path):
    """As in the lines: not what was dropped, what was set aside, nor what waits for a batch."""
    run = Run(tmp_path, staleness__max_lag=2, staleness__on_excess="drop")
    first = run.training.method.live
    for lag in range(3):
        run.take(version=first)
        run.take()
        assert run.training.lags.summary().max == lag
    run.take(version=first)  # too old by now
    run.take()
    run.take(**rewards(3e38))
    run.take(version=run.training.method.live)
    values = [lag for lags in run.lags() for lag in lags]
    assert values == [0, 0, 1, 0, 2, 0]
    summary = run.training.lags.summary()
    assert (summary.max, summary.mean, summary.p50) == (2, 0.5, 0)


@pytest.mark.parametrize(("told", "gap"), [(True, False), (False, True)])
def test_an_evaluation_between_two_results_is_no_gap_in_the_sums_of_rewards(tmp_path, told, gap):
    run = Run(tmp_path, trainer__normalize_rewards="true", trainer__batch_steps=STEPS)
    open_ended = {name: np.zeros((STEPS, 1), bool) for name in ("terminated", "truncated")}
    empty = {
        "final_steps": np.zeros((0, 2), np.int32),
        "final_observations": np.zeros((0, *OBSERVED.shape), np.float32),
        "final_values": np.zeros(0, np.float32),
        "episode_returns": np.zeros(0),
        "episode_lengths": np.zeros(0, np.int64),
        "episode_seeds": np.zeros(0, np.int64),
    }
    run.take(**rewards(1.0), **open_ended, **empty)
    before = run.training.method.optimizer_state()["rewards/sums/0"][1]
    run.seq[0] += 1
    if told:
        run.training.evaluation_came(0, 1)
    run.take(**rewards(0.0), **open_ended, **empty)
    number, after = run.training.method.optimizer_state()["rewards/sums/0"]
    assert number == (1 if told else 2)
    assert after == pytest.approx(0 if gap else before * 0.99**STEPS)


def test_a_result_that_is_no_trajectory_is_set_aside_with_whose_it_is(tmp_path):
    run = Run(tmp_path)
    absorbed = run.take(1, **rewards(np.nan))
    assert absorbed.settled == [((1, 0), "dropped_invalid")]
    (page,) = run.directory.crashes.glob("*.json")
    kept = json.loads(page.read_text())
    assert kept["detail"].startswith("rewards: expected finite numbers, found nan at [row 0, lane 0]")
    assert [(one["player"], one["seq"], one["version"]) for one in kept["results"]] == [("player-1", 0, 0)]
    assert run.lags() == []


def test_a_batch_that_gives_no_update_is_set_aside_whole_and_leaves_no_line(tmp_path):
    run = Run(tmp_path)
    run.take(0)
    absorbed = run.take(1, **rewards(3e38))
    assert absorbed.settled == [((0, 0), "dropped_invalid"), ((1, 0), "dropped_invalid")]
    (page,) = run.directory.crashes.glob("*.json")
    kept = json.loads(page.read_text())
    assert [(one["player"], one["seq"]) for one in kept["results"]] == [("player-0", 0), ("player-1", 0)]
    assert "of result 0 of player-1)" in kept["detail"]
    run.training.check()
    run.take(0)
    run.take(1)
    assert run.lags() == [[0, 0]]  # of the batch that came after it alone
    assert run.training.method.live.version == 1


def test_ten_results_in_a_row_end_the_run_and_a_good_one_between_does_not(tmp_path):
    run = Run(tmp_path)
    for _ in range(2):
        for _ in range(9):
            run.take(**rewards(np.inf))
            run.training.check()
        run.take()
    for _ in range(10):
        assert not run.training.hopeless
        run.take(**rewards(np.inf))
    assert run.training.hopeless
    with pytest.raises(
        RunFailed, match="10 results in a row were unusable: rewards: expected finite"
    ) as caught:
        run.training.check()
    assert caught.value.exit_code == 3
    assert len(list(run.directory.crashes.glob("*.npz"))) == 10


def test_what_cannot_even_be_read_counts_among_the_ten(tmp_path):
    run = Run(tmp_path)
    run.training.unreadable("torn")
    run.take()
    for _ in range(5):
        run.take(**rewards(np.inf))
        run.training.check()
        run.training.unreadable("torn")
    with pytest.raises(RunFailed, match="10 results in a row were unusable: torn"):
        run.training.check()


@pytest.mark.parametrize("spoilt", [0, 1])
def test_a_reward_that_would_end_learning_is_set_aside_with_its_place(tmp_path, spoilt):
    """1e30 is finite, and so is what the others become divided by it: 0."""
    run = Run(tmp_path, trainer__normalize_rewards="true")
    for slot in (0, 1):
        run.take(slot)
    scale = run.training.method.optimizer_state()["rewards/statistics"].tolist()
    huge = np.zeros((STEPS, 1), np.float32)
    huge[4] = -1e30
    run.take(spoilt, rewards=huge)
    absorbed = run.take(1 - spoilt)
    assert absorbed.failed
    assert f"reward -1e+30 at step 4, lane 0 of result 1 of player-{spoilt}" in absorbed.detail
    assert "the scale of rewards would go from " in absorbed.detail
    assert run.training.method.live.version == 1
    assert run.training.method.optimizer_state()["rewards/statistics"].tolist() == scale
    for slot in (0, 1):
        run.take(slot)
    assert run.training.method.live.version == 2


def test_ten_updates_in_a_row_end_the_run_though_every_result_was_a_trajectory(tmp_path):
    run = Run(tmp_path)
    for good in (True, False):
        for _ in range(9):
            run.take()
            run.take(**rewards(3e38))
            run.training.check()
        if good:
            run.take()
            run.take()
    run.take()
    run.take(**rewards(3e38))
    with pytest.raises(
        RunFailed, match=r"10 updates in a row were unusable: policy/0/weight: gradient is NaN"
    ) as caught:
        run.training.check()
    assert caught.value.exit_code == 3
    assert run.training.method.report()["updates"] == 1


def test_updates_of_one_result_each_are_counted_as_updates(tmp_path):
    run = Run(tmp_path, trainer__batch_steps=STEPS)
    for _ in range(10):
        assert run.take(**rewards(3e38)).failed
    with pytest.raises(RunFailed, match="10 updates in a row"):
        run.training.check()


def test_the_scale_of_rewards_is_in_the_checkpoint_and_reported_returns_are_not_scaled(tmp_path):
    run = Run(tmp_path, trainer__normalize_rewards="true")
    for slot in (0, 1):
        run.take(slot, **rewards(100.0), episode_returns=np.array([600.0]), episode_lengths=np.array([6]),
                 episode_seeds=np.array([1]))  # fmt: skip
    run.training.finish()
    saved = load_checkpoint(run.directory).optimizer
    assert saved["rewards/statistics"][0] == 2 * STEPS
    assert {"rewards/sums/0", "rewards/sums/1"} < saved.keys()
    returns = [line["returns"] for line in read_lines(run.directory.path / "episodes.jsonl")]
    assert returns == [[600.0], [600.0]]
