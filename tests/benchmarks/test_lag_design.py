"""What the lag study runs: sound configs that differ in what they compare and in nothing else."""

from __future__ import annotations

import pytest
from lagstudy.design import (
    BASE,
    METHODS,
    RATES,
    TASKS,
    TEST_SEEDS,
    TUNING_LAGS,
    TUNING_SEEDS,
    Cell,
    sweep,
    test_cells,
)

from touchline.configs import load

test_cells.__test__ = False


def config_of(cell):
    return load(None, values=cell.values).config


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("method", METHODS)
def test_every_cell_is_a_config_that_is_accepted(task, method):
    config = config_of(Cell(task, method, 2e-3, 16, 7))
    assert (config.staleness.inject, config.seed, config.optimizer.learning_rate) == (16, 7, 2e-3)
    assert config.mode == "serial"
    assert config.stop.mean_return is None


def test_methods_differ_in_how_they_learn_alone():
    def rest(method):
        values = Cell("cartpole", method, 2e-3, 4, 0).values
        return {key: value for key, value in values.items() if key not in METHODS[method].values}

    changed = {key for method in METHODS.values() for key in method.values}
    assert changed <= {
        "trainer.gradient",
        "trainer.value_head",
        "trainer.advantage",
        "trainer.algorithm",
        "trainer.epochs",
        "trainer.minibatch_steps",
        "staleness.correction",
    }
    for method in METHODS:
        assert rest(method).items() <= {**rest("importance"), **BASE}.items()


def test_invariance_is_what_the_config_says_of_it():
    from touchline.configs.combinations import is_invariant

    for name, method in METHODS.items():
        assert is_invariant(config_of(Cell("cartpole", name, 2e-3, 4, 0))) == method.invariant, name


def test_tuning_and_test_seeds_have_none_in_common():
    assert not set(TUNING_SEEDS) & set(TEST_SEEDS)
    assert len(TEST_SEEDS) == 20


def test_a_sweep_has_every_rate_at_every_tuning_lag_seeds_outermost():
    task = TASKS["cartpole"]
    cells = list(sweep(task))
    assert len(cells) == len(set(cells)) == len(METHODS) * len(RATES) * len(TUNING_LAGS) * len(TUNING_SEEDS)
    assert {cell.seed for cell in cells[: len(cells) // len(TUNING_SEEDS)]} == {TUNING_SEEDS[0]}


def test_test_cells_are_at_the_chosen_rates_and_none_where_none_is_chosen():
    task = TASKS["cartpole"]
    cells = list(test_cells(task, {("reuse", 0): 1.0, ("reuse", 4): 2.0, ("ppo", 4): 3.0}))
    assert {(cell.method, cell.lag, cell.rate) for cell in cells} == {
        ("reuse", 0, 1.0),
        ("reuse", 4, 2.0),
        ("ppo", 4, 3.0),
    }
    assert len(cells) == 3 * len(TEST_SEEDS)


def test_continuous_tasks_leave_out_what_is_for_choices():
    assert "centred" not in TASKS["target"].methods
