from __future__ import annotations

import pytest

from touchline.cli.deciding import deciding
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


def test_one_part_is_one() -> None:
    assert "1 part" in deciding(load("001-rows", [("tasks.parts", "1")]).config)
