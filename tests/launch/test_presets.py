"""Every preset trains: a few updates of each, as small as it goes, by the way that ``touchline train`` takes."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
from launch_runs import assert_sums

import touchline
from touchline.configs import load, preset_names
from touchline.record import read_lines

NEEDS = {"halfcheetah": "mujoco", "atari-pong": "ale_py", "pong-pixels": "ale_py"}
SMALL: dict[str, dict[str, Any]] = {
    "policy_gradient": {"stop.steps": 400, "players.lanes": 2, "stop.mean_return": None},
    "imitation": {"imitation.episodes": 2, "stop.mean_return": None},
    "evolution": {"evolution.pairs": 4},
    "search": {"search.draws": 8, "search.epochs": 1},
    "descent": {},
    "krylov": {"krylov.iterations": 2},
    "trpo": {"trpo.steps": 500, "trpo.iterations": 2, "trpo.features": 8, "players.lanes": 2},
    "hopping": {"hopping.iterations": 5},
    "structure": {"structure.epochs": 3},
    "averaging": {"averaging.inner": 2},
}


def small(name: str) -> dict[str, Any]:
    """The preset's own settings, cut to a few updates."""
    config = load(name).config
    chosen: dict[str, Any] = {"mode": "serial", "log.live": False, **SMALL[config.method]}
    if config.method != "policy_gradient":
        chosen |= {"stop.rounds": 3, "stop.minutes": 1}
        if config.table.source == "digits":
            chosen |= {"table.rows": 120, "table.test": 20, "model.hidden": [4]}
        if config.method == "search" and config.search.over == "grid":
            chosen |= {"search.step": 2.0}
        if config.method == "search" and config.search.over != "draws":
            chosen.pop("search.draws")
    return chosen


# Box2D's bindings warn while they are imported, and end the process where a warning is an error.
@pytest.mark.filterwarnings("ignore:builtin type:DeprecationWarning")
@pytest.mark.parametrize("name", preset_names())
def test_a_preset_trains(name: str, tmp_path: Path) -> None:
    needed = NEEDS.get(name)
    if needed is not None and importlib.util.find_spec(needed) is None:
        pytest.skip(f"needs {needed}")
    run = touchline.train(name, runs=tmp_path, name="short", **small(name))
    summary = run.summary
    assert_sums(summary)
    assert not summary.reason.startswith("failed")
    assert list(read_lines(run.path / "metrics.jsonl"))
