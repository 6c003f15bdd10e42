from __future__ import annotations

import pytest

from touchline.cli.deciding import deciding, in_lockstep, mode, what_tests_play
from touchline.configs import load


@pytest.mark.parametrize(
    ("preset", "said"),
    [
        ("001-rows", ["descent by rows", "rule irprop_plus", "4 parts", "lockstep"]),
        ("003-sgd", ["descent by rows", "rule sgd", "minibatches of 128 rows", "4 parts", "max_lag 4"]),
        ("003-newton", ["krylov by minres", "curvature hessian", "4 parts", "lockstep"]),
        ("001-grid", ["search over grid", "4 parts", "lockstep"]),
        ("001-activations", ["search over activations", "rule irprop_plus", "4 parts", "lockstep"]),
        ("001-evolution", ["evolution by 32 pairs", "rule adam", "4 parts", "lockstep"]),
        ("004-ott", ["averaging by mean", "a start of its own each", "local ott", "4 parts", "lockstep"]),
        ("004-averaging", ["averaging by mean", "one start", "local epochs", "4 parts", "lockstep"]),
        ("001-structure", ["structure with barrier level", "rule irprop_plus", "4 parts", "lockstep"]),
        ("003-basin-hopping", ["hopping", "temperature 0", "4 parts", "lockstep"]),
        ("002-cartpole", ["imitation with sieve percentile", "rule adam", "4 parts", "lockstep"]),
        ("003-trpo-cartpole", ["trpo", "value by gmres", "4 parts", "lockstep"]),
        ("cartpole-reinforce", ["reinforce with monte_carlo", "gradient reuse", "correction none"]),
    ],
)
def test_what_decides_is_said_of_every_method(preset: str, said: list[str]) -> None:
    assert deciding(load(preset).config) == said


@pytest.mark.parametrize(
    ("preset", "flags", "said"),
    [
        ("001-rows", [], []),
        ("001-rows", [("mode", "serial")], ["mode serial"]),
        ("003-sgd", [], ["mode async"]),
        ("cartpole", [], ["mode async"]),
        ("cartpole", [("mode", "sync")], ["mode sync"]),
    ],
)
def test_lockstep_is_not_called_asynchronous(
    preset: str, flags: list[tuple[str, str]], said: list[str]
) -> None:
    assert mode(load(preset, flags).config) == said


def test_without_a_barrier_nothing_waits() -> None:
    config = load("001-structure", [("structure.barrier", "none")]).config
    assert not in_lockstep(config)
    assert deciding(config)[-1] == "4 parts"
    assert in_lockstep(load("001-structure").config)


def test_what_the_tests_play_is_said() -> None:
    assert what_tests_play(load("002-cartpole").config) == {
        "test_return": "10 greedy episodes, every 10 updates",
        "test_mean": "at most 10, until one fails",
    }
    trpo = load("003-trpo-cartpole", [("table.test_every", "1"), ("eval.episodes", "20")]).config
    assert what_tests_play(trpo) == {"test_return": "20 greedy episodes, every update"}
    at_the_end = load("003-trpo-cartpole", [("table.test_every", "null")]).config
    assert what_tests_play(at_the_end)["test_return"].endswith(" greedy episodes, at the end")
    assert what_tests_play(load("001-rows").config) == what_tests_play(load("cartpole").config) == {}


def test_one_part_is_one() -> None:
    assert "1 part" in deciding(load("001-rows", [("tasks.parts", "1")]).config)
