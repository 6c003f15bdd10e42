"""What networks that were trained apart are worth on the test rows: alone, merged every way, and as an ensemble."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from systems_study.apart import Experiment
from touchline.targets.combining import combine

FloatArray = NDArray[np.float64]
GAINS = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 24.0, 48.0, 96.0)


def worth(experiment: Experiment, w: FloatArray, start: FloatArray | None) -> dict[str, Any]:
    """Accuracies on the test rows, 0 to 1, of n networks w float64 [n, size]; ``start``: what all of them began with.

    ``differ``: test rows of which the sum and the mean with a gain of n in its hidden units say another class.
    """
    parts, answers = len(w), Answers(experiment)
    mean, total = combine(list(w), how="mean"), combine(list(w), how="sum")
    gained, summed = answers.classes(mean, gain=float(parts)), answers.classes(total)
    outputs = sum(answers.outputs(one) for one in w)
    found = {
        "mean": answers.accuracy(answers.classes(mean)),
        "sum": answers.accuracy(summed),
        "mean_gain": answers.accuracy(gained),
        "differ": int((gained != summed).sum()),
        "single": float(np.mean([answers.accuracy(answers.classes(one)) for one in w])),
        "ensemble": answers.accuracy(np.argmax(outputs, axis=1)),
        "gains": [[gain, answers.accuracy(answers.classes(mean, gain=gain))] for gain in GAINS],
        "spread_single": float(np.mean([answers.first(one).std() for one in w])),
        "spread_mean": float(answers.first(mean).std()),
    }
    if start is not None:
        moved = combine(list(w), how="displacements", start=start)
        found["displacements"] = answers.accuracy(answers.classes(moved))
    return found


class Answers:
    """What a network of document 004's form says of the test rows."""

    def __init__(self, experiment: Experiment) -> None:
        self._network, table = experiment.network, experiment.table
        self._x = table.test_x.astype(np.float64)
        self._labels = np.argmax(table.test_y, axis=1)

    def first(self, w: FloatArray) -> FloatArray:
        """The weights from inputs to hidden units."""
        return np.asarray(next(iter(self._network.views(w).values())))

    def sums(self, w: FloatArray, *, gain: float = 1.0) -> FloatArray:
        """What enters the outputs, float64 [rows, outputs]. ``gain`` multiplies what enters each hidden unit."""
        w1, w2 = self._network.views(w).values()
        return _sigmoid(gain * (self._x @ w1)) @ w2

    def outputs(self, w: FloatArray) -> FloatArray:
        return _sigmoid(self.sums(w))

    def classes(self, w: FloatArray, *, gain: float = 1.0) -> NDArray[np.intp]:
        """By what enters the outputs: where a sigmoid is 1 to the last bit it says nothing any more."""
        return np.argmax(self.sums(w, gain=gain), axis=1)

    def accuracy(self, classes: NDArray[np.intp]) -> float:
        return float((classes == self._labels).mean())


def _sigmoid(z: FloatArray) -> FloatArray:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * z)))
