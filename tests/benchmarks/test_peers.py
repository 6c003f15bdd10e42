"""What the comparison with peers makes of episodes: curves, first arrivals, tables."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from touchline.configs import load, preset_names

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def peers() -> ModuleType:
    spec = importlib.util.spec_from_file_location("benchmarks_peers", ROOT / "benchmarks" / "peers.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def steady(peers: ModuleType, returns: list[float]) -> object:
    """An episode every ten steps."""
    return peers.Run(10.0 * np.arange(1, len(returns) + 1), np.array(returns))


def test_a_curve_is_the_mean_of_the_last_hundred_episodes(peers: ModuleType) -> None:
    run = steady(peers, [0.0] * 100 + [1.0] * 100)
    curve = run.curve(2000)
    assert len(curve) == peers.POINTS
    assert curve[98] is None  # 99 episodes by step 990
    assert curve[99] == 0.0
    assert curve[149] == 0.5
    assert curve[-1] == 1.0


def test_a_curve_that_ends_before_the_steps_do_keeps_its_last_value(peers: ModuleType) -> None:
    assert steady(peers, [2.0] * 100).curve(4000)[-1] == 2.0


def test_first_arrival(peers: ModuleType) -> None:
    run = steady(peers, [0.0] * 100 + [1.0] * 100)
    assert run.first(0.5, until=2000) == 1500
    assert run.first(0.5, until=1490) is None
    assert run.first(2.0, until=2000) is None
    assert steady(peers, [5.0] * 99).first(1.0, until=2000) is None


def test_what_is_kept_of_a_run_is_json(peers: ModuleType) -> None:
    pair = peers.PAIRS["cartpole-ppo"]
    told = steady(peers, [500.0] * 200).told(pair)
    assert json.loads(json.dumps(told)) == told
    assert told["first"] == {"475": 1000}
    assert told["final"] == 500.0


def test_a_run_that_did_not_arrive_counts_as_later_than_all(peers: ModuleType) -> None:
    assert peers._median_first([300, None, 100]) == "300 [100 to 300], 2 of 3"
    assert peers._median_first([None, None, 100]) == "not by then [100 to 100], 1 of 3"
    assert (
        peers._median_first([100, None]) == "not by then [100 to 100], 1 of 2"
    )  # the later of the middle two
    assert peers._median_first([None, None]) == "none of 2"


def test_a_table_has_both_sides(peers: ModuleType) -> None:
    told = steady(peers, [500.0] * 200).told(peers.PAIRS["cartpole-ppo"])
    kept = {"ours": {"0": told, "1": told}, "theirs": {"0": told}}
    lines = peers.table("cartpole-ppo", kept).splitlines()
    assert lines[0] == "| 100,000 steps | seeds | steps to 475 | mean return at the end |"
    assert lines[2] == "| `cartpole-ppo` | 2 | 1,000 [1,000 to 1,000], 2 of 2 | 500.0 [500.0 to 500.0] |"
    assert lines[3].startswith("| Stable-Baselines3 PPO | 1 |")
    assert len(peers.table("cartpole-ppo", {"ours": {"0": told}, "theirs": {}}).splitlines()) == 3


def test_runs_that_are_kept_are_not_made_again(peers: ModuleType, tmp_path: Path, monkeypatch) -> None:
    made = []

    def ours(pair: object, seed: int) -> object:
        made.append(seed)
        return steady(peers, [500.0] * 200)

    monkeypatch.setattr(peers, "ours", ours)
    first = peers.compare("cartpole-ppo", 1, None, tmp_path)
    again = peers.compare("cartpole-ppo", 2, None, tmp_path)
    assert made == [0, 1]
    assert again["ours"]["0"] == first["ours"]["0"]
    assert again["theirs"] == {}  # without an interpreter that has it


def test_both_sides_are_followed_equally_far(peers: ModuleType) -> None:
    for pair in peers.PAIRS.values():
        assert pair.preset in preset_names()
        config = load(pair.preset, list(pair.overrides.items())).config
        assert config.env.id == pair.environment
        assert config.stop.steps >= pair.steps


def test_a_figure_is_drawn_of_runs_that_began_at_different_steps(peers: ModuleType, tmp_path: Path) -> None:
    pair = peers.PAIRS["cartpole-ppo"]
    early, late = steady(peers, [9.0] * 400).told(pair), steady(peers, [9.0] * 100).told(pair)
    kept = {"ours": {"0": early, "1": late}, "theirs": {}}
    peers.draw("cartpole-ppo", kept, tmp_path / "figure.png")
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")
