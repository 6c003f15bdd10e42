"""Lag made to order: exact, deterministic, and nothing else changed."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest

from touchline.launch.injecting import Injector, lags_of, recorded_lags
from touchline.launch.local import train
from touchline.launch.recording import train_into
from touchline.launch.serial import SerialRun
from touchline.policy.seeds import lag_stream
from touchline.record import RunDirectory, load_checkpoint, read_lines
from touchline.trainer.failures import RunFailed

HOLDS = {"mode": "serial", "staleness.max_lag": 8}


def injected(config, run, lag):
    """A config as ``configure`` made it, with lags that a flag would have to spell."""
    return SerialRun(config.model_copy(update={"staleness": staleness_of(config, lag)}), run)


def staleness_of(config, lag):
    return config.staleness.model_copy(update={"inject": lag})


def updates_of(run):
    return list(read_lines(run.path / "metrics.jsonl"))


def lags_in(run):
    return [line["lag"]["values"] for line in updates_of(run)]


def weights_of(run):
    return load_checkpoint(run, "latest").weights


def versions(*numbers):
    return [SimpleNamespace(version=number) for number in numbers]


# -- which snapshot


@pytest.mark.parametrize("lag", [0, 1, 3])
def test_a_result_is_as_old_as_asked_or_as_old_as_there_are_versions(lag):
    injector = Injector([lag], run_seed=0)
    played = [injector.snapshot(live, slot=0, result=live.version).version for live in versions(*range(8))]
    assert played == [max(0, version - lag) for version in range(8)]
    assert injector.law == pytest.approx(np.mean([min(lag, version) for version in range(8)]))


def test_every_result_of_an_update_is_equally_old():
    injector = Injector([2], run_seed=0)
    lives = versions(0, 1, 2, 3)
    for live in lives[:3]:
        injector.snapshot(live, slot=0, result=live.version)
    assert {injector.snapshot(lives[3], slot=slot, result=9).version for slot in range(3)} == {1}


def test_no_more_snapshots_are_held_than_the_greatest_lag_needs():
    injector = Injector([0, 2], run_seed=0)
    for live in versions(*range(9)):
        injector.snapshot(live, slot=0, result=live.version)
    assert sorted(injector._snapshots) == [6, 7, 8]


def test_lags_of_a_list_are_drawn_by_number_whatever_was_asked_before():
    listed = (0, 1, 1, 5)
    forwards, backwards = Injector(listed, run_seed=3), Injector(listed, run_seed=3)
    lives = versions(*range(6))
    for injector in (forwards, backwards):
        for live in lives:
            injector.snapshot(live, slot=7, result=live.version)
    keys = [(slot, result) for slot in range(2) for result in range(200)]
    one = {key: forwards.snapshot(lives[5], slot=key[0], result=key[1]).version for key in keys}
    other = {key: backwards.snapshot(lives[5], slot=key[0], result=key[1]).version for key in reversed(keys)}
    assert one == other
    drawn = {key: listed[lag_stream(run_seed=3, slot=key[0], result=key[1]).integers(4)] for key in keys}
    assert one == {key: 5 - lag for key, lag in drawn.items()}


def test_each_lag_of_a_list_is_as_likely_as_it_is_frequent():
    injector, lives = Injector((0, 1, 1, 5), run_seed=0), versions(*range(6))
    for live in lives:
        injector.snapshot(live, slot=1, result=live.version)
    counts = Counter(5 - injector.snapshot(lives[5], slot=0, result=i).version for i in range(4000))
    assert counts[0] == pytest.approx(1000, abs=110)  # four standard deviations
    assert counts[1] == pytest.approx(2000, abs=126)
    assert counts[5] == pytest.approx(1000, abs=110)


def test_another_run_seed_and_another_player_draw_other_lags():
    def drawn(run_seed, slot):
        stream = [lag_stream(run_seed=run_seed, slot=slot, result=i).integers(1 << 30) for i in range(4)]
        return tuple(int(number) for number in stream)

    assert len({drawn(run_seed, slot) for run_seed in range(3) for slot in range(3)}) == 9


# -- real runs


def test_a_lag_of_0_is_the_plain_run_bit_for_bit(configure, new_run):
    plain, zero = new_run("plain"), new_run("zero")
    train(configure(**HOLDS), plain)
    train(configure(**HOLDS, **{"staleness.inject": 0}), zero)
    assert [line["loss"] for line in updates_of(plain)] == [line["loss"] for line in updates_of(zero)]
    for name, array in weights_of(plain).items():
        assert np.array_equal(array, weights_of(zero)[name]), name


@pytest.mark.parametrize("lag", [1, 2, 8])
def test_every_recorded_lag_is_the_injected_one(configure, run, lag):
    overrides = {"players.count": 2, "trainer.batch_steps": 100, "stop.steps": 3000}
    summary = train(configure(**HOLDS, **overrides, **{"staleness.inject": lag}), run)
    recorded = lags_in(run)
    assert len(recorded) > lag + 3
    assert recorded == [[min(lag, update)] * 2 for update in range(len(recorded))]
    flat = [one for several in recorded for one in several]
    assert summary.lag.max == lag
    assert summary.lag.mean == pytest.approx(np.mean(flat))
    assert summary.lag.law == pytest.approx(summary.lag.mean, abs=0.1)  # the last results may be unused


METHODS = {
    "reuse": ("cartpole", {}),
    "live": ("cartpole", {"trainer.gradient": "live"}),
    "recompute": ("cartpole", {"trainer.gradient": "recompute"}),
    "n-step": ("cartpole", {"trainer.advantage": "n_step"}),
    "centred": ("cartpole", {"trainer.gradient": "recompute", "staleness.correction": "centred"}),
    "vtrace": (
        "cartpole",
        {
            "trainer.gradient": "recompute",
            "trainer.advantage": "vtrace",
            "staleness.correction": "vtrace",
        },
    ),
    "ppo": ("cartpole-ppo", {"trainer.minibatch_steps": 32}),
    "episodes": ("cartpole-reinforce", {"players.unroll_length": "episode", "trainer.batch_steps": 200}),
}
EXCESS = ["downweight", "hold", "drop"]


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("on_excess", EXCESS)
def test_every_method_learns_from_exactly_that_lag(configure, run, name, on_excess):
    preset, overrides = METHODS[name]
    chosen = {**HOLDS, "staleness.on_excess": on_excess, "staleness.inject": 3, **overrides}
    summary = train(configure(preset, **chosen), run)
    recorded = lags_in(run)
    assert len(recorded) > 5
    assert [set(values) for values in recorded] == [{min(3, update)} for update in range(len(recorded))]
    assert summary.ledger.total["dropped_stale"] == 0
    assert {line["weight"] for line in read_lines(run.path / "episodes.jsonl")} == {1.0}


def test_lag_changes_what_is_learnt_and_a_second_run_does_not(configure, new_run):
    runs = [new_run(name) for name in ("none", "first", "second")]
    for run, lag in zip(runs, (0, 2, 2), strict=True):
        train(configure(**HOLDS, **{"staleness.inject": lag}), run)
    none, first, second = ([line["loss"] for line in updates_of(run)] for run in runs)
    assert first == second != none


def test_a_list_of_lags_gives_each_result_its_own(configure, new_run):
    recorded = []
    for name in ("first", "second"):
        run = new_run(name)
        overrides = {"players.count": 2, "trainer.batch_steps": 100, "stop.steps": 3000}
        injected(configure(**HOLDS, **overrides), run, (0, 1, 4)).run()
        recorded.append(lags_in(run))
    assert recorded[0] == recorded[1]
    asked = [
        [(0, 1, 4)[lag_stream(run_seed=0, slot=slot, result=update).integers(3)] for slot in range(2)]
        for update in range(len(recorded[0]))
    ]
    assert recorded[0] == [[min(lag, u) for lag in lags] for u, lags in enumerate(asked)]
    assert any(len(set(values)) == 2 for values in recorded[0])


# -- the lags that a run recorded


def test_a_runs_recorded_lags_are_drawn_from(configure, new_run):
    source, run = new_run("source"), new_run("run")
    train(configure(**HOLDS, **{"staleness.inject": 2, "stop.steps": 600}), source)
    recorded = recorded_lags(source.path)
    assert set(recorded) == {0, 1, 2}
    config = configure(**HOLDS, **{"staleness.inject": str(source.path)})
    assert lags_of(config) == recorded
    train(config, run)
    flat = [lag for values in lags_in(run)[2:] for lag in values]
    assert set(flat) == {0, 1, 2}
    assert np.mean(flat) == pytest.approx(np.mean(recorded), abs=0.4)


def test_null_and_a_number_and_a_list_need_no_run(configure):
    config = configure(**HOLDS)
    for lag, expected in ((None, (0,)), (4, (4,)), ((1, 1, 3), (1, 1, 3))):
        assert lags_of(config.model_copy(update={"staleness": staleness_of(config, lag)})) == expected


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(RunFailed, match=r"staleness.inject: expected the folder of a run; found .*nowhere"):
        recorded_lags(tmp_path / "nowhere")


def test_a_run_that_learnt_nothing_is_refused(new_run):
    source = new_run("source")
    source.write_text("command.txt", "touchline train\n")
    with pytest.raises(RunFailed, match=r"has learnt something; found .*source: no update is recorded"):
        recorded_lags(source.path)


def test_lags_beyond_the_bound_are_refused_before_a_step_is_played(configure, new_run):
    source, run = new_run("source"), new_run("run")
    train(configure(**HOLDS, **{"staleness.inject": 5}), source)
    config = configure(mode="serial", **{"staleness.max_lag": 4, "staleness.inject": str(source.path)})
    with pytest.raises(RunFailed, match=r"none above staleness.max_lag \(4\).*lags up to 5") as refused:
        train_into(run, SimpleNamespace(config=config, origin={}, name="x"), command="x")
    assert refused.value.exit_code == 2
    assert not run.path.exists()


# -- the gradient


def recorded_run(config, run: RunDirectory):
    """A serial run; (its policy, every version's flat weights, every delivery in order)."""
    serial = SerialRun(config, run)
    method = serial.training.method
    weights, deliveries, absorb = {0: method.live.weights.flat}, [], method.absorb

    def watched(delivery, **kwargs):
        deliveries.append(delivery)
        absorbed = absorb(delivery, **kwargs)
        weights[method.live.version] = method.live.weights.flat
        return absorbed

    method.absorb = watched
    serial.run()
    return serial.training.policy, weights, deliveries


def naive_returns(arrays, gamma):
    """Discounted rewards to the end of the episode or the unroll, where the value that was pushed takes over."""
    rewards, values, terminated = arrays["rewards"], arrays["values"], arrays["terminated"]
    returns = np.zeros(rewards.shape)
    for t, lane in np.ndindex(rewards.shape):
        discount = 1.0
        for k in range(t, len(rewards)):
            returns[t, lane] += discount * rewards[k, lane]
            discount *= gamma
            if terminated[k, lane]:
                break
        else:
            returns[t, lane] += discount * values[-1, lane]
    return returns


def objective(policy, flat, arrays, gamma):
    """Mean of A log pi(a) − (V − R)²/2, A = R − the value that was pushed."""
    weights = policy.network.bind(flat)
    x = arrays["observations"][:-1].reshape(-1, 4).astype(np.float64)
    returns = naive_returns(arrays, gamma).reshape(-1)
    head = policy.network.policy_forward(weights, x)[1]
    log_probs = head - np.log(np.exp(head).sum(-1, keepdims=True))
    chosen = log_probs[np.arange(len(x)), arrays["actions"].reshape(-1)]
    advantages = returns - arrays["values"][:-1].reshape(-1)
    errors = policy.network.value_forward(weights, x)[1] - returns
    return float(np.mean(advantages * chosen - errors**2 / 2))


def differences(policy, flat, arrays, gamma, step=1e-6):
    """The objective's gradient by central differences, float64."""
    flat = flat.astype(np.float64)
    gradient = np.zeros_like(flat)
    for i in range(len(flat)):
        ends = []
        for sign in (1, -1):
            moved = flat.copy()
            moved[i] += sign * step
            ends.append(objective(policy, moved, arrays, gamma))
        gradient[i] = (ends[0] - ends[1]) / (2 * step)
    return gradient


@pytest.mark.parametrize("lag", [0, 2])
def test_reuse_steps_along_the_exact_gradient_of_the_weights_that_played(configure, run, lag):
    """W_{u+1} − W_u = rate × the gradient at W_v, v = u − lag, computed by hand; and not that at W_u."""
    rate, gamma = 0.05, 0.9
    config = configure(
        **HOLDS,
        **{
            "staleness.inject": lag,
            "players.count": 1,
            "policy.hidden": "[3]",
            "players.unroll_length": 12,
            "trainer.batch_steps": 48,
            "trainer.value_head": "snapshot",
            "trainer.normalize_advantage": "none",
            "trainer.gamma": gamma,
            "trainer.gae_lambda": 1,
            "trainer.baseline_cost": 1,
            "optimizer.rule": "sgd",
            "optimizer.schedule": "constant",
            "optimizer.learning_rate": rate,
            "optimizer.max_gradient_norm": "null",
            "stop.steps": 48 * 6,
        },
    )
    policy, weights, deliveries = recorded_run(config, run)
    assert len(deliveries) == len(weights) - 1 == 6
    assert any(delivery.arrays["terminated"].any() for delivery in deliveries)
    for u, delivery in enumerate(deliveries):
        v = max(0, u - lag)
        assert delivery.version == v
        step = (weights[u + 1].astype(np.float64) - weights[u]) / rate
        at_v = differences(policy, weights[v], delivery.arrays, gamma)
        assert np.abs(step - at_v).max() < 2e-4 * np.abs(at_v).max()
        if v != u:
            at_u = differences(policy, weights[u], delivery.arrays, gamma)
            assert np.abs(step - at_u).max() > 1e-2 * np.abs(at_u).max()
