"""What is kept of a result that must not be learnt from: whose, which, how to play it again, and all it holds."""

from __future__ import annotations

import json

import numpy as np
import pytest

from touchline.policy.seeds import player_seed
from touchline.record import RunDirectory
from touchline.trainer.aside import set_aside
from touchline.trainer.method import Delivery


@pytest.fixture
def run(tmp_path):
    return RunDirectory.create(tmp_path, env="a", seed=3)


def delivery(seq=17, player="player-2", **arrays):
    held = {
        "rewards": np.array([[np.nan]], np.float32),
        "episode_seeds": np.array([5, 6]),
        "episode_lengths": np.array([9, 2]),
        "episode_returns": np.array([1.0, np.nan]),
    }
    return Delivery(2, seq, 40, held | arrays, 0, player=player)


def test_the_page_says_whose_it_is_and_what_it_was_played_from(run):
    path = set_aside(run, [delivery()], detail="rewards: nan", live=41, seed=3)
    text = path.read_text()
    assert text.startswith("rewards: nan\n\nresult 17 of player-2, played by version 40\n")
    assert "  episode seed 5: 9 steps\n  episode seed 6: 2 steps\n" in text
    assert ".npz beside this file" in text
    page = json.loads(path.with_suffix(".json").read_text())
    assert (page["kind"], page["detail"], page["live_version"], page["run_seed"]) == (
        "invalid",
        "rewards: nan",
        41,
        3,
    )
    assert page["results"] == [
        {
            "player": "player-2",
            "slot": 2,
            "seq": 17,
            "version": 40,
            "player_seed": player_seed(run_seed=3, slot=2, incarnation=0),
            "episode_seeds": [5, 6],
            "episode_lengths": [9, 2],
            "episode_returns": [1.0, None],
        }
    ]


def test_every_result_of_a_batch_is_kept_by_name(run):
    batch = [delivery(1), delivery(2, player="")]
    path = set_aside(run, batch, detail="value/head/bias: gradient is NaN", live=0, seed=0)
    with np.load(path.with_suffix(".npz")) as kept:
        assert {name.rpartition(".")[0] for name in kept} == {"player-2.1", "slot-2.2"}
        np.testing.assert_array_equal(kept["player-2.1.rewards"], [[np.nan]])
    assert len(json.loads(path.with_suffix(".json").read_text())["results"]) == 2


def test_what_is_no_trajectory_at_all_is_described_as_far_as_it_goes(run):
    odd = Delivery(0, 0, 0, {"episode_seeds": np.array(["a"]), "x": np.array([1])}, 0)
    path = set_aside(run, [odd], detail="rewards: expected ...", live=0, seed=0)
    page = json.loads(path.with_suffix(".json").read_text())
    assert (page["results"][0]["episode_seeds"], page["results"][0]["episode_lengths"]) == (None, None)
    with np.load(path.with_suffix(".npz")) as kept:
        assert list(kept) == ["slot-0.0.x"]
