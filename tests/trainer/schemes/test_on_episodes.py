"""An environment as a function of a policy's parameters: first ones, checkpoints, tests and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from driving import results_of
from point_runs import on_cartpole

from touchline.policy.policy import Snapshot
from touchline.policy.seeds import weights_stream
from touchline.policy.spaces import SpaceError
from touchline.trainer.scheme import ResultError, SchemeError, Task
from touchline.trainer.schemes.on_episodes import EpisodesTarget, target_of
from touchline.trainer.schemes.on_points import TableTarget

TABLE = {"name": "t", "rows": 4, "test_rows": 0, "inputs": 2, "outputs": 1, "classes": False}


@pytest.fixture
def cartpole():
    made = []

    def build(**sections):
        scheme, work = on_cartpole("evolution", **{"eval": {"episodes": 3}, **sections})
        made.append(work)
        return scheme._target, work, scheme

    yield build
    for work in made:
        work.close()


def test_a_run_begins_where_the_main_method_would(cartpole):
    target, _, scheme = cartpole(seed=5)
    first = target.policy.first_snapshot(weights_stream(5), epoch=1)
    np.testing.assert_array_equal(scheme.arrays()["parameters"], first.weights.flat)
    np.testing.assert_array_equal(target.base(scheme.arrays()), first.weights.flat)


def test_a_snapshot_is_read_back_by_the_policy(cartpole):
    target, _, scheme = cartpole()
    snapshot = Snapshot.from_arrays(target.policy, 1, 0, scheme.arrays())
    np.testing.assert_array_equal(snapshot.weights.flat, scheme.arrays()["parameters"])


def test_a_checkpoint_has_the_names_that_eval_and_watch_read(cartpole):
    target, _, scheme = cartpole()
    layout = target.policy.network.layout
    found = scheme.weights()
    assert set(found) == {slot.name for slot in layout.slots} | {"normalizer/statistics"}
    np.testing.assert_array_equal(layout.flatten(found), scheme.arrays()["parameters"])


def test_the_live_policy_is_tested_greedily(cartpole):
    _, work, scheme = cartpole()
    (task,) = scheme.test()
    assert task.evaluates
    (result,) = results_of(scheme, work, [task], version=0)
    assert scheme.tested([result]) == {"test_return": result.arrays["returns"].mean()}
    assert len(result.arrays["returns"]) == 3


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"returns": np.zeros(2)}, r"returns: expected float64 \[3\], found float64 \[2\]"),
        ({"returns": np.zeros(3)}, r"lengths: expected int64 \[3\], found nothing"),
        (
            {"returns": np.zeros(3), "lengths": np.array([1, 0, 2])},
            "lengths: expected episodes of 1 step .* found 0",
        ),
        (
            {"returns": np.array([0, np.nan, 0]), "lengths": np.ones(3, int)},
            "returns: expected finite numbers",
        ),
    ],
)
def test_what_is_no_test_is_refused(cartpole, arrays, said):
    _, _, scheme = cartpole()
    with pytest.raises(ResultError, match=said):
        scheme.check(scheme.test()[0], arrays)


def test_all_episodes_of_all_points_are_expected(cartpole):
    _, _, scheme = cartpole(evolution={"pairs": 4, "episodes": 3})
    task = scheme.round()[0]
    arrays = {"values": np.zeros(2), "returns": np.zeros(6), "lengths": np.ones(6, np.int64)}
    scheme.check(task, arrays)
    with pytest.raises(ResultError, match=r"returns: expected float64 \[6\]"):
        scheme.check(task, {**arrays, "returns": np.zeros(2)})


def test_the_goal_is_the_environments_or_the_configs(cartpole):
    target, _, _ = cartpole()
    assert target.reached(-474.9) is None
    assert target.reached(-475.0) == "solved: mean return 475.0 reached 475"
    assert cartpole(stop={"mean_return": 20})[0].reached(-20.0) is not None
    assert cartpole(stop={"mean_return": None})[0].reached(-500.0) is None


def test_the_longest_episode_says_how_long_a_point_takes(cartpole):
    one, three = (cartpole(evolution={"episodes": n})[0].seconds_a_point for n in (1, 3))
    assert one == 500 / 30_000
    assert three == pytest.approx(3 * one)


def test_a_target_is_what_was_announced(cartpole):
    target, work, _ = cartpole()
    config = target.config
    assert isinstance(target_of(config, work.spaces, work.facts), EpisodesTarget)
    assert isinstance(target_of(config, {"table": TABLE}, {}), TableTarget)
    with pytest.raises(SchemeError, match="spaces: expected observation and action, found nothing"):
        target_of(config, {}, {})
    with pytest.raises(SchemeError, match="spaces: expected action, found observation"):
        target_of(config, {"observation": {}}, {})
    with pytest.raises(SpaceError):
        target_of(config, {"observation": {"kind": "none"}, "action": {}}, {})


def test_orders_are_plain_data(cartpole):
    _, _, scheme = cartpole()
    for task in [*scheme.round(), *scheme.test()]:
        assert isinstance(task, Task)
        assert {type(value) for value in task.arguments.values()} <= {str, int, bool}
