from __future__ import annotations

import numpy as np
import pytest

from touchline.configs import dump_yaml
from touchline.envs.builtin import Corridor
from touchline.envs.errors import UnsupportedSpace
from touchline.launch.local import train
from touchline.launch.restore import _alike, restore
from touchline.policy.spaces import Box
from touchline.record import CheckpointError, load_checkpoint, save_checkpoint


@pytest.fixture
def trained(configure, run):
    """A serial run whose observations are normalised, so that statistics must come back too."""
    config = configure(mode="serial", env__normalize="true", stop__steps=500)
    train(config, run)
    run.write_text("config.yaml", dump_yaml(config))
    return run


def test_the_policy_plays_as_it_did_when_it_was_saved(trained):
    restored = restore(trained)
    saved = load_checkpoint(trained)
    snapshot, network = restored.snapshot, restored.policy.network
    assert snapshot.version == saved.version > 0
    for name, view in network.layout.views(snapshot.weights.flat).items():
        np.testing.assert_array_equal(view, saved.weights[name])
    np.testing.assert_array_equal(snapshot.statistics.to_array(), saved.weights["normalizer/statistics"])
    assert snapshot.statistics.count > 0
    assert snapshot.normalizer is not None


def test_versions_differ(trained):
    first, last = restore(trained, 0).snapshot, restore(trained, "latest").snapshot
    assert first.version == 0
    assert not np.array_equal(first.weights.flat, last.weights.flat)


def test_the_goal_is_the_configs_or_else_the_environments(trained):
    assert restore(trained).goal == 475  # the run itself had none
    assert restore(trained, overrides=[("stop.mean_return", "100")]).goal == 100


def test_a_goal_of_the_method_s_own_comes_first(trained):
    saved = load_checkpoint(trained)
    state = {**saved.state, "found": {"goal": 195}}
    save_checkpoint(
        trained, version=saved.version + 1, weights=saved.weights, optimizer={}, state=state, keep=3
    )
    assert restore(trained).goal == 195.0
    assert restore(trained, 0).goal == 475


def test_the_spec_is_the_configs_changed_by_flags(trained):
    spec = restore(trained, overrides=[("env.kwargs.max_episode_steps", "9")]).spec
    assert (spec.id, spec.kwargs, spec.vectorize) == ("CartPole-v1", {"max_episode_steps": 9}, "never")


def test_an_environment_that_the_policy_does_not_fit(trained):
    with pytest.raises(UnsupportedSpace, match=r"Box of float32 \[4\], found Box of float32 \[6\]"):
        restore(trained, overrides=[("env.id", "Acrobot-v1")])
    with pytest.raises(UnsupportedSpace, match="expected the one trained on"):
        restore(trained).on(Corridor)


@pytest.mark.parametrize(
    ("trained_on", "found", "fits"),
    [
        *(("float32", "float64", True), ("float64", "float32", True), ("uint8", "uint8", True)),
        *(("uint8", "float32", False), ("float32", "uint8", False), ("int8", "int64", False)),
    ],
)
def test_bytes_are_not_taken_for_floats(trained_on, found, fits):
    """Of an image bytes are read as 0 to 1; floats put into bytes would lose what follows the point."""
    one, other = (
        Box((2, 2), dtype, (0.0,) * 4, (high,) * 4) for dtype, high in ((trained_on, 1.0), (found, 9.0))
    )
    assert _alike(one, other) is fits


def test_weights_that_do_not_fit_the_config(trained):
    with pytest.raises(CheckpointError, match="the weights do not fit the run's config"):
        restore(trained, overrides=[("policy.hidden", "[8]")])
