"""Runs on tables read back: the network, with what was found, on the rows."""

from __future__ import annotations

import numpy as np
import pytest

from touchline.configs import dump_yaml, load, policy_arguments
from touchline.envs.tables import read_table
from touchline.launch.local import train
from touchline.launch.measuring import measure
from touchline.launch.restore import restore
from touchline.policy.normalizer import Statistics
from touchline.policy.policy import Policy
from touchline.policy.spaces import Box, Discrete, to_plain
from touchline.record import CheckpointError, RecordError, load_checkpoint, save_checkpoint
from touchline.targets.building import model_of


@pytest.fixture
def fitted(new_run):
    """Train a preset in this process; the run, and what it ended with."""

    def trained(preset, **overrides):
        flags = [
            ("mode", "serial"),
            *((key.replace("__", "."), str(value)) for key, value in overrides.items()),
        ]
        config = load(preset, flags).config
        run = new_run(preset)
        summary = train(config, run)
        run.write_text("config.yaml", dump_yaml(config))
        return run, summary

    return trained


def test_what_is_measured_is_what_the_run_ended_with(fitted):
    run, summary = fitted("001-rows", stop__rounds=12)
    found, said = measure(run), summary.objective
    assert (found.version, found.table, found.goal, found.changed) == (summary.version, "digits", 0.01, False)
    assert (found.training.rows, found.test.rows) == (1438, 359)
    assert found.test.error == pytest.approx(said.measures["test_error"], rel=1e-12)
    assert found.test.accuracy == said.measures["test_accuracy"]
    table = read_table(source="digits", rows=None, test=0.2, scale="unit", target=None, classes=None, seed=0)
    network = model_of(
        inputs=64,
        outputs=10,
        classes=True,
        hidden=(16,),
        activation="tanh",
        output="auto",
        loss="auto",
        bias=True,
    )
    weights = load_checkpoint(run).weights
    flat = np.concatenate([weights[name].ravel() for name in network.shapes])
    assert flat.dtype == np.float64
    assert found.training.error == pytest.approx(network.error(flat, table.x, table.y) / 1438, rel=1e-12)
    assert found.training.accuracy == network.correct(flat, table.x, table.y) / 1438


def test_versions_differ_and_the_best_is_one_of_them(fitted):
    run, summary = fitted("001-rows", stop__rounds=12)
    first, best = measure(run, 0), measure(run, "best")
    assert first.version == 0
    assert first.training.error > best.training.error
    assert best.training.error == pytest.approx(summary.objective.best, rel=1e-9)


def test_the_structure_that_was_found_is_the_one_that_is_measured(fitted):
    run, summary = fitted("001-structure", structure__epochs=60)
    assert summary.objective.facts["hidden"] != [1]
    assert measure(run).training.error == pytest.approx(summary.objective.value, abs=1e-12)
    assert measure(run).test is None
    assert measure(run).training.accuracy is None


@pytest.mark.parametrize("per", ["layer", "neuron"])
def test_the_activation_functions_that_were_found_are_those_that_are_measured(fitted, per):
    small = {"model__hidden": "[2]", "search__epochs": 5, "search__per": per}
    run, summary = fitted("001-activations", **small)
    assert len(summary.objective.facts["activations"]) == (1 if per == "layer" else 2)
    assert measure(run).training.error == pytest.approx(summary.objective.value, rel=1e-12)
    assert measure(run, 0).version == 0  # as configured: nothing was chosen yet


def test_a_table_that_has_changed_since_is_told(fitted, tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("a,b,y\n0,0,0\n0,1,1\n1,0,1\n1,1,0\n")
    run, _ = fitted("001-weights", table__source=path, stop__rounds=2)
    assert not measure(run).changed
    path.write_text(path.read_text().replace("1,1,0", "1,1,0.5"))
    assert measure(run).changed
    path.write_text("a,y\n0,0\n0,1\n1,1\n1,0\n")
    with pytest.raises(
        CheckpointError,
        match=r"do not fit .* 0/weight: expected an array \[1, \d\], found an array \[2, \d\]",
    ):
        measure(run)


def test_a_run_on_a_table_has_nothing_to_play(fitted):
    run, _ = fitted("001-weights", stop__rounds=1)
    with pytest.raises(
        RecordError, match="nothing to play: it is of the table xor; touchline eval gives its error"
    ):
        restore(run)


@pytest.mark.parametrize("preset", ["001-evolution-cartpole", "002-cartpole"])
def test_what_played_by_rounds_is_restored_as_any_policy(fitted, preset):
    run, summary = fitted(preset, stop__steps=600, policy__hidden="[8]")
    restored = restore(run)
    assert restored.snapshot.version == summary.version > 0
    assert restored.goal == 475
    saved = load_checkpoint(run).weights
    for name, view in restored.policy.network.layout.views(restored.snapshot.weights.flat).items():
        np.testing.assert_array_equal(view, saved[name])


def test_a_checkpoint_made_by_hand_is_restored(run):
    """A policy's weights by its names are all that eval and watch need, whatever method made them."""
    config = load("003-trpo-cartpole").config
    spaces = {
        "observation": Box(low=(-1.0,) * 4, high=(1.0,) * 4, shape=(4,), dtype="float32"),
        "action": Discrete(2),
    }
    policy = Policy.build(
        observation_space=spaces["observation"], action_space=spaces["action"], **policy_arguments(config)
    )
    flat = policy.network.init(np.random.default_rng(0))
    weights = {**policy.network.layout.views(flat), "normalizer/statistics": Statistics.empty(4).to_array()}
    plain = {name: to_plain(space) for name, space in spaces.items()}
    state = {"epoch": 1, "spaces": plain, "facts": {"reward_threshold": 475.0}, "method": "trpo"}
    save_checkpoint(run, version=3, weights=weights, optimizer={}, state=state, keep=3)
    run.write_text("config.yaml", dump_yaml(config))
    restored = restore(run)
    assert (restored.snapshot.version, restored.goal) == (3, 475.0)
    np.testing.assert_array_equal(restored.snapshot.weights.flat, flat)
