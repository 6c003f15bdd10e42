"""The main method: results in, fates and versions out."""

from __future__ import annotations

import re

import numpy as np
import pytest
from policy_trajectories import ACTIONS, OBSERVED, trajectory_of

from touchline.configs import load
from touchline.targets.optimizers import SGD, Adam, RMSProp
from touchline.trainer.method import Delivery
from touchline.trainer.policy_gradient import PolicyGradient, optimizer_of, policy_of
from touchline.trainer.settings import Settings
from touchline.trainer.update import Updater

STEPS, LANES = 6, 2  # of one result
REUSE = {
    "trainer.algorithm": "a2c",
    "trainer.gradient": "reuse",
    "trainer.epochs": 1,
    "trainer.minibatch_steps": "null",
    "staleness.correction": "none",
    "trainer.batch_steps": 2 * STEPS * LANES,
    "players.unroll_length": STEPS,
    "players.lanes": LANES,
    "policy.hidden": "[5, 4]",
}
PPO = {
    "trainer.batch_steps": 2 * STEPS * LANES,
    "trainer.minibatch_steps": STEPS * LANES,
    "trainer.epochs": 3,
    "policy.hidden": "[5]",
}


def config_of(values):
    return load(
        None, [("env.id", "CartPole-v1"), *((key, str(value)) for key, value in values.items())]
    ).config


class Trainer:
    """A method, and Players that answer at once with whatever version they are told to hold."""

    def __init__(self, values=REUSE, **changes):
        config = config_of(values | {key.replace("__", "."): value for key, value in changes.items()})
        self.method = PolicyGradient(policy_of(config, OBSERVED, ACTIONS["categorical"]), config, epoch=1)
        self.rng, self.seq = np.random.default_rng(0), 0
        self.versions = {0: self.method.live}

    def deliver(self, version=None, *, arrays=None, may_publish=True):
        """One result of ``version``, the live one if not said; (key, what came of it)."""
        version = self.method.live.version if version is None else version
        if arrays is None:
            arrays = self.arrays(version)
        key, self.seq = (0, self.seq), self.seq + 1
        delivery = Delivery(slot=0, seq=key[1], version=version, arrays=arrays, lag_play=0)
        absorbed = self.method.absorb(delivery, may_publish=lambda: may_publish)
        self.versions[self.method.live.version] = self.method.live
        return key, absorbed

    def arrays(self, version):
        snapshot = self.versions[version]
        kwargs = {"steps": STEPS, "lanes": LANES, "autoreset": False}
        sent = trajectory_of(self.method.policy, snapshot, self.rng, **kwargs).to_arrays()
        if not self.method.settings.wants_hidden:
            sent = {name: array for name, array in sent.items() if not name.startswith("hidden")}
        return sent

    def updates(self, count):
        for _ in range(count):
            self.deliver()
            self.deliver()


@pytest.mark.parametrize("values", [REUSE, PPO], ids=["reuse", "ppo"])
def test_results_are_gathered_until_the_batch_is_complete(values):
    trainer = Trainer(values)
    first, absorbed = trainer.deliver()
    assert (absorbed.settled, absorbed.changed, absorbed.lag) == ([], False, 0)
    second, absorbed = trainer.deliver()
    assert absorbed.changed
    assert absorbed.settled == [(first, "trained"), (second, "trained")]
    report = trainer.method.report()
    assert (report["steps"], report["updates"], report["version"]) == (2 * STEPS * LANES, 1, 1)
    assert report["gradient_steps"] == (1 if values is REUSE else 6)


def test_weights_move_only_with_a_version():
    trainer = Trainer()
    before = trainer.method.live.weights.flat.copy()
    trainer.deliver()
    np.testing.assert_array_equal(trainer.method.live.weights.flat, before)
    trainer.deliver()
    assert (trainer.method.live.weights.flat != before).any()


def test_equal_deliveries_make_equal_versions_bit_for_bit():
    flats = []
    for _ in range(2):
        trainer = Trainer(PPO)
        trainer.updates(3)
        flats.append(trainer.method.live.weights.flat)
    np.testing.assert_array_equal(*flats)


def test_lag_is_counted_in_versions_and_in_gradient_steps():
    trainer = Trainer(PPO)
    trainer.updates(2)
    _, absorbed = trainer.deliver(version=0)
    assert absorbed.lag == trainer.method.consumed.lag == 2
    assert trainer.method.consumed.gradient_steps == 12
    trainer.deliver(version=1)
    assert trainer.method.consumed.gradient_steps == 6


