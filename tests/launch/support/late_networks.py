"""A linear network that raises, or gives no numbers, after so many calls."""

from __future__ import annotations

import numpy as np


class Late:
    """``fails``: the method that raises once it has been called more than ``after`` times; "nan" spoils forward."""

    def __init__(self, features: int, *, fails: str = "backward", after: int = 10) -> None:
        self.features, self.fails, self.after, self.calls = features, fails, after, 0

    def init(self, rng):
        return {"weight": rng.standard_normal((self.features, 8)).astype(np.float32) / 4}

    def forward(self, parameters, x):
        out = np.tanh(x @ parameters["weight"])
        self._count("forward")
        if self.fails == "nan":
            out = out * np.float32("nan") if self._late() else out
        return [out]

    def backward(self, parameters, x, kept, d):
        self._count("backward")
        return {"weight": x.T @ (d * (1 - kept[-1] ** 2))}

    def _count(self, method):
        self.calls += method == self.fails or self.fails == "nan"
        if method == self.fails and self._late():
            raise RuntimeError(f"{method} has had enough")

    def _late(self):
        return self.calls > self.after
