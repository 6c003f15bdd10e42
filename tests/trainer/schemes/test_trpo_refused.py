"""Trust region steps: results that are none, and runs that cannot be, are refused by name."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from driving import results_of
from trpo_runs import LANES, SHORT, STEPS, staged, until

from touchline.configs import Config
from touchline.player.work import Held
from touchline.policy.spaces import SpaceError
from touchline.policy.trajectory import Trajectory
from touchline.targets.errors import TargetError
from touchline.trainer.scheme import ResultError, SchemeError
from touchline.trainer.schemes.trpo import Trpo


@pytest.fixture
def stage():
    with staged() as build:
        yield build


@pytest.mark.parametrize("what", ["trajectory", "fisher", "surrogate"])
def test_arrays_that_are_no_result_are_refused_by_name(stage, what):
    scheme, work = stage()
    until(scheme, work, what)
    task = scheme.round()[0]
    held = Held(1, 0, scheme.arrays())
    (arrays,) = work.carry_out(task.verb, task.arguments, held, seq=0, count=1, standing=False)
    name = {"trajectory": "rewards", "fisher": "product", "surrogate": "sums"}[what]
    scheme.check(task, arrays)
    with pytest.raises(ResultError, match=name):
        scheme.check(task, {key: array for key, array in arrays.items() if key != name})
    with pytest.raises(ResultError, match=name):
        scheme.check(task, {**arrays, name: np.full_like(arrays[name], np.nan)})
    with pytest.raises(ResultError, match="other"):
        scheme.check(task, {**arrays, "other": np.zeros(2)})


def test_sums_of_another_number_of_steps_are_refused(stage):
    scheme, work = stage()
    until(scheme, work, "surrogate")
    with pytest.raises(ResultError, match=f"sums: expected {STEPS * LANES} steps, found 7"):
        scheme.check(scheme.round()[0], {"sums": np.array([0.0, 0.0, 7.0])})


def test_trajectories_of_another_shape_are_refused(stage):
    scheme, _ = stage()
    _, narrow = stage(lanes=1)
    task = scheme.round()[0]
    held = Held(1, 0, scheme.arrays())
    (arrays,) = narrow.carry_out(task.verb, task.arguments, held, seq=0, count=1, standing=False)
    with pytest.raises(ResultError, match=r"rewards: expected float32 \[60, 2\], found \[60, 1\]"):
        scheme.check(task, arrays)


def test_steps_that_autoreset_added_are_refused(stage):
    scheme, work = stage()
    (result, *_) = results_of(scheme, work, scheme.round(), version=0)
    assert isinstance(scheme._trajectory(result.arrays), Trajectory)
    valid = result.arrays["valid"].copy()
    valid[3, 1] = False
    with pytest.raises(ResultError, match="valid: expected true everywhere"):
        scheme.check(result.task, {**result.arrays, "valid": valid})


def test_trajectories_in_which_the_longest_episodes_would_never_end_are_refused(stage):
    with pytest.raises(SchemeError, match=r"trpo\.steps: expected at least 500.*CartPole-v1, found 499"):
        stage({"id": "CartPole-v1"}, steps=499)
    stage({"id": "CartPole-v1"}, steps=500)


def test_a_network_without_curvature_products_is_refused(stage):
    _, work = stage()
    config = Config.model_validate(
        {"method": "trpo", "env": SHORT, "policy": {"layer_norm": True}, "trpo": {"steps": STEPS}}
    )
    with pytest.raises(SpaceError, match=r"policy\.layer_norm"):
        Trpo.of(config, work.spaces, work.facts)


def test_without_scipy_it_is_refused_before_anything_is_played(stage, monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.sparse", None)
    with pytest.raises(TargetError, match=r"its extra solvers"):
        stage()