def test_a_lag_beyond_the_ring_counts_the_gradient_steps_that_are_known_of():
    """The ring keeps 64 versions: of what is older, at least the steps since the oldest of them were made."""
    trainer = Trainer()
    trainer.updates(70)
    _, absorbed = trainer.deliver(version=0)
    assert absorbed.lag == 70
    assert trainer.method.consumed.gradient_steps == 63


def test_each_result_comes_with_the_snapshot_that_played_it(monkeypatch):
    trainer, batches = Trainer(), []
    trainer.updates(2)
    update = Updater.update

    def spy(self, pieces, **kwargs):
        batches.append([(piece.snapshot, piece.lag) for piece in pieces])
        return update(self, pieces, **kwargs)

    monkeypatch.setattr(Updater, "update", spy)
    trainer.deliver(version=0)
    trainer.deliver(version=1)
    assert batches == [[(trainer.versions[0], 2), (trainer.versions[1], 1)]]


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (lambda arrays: {}, "nothing"),
        (lambda arrays: {**arrays, "actions": arrays["actions"] + 9}, "indices"),
        (lambda arrays: {n: a for n, a in arrays.items() if n != "hidden.0"}, "hidden states missing"),
        (lambda arrays: {**arrays, "more": arrays["values"]}, "something else"),
        (lambda arrays: {**arrays, "rewards": arrays["rewards"] * np.float32(np.nan)}, "not finite"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_trajectory_is_dropped_and_harms_nothing(broken, why):
    trainer = Trainer()
    key, absorbed = trainer.deliver(arrays=broken(trainer.arrays(0)))
    assert (absorbed.settled, absorbed.changed) == ([(key, "dropped_invalid")], False)
    assert re.search(r"^\w+.*: expected .*, found|^unexpected array", absorbed.detail)
    assert trainer.method.consumed is None
    trainer.updates(1)
    assert trainer.method.report()["updates"] == 1


def test_a_stale_result_is_dropped_but_told():
    trainer = Trainer(staleness__max_lag=1, staleness__on_excess="drop")
    trainer.updates(2)
    key, absorbed = trainer.deliver(version=0)
    assert absorbed.settled == [(key, "dropped_stale")]
    assert absorbed.lag == 2
    assert trainer.method.consumed.trajectory.shape == (STEPS, LANES)  # its episodes' returns still count
    assert (trainer.method.consumed.fate, trainer.method.consumed.weight) == ("dropped_stale", 0.0)
    _, absorbed = trainer.deliver(version=1)
    assert (absorbed.settled, absorbed.detail) == ([], "")
    assert (trainer.method.consumed.fate, trainer.method.consumed.weight) == ("admitted", 1.0)


def test_a_result_beyond_the_bound_is_admitted_with_less_weight():
    trainer = Trainer(staleness__max_lag=1)
    trainer.updates(2)
    trainer.deliver(version=0)
    assert (trainer.method.consumed.fate, trainer.method.consumed.weight) == ("admitted", 0.5)


def test_a_bound_of_zero_downweights_without_losing_the_batch():
    """Every row of such a batch would weigh nothing: a mean of nothing is no update."""
    trainer = Trainer(PPO, staleness__max_lag=0)
    trainer.updates(1)
    trainer.deliver(version=0)
    _, absorbed = trainer.deliver(version=0)
    assert absorbed.changed
    assert np.isfinite(trainer.method.live.weights.flat).all()
    assert np.isfinite(trainer.method.last_losses.explained_variance)


EPISODES = REUSE | {
    "trainer.batch_episodes": 3,
    "trainer.batch_steps": 1,
    "players.unroll_length": "episode",
    "players.lanes": 1,
}


def test_a_batch_by_episodes_that_had_to_wait_is_all_that_came_meanwhile(monkeypatch):
    """Nothing stays behind for the next batch: it would be older there, and the one after could leave more."""
    trainer, batches = Trainer(EPISODES), []
    update = Updater.update

    def spy(self, pieces, **kwargs):
        batches.append([(piece.seq, piece.lag) for piece in pieces])
        return update(self, pieces, **kwargs)

    monkeypatch.setattr(Updater, "update", spy)
    keys = [trainer.deliver(may_publish=False)[0] for _ in range(4)]
    key, absorbed = trainer.deliver()
    keys.append(key)
    assert absorbed.settled == [(each, "trained") for each in keys]
    assert trainer.method.report()["steps"] == 5 * STEPS * LANES
    for _ in range(2):
        assert not trainer.deliver()[1].changed
    assert trainer.deliver()[1].changed
    assert batches == [[(seq, 0) for seq in range(5)], [(5, 0), (6, 0), (7, 0)]]
    trainer.deliver()
    assert trainer.method.finished() == [((0, 8), "unused")]
    assert trainer.method.finished() == []


def test_an_update_waits_until_it_may_be_published():
    trainer = Trainer()
    keys = [trainer.deliver()[0]]
    for _ in range(2):
        key, absorbed = trainer.deliver(may_publish=False)
        keys.append(key)
        assert (absorbed.settled, absorbed.changed) == ([], False)
    key, absorbed = trainer.deliver()
    assert absorbed.settled == [(each, "trained") for each in (*keys, key)]
    assert trainer.method.report()["steps"] == 4 * STEPS * LANES


def test_what_was_gathered_when_the_run_ends_is_unused():
    trainer = Trainer()
    key, _ = trainer.deliver()
    assert trainer.method.finished() == [(key, "unused")]
    assert trainer.method.finished() == []
    assert not trainer.deliver()[1].changed  # it is in no batch any more
    assert trainer.method.report()["steps"] == 0


@pytest.mark.parametrize(("values", "hidden"), [(REUSE, True), (PPO, False)])
def test_the_order_says_whether_hidden_states_are_wanted(values, hidden):
    order = Trainer(values).method.standing()
    assert (order.verb, order.standing) == ("play", True)
    assert order.arguments["hidden"] is hidden
    assert order.arguments["greedy"] is False
    assert order.arguments["unroll_length"] == (STEPS if values is REUSE else 128)


def test_initial_weights_are_the_seeds():
    flats = [Trainer(seed=seed).method.live.weights.flat for seed in (1, 1, 2)]
    np.testing.assert_array_equal(flats[0], flats[1])
    assert (flats[0] != flats[2]).any()


@pytest.mark.parametrize(
    ("rule", "kind", "state"),
    [("adam", Adam, {"m", "v", "steps"}), ("rmsprop", RMSProp, {"c"}), ("sgd", SGD, {"d"})],
)
def test_the_optimizer_that_the_config_names(rule, kind, state):
    optimizer = optimizer_of(config_of(PPO | {"optimizer.rule": rule}), 7)
    assert isinstance(optimizer, kind)
    assert optimizer.state().keys() == state
    assert Trainer(REUSE | {"optimizer.rule": rule}).method.optimizer_state().keys() == state


@pytest.mark.parametrize("action", ["multi", "gaussian"])
def test_every_correction_is_for_every_action_space(action):
    for correction in ("importance", "truncated", "centred"):
        config = config_of(REUSE | {"trainer.gradient": "recompute", "staleness.correction": correction})
        assert policy_of(config, OBSERVED, ACTIONS[action]).action_space == ACTIONS[action]


EPISODES = PPO | {"players.unroll_length": "episode", "trainer.batch_episodes": 3}


@pytest.mark.parametrize(
    ("changes", "passes", "hidden"),
    [
        (REUSE, False, True),
        (REUSE | {"trainer.gradient": "recompute"}, False, False),
        (PPO, True, False),
        (PPO | {"trainer.epochs": 1}, True, False),
        (PPO | {"trainer.epochs": 1, "trainer.minibatch_steps": "null"}, False, False),
        (PPO | {"trainer.epochs": 2, "trainer.minibatch_steps": "null"}, True, False),
        (EPISODES | {"trainer.epochs": 1, "trainer.minibatch_steps": 9999}, True, False),
        (EPISODES | {"trainer.epochs": 1, "trainer.minibatch_steps": "null"}, False, False),
    ],
)
def test_settings_say_how_many_passes_and_whether_hidden_states_are_read(changes, passes, hidden):
    settings = Settings.of(config_of(changes))
    assert (settings.passes, settings.wants_hidden) == (passes, hidden)
    assert settings.gradient == ("reuse" if hidden else "recompute")


@pytest.mark.parametrize(("value_head", "live"), [("live", True), ("snapshot", False)])
def test_settings_say_which_value_head(value_head, live):
    assert Settings.of(config_of(REUSE | {"trainer.value_head": value_head})).live_value_head is live
