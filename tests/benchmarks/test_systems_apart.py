"""Networks trained apart in lockstep: the Players' numbers, wherever a pass was cut; and what they are worth merged."""

from __future__ import annotations

import numpy as np
import pytest
from systems_study.apart import Experiment, ott_config, trained_apart
from systems_study.document_004 import cell
from systems_study.merged import worth

from touchline.envs.tables import Table
from touchline.player.bench import Bench
from touchline.player.fit import carry_out
from touchline.player.work import Held
from touchline.targets.combining import combine
from touchline.targets.splitting import split
from touchline.trainer.schemes.on_table import first_weights

ROWS, TESTS, INPUTS, HIDDEN, CLASSES = 11, 40, 6, 4, 3


@pytest.fixture
def experiment():
    rng = np.random.default_rng(0)
    x, test_x = rng.integers(0, 2, (2, TESTS, INPUTS)).astype(np.float64)
    y, test_y = np.eye(CLASSES)[rng.integers(0, CLASSES, (2, TESTS))]
    table = Table("made", x[:ROWS], y[:ROWS], test_x, test_y, True, ("a", "b", "c"))
    config = ott_config("digits", rows=None, test=None, **{"averaging.inner": 5, "model.hidden": [HIDDEN]})
    return Experiment.of(config, table)


def sent_by_a_player(experiment, part, parts, init):
    shard = split(ROWS, parts)[part]
    arguments = {
        "what": "ott",
        "init": init,
        "start": shard.start,
        "stop": shard.stop,
        "part": part,
        "number": part,
    }
    held = Held(1, 0, {"weights": first_weights(experiment.config, experiment.network)})
    bench = Bench(experiment.table, experiment.network, experiment.config)
    return carry_out(bench, arguments, held)["weights"]


def random_weights(experiment):
    return np.random.default_rng(5).normal(0, 3, (4, experiment.network.size))


@pytest.mark.parametrize("parts", [1, 2, 3, 4])
def test_every_network_is_the_one_that_a_player_sends(experiment, tmp_path, parts):
    w, _ = trained_apart(experiment, parts, tmp_path / "w.npz", chunk=2)
    expected = [
        sent_by_a_player(experiment, k, parts, init) for init in ("own", "shared") for k in range(parts)
    ]
    np.testing.assert_array_equal(w, expected)


def test_a_pass_that_was_cut_goes_on_to_the_same_numbers(experiment, tmp_path):
    whole, _ = trained_apart(experiment, 2, tmp_path / "whole.npz", chunk=2)

    class Killed(Exception):
        pass

    times = iter(range(0, 10_000, 100))

    def clock():
        now = next(times)
        if now > 200:
            raise Killed
        return now

    with pytest.raises(Killed):
        trained_apart(experiment, 2, tmp_path / "cut.npz", chunk=2, clock=clock)
    with np.load(tmp_path / "cut.npz") as kept:
        assert 0 < kept["row"] < 6
    again, seconds = trained_apart(experiment, 2, tmp_path / "cut.npz", chunk=2)
    np.testing.assert_array_equal(again, whole)
    assert seconds > 100  # what was spent before is counted
    assert np.array_equal(
        trained_apart(experiment, 2, tmp_path / "cut.npz")[0], whole
    )  # and nothing is left to do


def test_the_sum_answers_as_the_mean_with_a_gain_of_n(experiment):
    w = random_weights(experiment)
    found = worth(experiment, w, None)
    assert found["differ"] == 0
    assert found["sum"] == found["mean_gain"] == dict(map(tuple, found["gains"]))[4.0]
    assert found["mean"] == dict(map(tuple, found["gains"]))[1.0]
    assert found["mean"] != found["sum"]
    assert found["spread_mean"] == pytest.approx(found["spread_single"] / 2, rel=0.3)
    assert "displacements" not in found


def test_of_one_network_all_are_the_network(experiment, tmp_path):
    w, _ = trained_apart(experiment, 1, tmp_path / "w.npz")
    found = worth(experiment, w[:1], experiment.starts(1)[0])
    network, table = experiment.network, experiment.table
    expected = network.correct(w[0], table.test_x, table.test_y) / TESTS
    assert {found[name] for name in ("mean", "sum", "single", "ensemble", "displacements")} == {expected}


def test_displacements_are_counted_from_the_shared_start(experiment):
    w, start = random_weights(experiment), first_weights(experiment.config, experiment.network)
    found = worth(experiment, w, 10 * start)
    moved = combine(list(w), how="displacements", start=10 * start)
    right = experiment.network.correct(moved, experiment.table.test_x, experiment.table.test_y)
    assert found["displacements"] == right / TESTS
    assert found["displacements"] != found["sum"]


def test_a_cell_has_own_starts_and_then_shared_ones(experiment, tmp_path):
    own, shared = cell(experiment, 3, tmp_path / "w.npz")
    assert (own["init"], shared["init"]) == ("own", "shared")
    w, _ = trained_apart(experiment, 3, tmp_path / "w.npz")
    spread = experiment.network.views(w[4])["0/weight"].std()
    assert shared["spread_single"] == pytest.approx(spread, rel=0.1)
    assert shared["spread_mean"] > 1.5 * own["spread_mean"]  # unlike networks cancel out
    assert "displacements" in shared
