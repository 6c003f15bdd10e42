"""Networks of a user's own: a right one, and ones that are wrong in one way each."""

from __future__ import annotations

import numpy as np


class Residual:
    """x W, then blocks h + act(h V + b)."""

    def __init__(self, features, width=5, blocks=2, relu=False):
        self.features, self.width, self.blocks, self.relu = features, width, blocks, relu

    def init(self, rng):
        parameters = {"in": rng.standard_normal((self.features, self.width)) / np.sqrt(self.features)}
        for i in range(self.blocks):
            parameters[f"{i}/weight"] = rng.standard_normal((self.width, self.width)) / np.sqrt(self.width)
            parameters[f"{i}/bias"] = np.zeros(self.width)
        return parameters

    def forward(self, parameters, x):
        h, kept = x @ parameters["in"], []
        for i in range(self.blocks):
            z = h @ parameters[f"{i}/weight"] + parameters[f"{i}/bias"]
            a = np.maximum(z, 0) if self.relu else np.tanh(z)
            kept += [h, a]
            h = h + a
        return [*kept, h]

    def backward(self, parameters, x, kept, d):
        gradient = {}
        for i in reversed(range(self.blocks)):
            h, a = kept[2 * i : 2 * i + 2]
            dz = d * ((a > 0) if self.relu else 1 - a * a)
            gradient[f"{i}/weight"], gradient[f"{i}/bias"] = h.T @ dz, dz.sum(axis=0)
            d = d + dz @ parameters[f"{i}/weight"].T
        gradient["in"] = x.T @ d
        return gradient


class Shaped(Residual):
    """Is told the shape of an observation."""

    def __init__(self, features, shape, width=5):
        super().__init__(features, width)
        self.shape = shape


class WrongBias(Residual):
    def backward(self, parameters, x, kept, d):
        gradient = super().backward(parameters, x, kept, d)
        return gradient | {"1/bias": 2 * gradient["1/bias"]}


class WrongElement(Residual):
    """One row of one matrix, as by an index that is off."""

    def backward(self, parameters, x, kept, d):
        gradient = super().backward(parameters, x, kept, d)
        gradient["0/weight"][1] = 0
        return gradient


class Remembers(Residual):
    """Leaves what backward needs in itself instead of in what it gives."""

    def forward(self, parameters, x):
        self.kept = super().forward(parameters, x)
        return self.kept

    def backward(self, parameters, x, kept, d):
        return super().backward(parameters, x, self.kept, d)


class RemembersClass(Residual):
    """The same in the class, so that a new object has it too."""

    def forward(self, parameters, x):
        type(self).seen = x.copy()
        return super().forward(parameters, x)

    def backward(self, parameters, x, kept, d):
        return super().backward(parameters, self.seen[: len(x)], kept, d)


class BatchNorm(Residual):
    """A row's output depends on the others."""

    def forward(self, parameters, x):
        return super().forward(parameters, x - x.mean(axis=0))


class Mean(Residual):
    """Gradients that are means over rows, not sums."""

    def backward(self, parameters, x, kept, d):
        return {name: g / len(x) for name, g in super().backward(parameters, x, kept, d).items()}


class Noisy(Residual):
    def __init__(self, features):
        super().__init__(features)
        self.rng = np.random.default_rng(0)

    def forward(self, parameters, x):
        *kept, h = super().forward(parameters, x)
        return [*kept, h + self.rng.standard_normal(h.shape, np.float32).astype(h.dtype)]


class OwnSeed(Residual):
    made = 0

    def init(self, rng):
        type(self).made += 1
        return super().init(np.random.default_rng(type(self).made))


class Float32(Residual):
    def forward(self, parameters, x):
        return [h.astype(np.float32) for h in super().forward(parameters, x)]


class NotANumber(Residual):
    def forward(self, parameters, x):
        *kept, h = super().forward(parameters, x)
        return [*kept, np.sqrt(np.where(h > 1e9, h, np.nan))]


class NoNumberBack(Residual):
    def backward(self, parameters, x, kept, d):
        gradient = super().backward(parameters, x, kept, d)
        return gradient | {"in": gradient["in"] * np.nan}


class SpoilsInputs(Residual):
    def forward(self, parameters, x):
        kept = super().forward(parameters, x.copy())
        x += 1
        return kept


class SpoilsParameters(Residual):
    def backward(self, parameters, x, kept, d):
        gradient = super().backward(parameters, x, kept, d)
        parameters["in"] *= 2
        return gradient


class SpoilsKept(Residual):
    def backward(self, parameters, x, kept, d):
        gradient = super().backward(parameters, x, kept, d)
        kept[0][...] = 0
        return gradient


class RaisesAlone(Residual):
    def forward(self, parameters, x):
        if len(x) == 1:
            raise IndexError("one row")
        return super().forward(parameters, x)


class NoBackward:
    def __init__(self, features):
        pass

    def init(self, rng):
        return {}

    def forward(self, parameters, x):
        return [x]


class Given(Residual):
    """Returns what it was told to, in place of what one method would."""

    def __init__(self, features, method, value):
        super().__init__(features)
        setattr(self, method, lambda *_: value)


class RaisesInInit(Residual):
    def init(self, rng):
        raise KeyError("width")


class Zigzag:
    """A corner every 4e-5: half of all elements are within a step of one."""

    def __init__(self, features, wrong=False):
        self.features, self.wrong = features, wrong

    def init(self, rng):
        return {"w": rng.standard_normal((self.features, 20))}

    def forward(self, parameters, x):
        return [x @ (8e-5 * np.abs((parameters["w"] / 8e-5) % 1 - 0.5))]

    def backward(self, parameters, x, kept, d):
        slope = np.where((parameters["w"] / 8e-5) % 1 > 0.5, 1.0, -1.0)
        return {"w": (2 if self.wrong else 1) * (x.T @ d) * slope}


class Corners:
    """The positive part of its parameters, of which a row begins at 0 exactly."""

    def __init__(self, features):
        self.features = features

    def init(self, rng):
        w = rng.standard_normal((self.features, 3))
        w[0] = 0
        return {"w": w}

    def forward(self, parameters, x):
        return [x @ np.maximum(parameters["w"], 0)]

    def backward(self, parameters, x, kept, d):
        return {"w": (x.T @ d) * (parameters["w"] >= 0)}


class OnlyCorners(Corners):
    """One array begins at 0 everywhere, so that no element of it has a derivative; another has none of any."""

    def init(self, rng):
        return {**super().init(rng), "v": np.zeros((self.features, 3)), "empty": np.zeros((0, 3))}

    def forward(self, parameters, x):
        return [x @ (parameters["w"] + np.abs(parameters["v"]))]

    def backward(self, parameters, x, kept, d):
        return {"w": x.T @ d, "v": 7 * (x.T @ d), "empty": np.zeros((0, 3))}


class Raises(Residual):
    def __init__(self, features):
        raise ValueError("an even width is wanted.\nwidth 5")


not_a_class = 3
