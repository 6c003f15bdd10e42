"""An evaluation crosses the wire as three arrays, and anything else is refused with what is wrong."""

from __future__ import annotations

import numpy as np
import pytest

from touchline.policy.evaluation import Evaluation, EvaluationError

PLAYED = Evaluation(returns=(1.5, -2.0, 4.0), lengths=(3, 4, 5), seeds=(7, 2**31 - 1, 9))


def test_it_comes_back_as_it_was():
    arrays = PLAYED.to_arrays()
    assert {name: (array.dtype, array.shape) for name, array in arrays.items()} == {
        "returns": (np.float64, (3,)),
        "lengths": (np.int64, (3,)),
        "seeds": (np.int64, (3,)),
    }
    assert Evaluation.from_arrays(arrays, episodes=3) == PLAYED


def test_mean_and_deviation_are_of_the_returns():
    assert PLAYED.mean == pytest.approx(3.5 / 3)
    assert PLAYED.std == pytest.approx(np.std([1.5, -2.0, 4.0]))


@pytest.mark.parametrize("returns", [(np.inf,), (np.inf, -np.inf), (np.nan, 1.0), (1e308, 1e308)])
def test_returns_that_are_no_numbers_warn_of_nothing(returns):
    played = Evaluation(returns, (1,) * len(returns), (0,) * len(returns))
    assert not np.isfinite([played.mean, played.std]).any()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"returns": None}, r"returns: expected float64 \[3\], found nothing"),
        ({"returns": np.zeros(3, np.float32)}, r"returns: expected float64 \[3\], found float32 \[3\]"),
        ({"lengths": np.zeros(2, np.int64)}, r"lengths: expected int64 \[3\], found int64 \[2\]"),
        ({"seeds": np.zeros((3, 1), np.int64)}, r"seeds: expected int64 \[3\], found int64 \[3, 1\]"),
        ({"rewards": np.zeros(3)}, r"evaluation: expected returns, lengths, seeds, found rewards too"),
    ],
)
def test_what_is_no_evaluation_is_refused(change, message):
    arrays = {name: array for name, array in (PLAYED.to_arrays() | change).items() if array is not None}
    with pytest.raises(EvaluationError, match=message):
        Evaluation.from_arrays(arrays, episodes=3)


def test_one_of_another_number_of_episodes_is_refused():
    with pytest.raises(EvaluationError, match=r"returns: expected float64 \[20\], found float64 \[3\]"):
        Evaluation.from_arrays(PLAYED.to_arrays(), episodes=20)
