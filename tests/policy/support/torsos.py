"""What tests of torsos share: parameters in float64, a gradient proven, and what every torso must do."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from policy_numerics import assert_gradient

from touchline.policy.inputs import Inputs, Parts
from touchline.policy.parameters import Layout
from touchline.policy.torso import Torso

Array = NDArray[Any]


def parameters_of(torso: Torso, rng: np.random.Generator, *, scale: float = 0.5) -> dict[str, Array]:
    """Random float64 parameters, nothing zero, as views into one vector."""
    layout = Layout(torso.shapes)
    return layout.views(scale * rng.standard_normal(layout.size))


def gradient_of(
    torso: Torso, p: dict[str, Array], x: Inputs, kept: list[Array], d: Array
) -> dict[str, Array]:
    gradient = {name: np.zeros_like(view) for name, view in p.items()}
    torso.backward(p, x, kept, d.copy(), gradient)
    return gradient


def prove(torso: Torso, x: Inputs, rng: np.random.Generator) -> None:
    """The gradient by central differences, the shapes of what is kept, and the manners of both passes."""
    layout = Layout(torso.shapes)
    flat = 0.5 * rng.standard_normal(layout.size)
    p = layout.views(flat)
    kept = torso.forward(p, x)
    assert [h.shape for h in kept] == [(len(x), *shape) for shape in torso.kept]
    assert torso.kept[-1] == (torso.size,)
    d = rng.standard_normal((len(x), torso.size))
    gradient = gradient_of(torso, p, x, kept, d)

    def loss(moved: Array) -> float:
        return float((torso.forward(layout.views(moved), x)[-1] * d).sum())

    found = np.concatenate([gradient[name].reshape(-1) for name in torso.shapes])
    assert_gradient(found, loss, flat)
    _fills_buffers(torso, p, x, kept)
    _adds_up(torso, p, x, kept, d, gradient)
    _widens(torso, p, x, kept)


def _fills_buffers(torso: Torso, p: dict[str, Array], x: Inputs, kept: list[Array]) -> None:
    out = [np.full_like(h, np.nan) for h in kept]
    given = torso.forward(p, x, out)
    for one, buffer, expected in zip(given, out, kept, strict=True):
        assert one is buffer
        np.testing.assert_array_equal(buffer, expected)


def _adds_up(
    torso: Torso, p: dict[str, Array], x: Inputs, kept: list[Array], d: Array, whole: dict[str, Array]
) -> None:
    """Row by row into one gradient is the gradient of all rows, and nothing that was given changed."""
    before = {name: view.copy() for name, view in p.items()}
    held = [h.copy() for h in kept]
    gradient = {name: np.zeros_like(view) for name, view in p.items()}
    for n in range(len(x)):
        row = slice(n, n + 1)
        torso.backward(p, x[row], [h[row] for h in kept], d[row].copy(), gradient)
    for name in p:
        np.testing.assert_allclose(gradient[name], whole[name], rtol=1e-11, atol=1e-11)
        np.testing.assert_array_equal(p[name], before[name])
    for h, was in zip(kept, held, strict=True):
        np.testing.assert_array_equal(h, was)


def _widens(torso: Torso, p: dict[str, Array], x: Inputs, kept: list[Array]) -> None:
    for found, expected in zip(torso.forward(torso.widened(p, len(x)), x), kept, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def parts(*arrays: Array) -> Parts:
    return Parts(arrays)
