"""From images to features: several convolutions, each followed by the activation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.policy.convolution import Geometry, convolve, convolve_backward, convolve_to_inputs
from touchline.policy.dense import Activation, activate, times_derivative
from touchline.policy.inputs import Inputs, only_array
from touchline.policy.spaces import SpaceError
from touchline.policy.torso import TORSO_GAIN, Initialization, Parameters, init_layer

AnyArray = NDArray[Any]
FloatArray = NDArray[np.floating[Any]]
Layers = Sequence[tuple[int, int, int, int]]  # (filters, size, stride, padding) each
FULL_BYTE = 255.0
FEW_CHANNELS = 8


def image_axes(shape: tuple[int, ...]) -> tuple[tuple[int, int, int], bool]:
    """((height, width, channels), whether the channels come first) of an image's shape.

    Of the two outer axes of three the smaller is the channels; the last where they are equal. Two axes are an image of
    one channel.
    """
    if len(shape) == 2:
        return (shape[0], shape[1], 1), False
    first, middle, last = shape
    return ((middle, last, first), True) if first < last else ((first, middle, last), False)


def channels_last(images: AnyArray) -> AnyArray:
    """Images ``[N, *axes]``, in the axes of their space, as ``[N, H, W, C]``: copied where the channels came first."""
    if images.ndim == 3:
        return images[..., None]
    _, first = image_axes(images.shape[1:])
    if not first:
        return images
    turned = images.transpose(0, 2, 3, 1)
    if turned.shape[-1] > FEW_CHANNELS:
        return np.ascontiguousarray(turned)
    copied = np.empty(turned.shape, turned.dtype)
    for channel in range(turned.shape[-1]):  # a third of the time of a copy whose inner loop is over so few
        copied[..., channel] = turned[..., channel]
    return copied


def geometries(shape: tuple[int, ...], layers: Layers) -> tuple[Geometry, ...]:
    """What each layer makes of the image. Raises SpaceError where an image is smaller than a filter."""
    (height, width, channels), _ = image_axes(shape)
    found: list[Geometry] = []
    for i, (filters, size, stride, padding) in enumerate(layers, start=1):
        g = Geometry(height, width, channels, filters, size, stride, padding)
        if not g.fits:
            raise SpaceError(_too_small(shape, g, layer=i))
        found.append(g)
        height, width, channels = g.out_shape
    return tuple(found)


def _too_small(shape: tuple[int, ...], g: Geometry, *, layer: int) -> str:
    left = f", what is left of an observation {list(shape)}" if layer > 1 else f", observations {list(shape)}"
    padded = f" with {g.padding} of padding on each side" if g.padding else ""
    return (
        f"policy.convolutions: layer {layer}: expected an image of at least {g.size} x {g.size} pixels "
        f"for its filters, found {g.height} x {g.width}{padded}{left}. Take smaller filters or strides, or fewer layers"
    )


class ImageTorso:
    """Convolutions of any number over images ``[N, H, W, C]``; the output is the last map, flat.

    Images of bytes are read as 0 to 1.
    """

    def __init__(
        self,
        *,
        shape: tuple[int, ...],
        dtype: str,
        layers: Layers,
        activation: Activation,
        bias: bool = True,
        initialization: Initialization = "orthogonal",
    ) -> None:
        """``shape``, ``dtype``: of one observation, its channels first or last. Raises SpaceError where it is too small
        for the layers."""
        self._layers = geometries(shape, layers)
        self._activation = activation
        self._initialization: Initialization = initialization
        self._scale = 1 / FULL_BYTE if dtype == "uint8" else 1.0
        *below, last = self._layers
        self.size = math.prod(last.out_shape)
        self.kept = (*(g.out_shape for g in below), (self.size,))
        self.shapes: dict[str, tuple[int, ...]] = {}
        for i, g in enumerate(self._layers):
            self.shapes[f"{i}/weight"] = (g.patch, g.filters)
            if bias:
                self.shapes[f"{i}/bias"] = (g.filters,)

    def init(self, views: Parameters, rng: np.random.Generator) -> None:
        for view in views.values():
            init_layer(view, gain=TORSO_GAIN, how=self._initialization, rng=rng)

    def forward(self, p: Parameters, x: Inputs, out: Sequence[FloatArray] | None = None) -> list[FloatArray]:
        below, dtype = only_array(x), p["0/weight"].dtype
        kept = []
        for i, g in enumerate(self._layers):
            h = np.empty((len(below), *self.kept[i]), dtype) if out is None else out[i]
            maps = h.reshape((len(h), *g.out_shape), copy=False)
            convolve(
                x=below, w=p[f"{i}/weight"], b=p.get(f"{i}/bias"), geometry=g, out=maps, scale=self._at(i)
            )
            activate(self._activation, h)
            kept.append(h)
            below = maps
        return kept

    def backward(
        self, p: Parameters, x: Inputs, kept: Sequence[FloatArray], d: FloatArray, gradient: Parameters
    ) -> None:
        for i in reversed(range(len(self._layers))):
            g = self._layers[i]
            times_derivative(self._activation, d, kept[i].reshape(d.shape))
            d = d.reshape(-1, *g.out_shape)
            convolve_backward(
                x=kept[i - 1] if i else only_array(x),
                d=d,
                geometry=g,
                dw=gradient[f"{i}/weight"],
                db=gradient.get(f"{i}/bias"),
                scale=self._at(i),
            )
            if i:
                d = convolve_to_inputs(d=d, w=p[f"{i}/weight"], geometry=g)

    def widened(self, p: Parameters, rows: int) -> Parameters:
        """The same: a bias is added to every place of a map, however many rows there are."""
        return p

    def _at(self, layer: int) -> float:
        return 1.0 if layer else self._scale
