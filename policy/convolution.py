"""Convolutions: forward and backward side by side, each one matrix product over the patches of the image.

Images here have their channels last. Patches are copied out (im2col) a few images at a time, so that they are still
in the cache when they are multiplied; the backward pass copies them out again rather than keep what is sixteen times
the image.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

AnyArray = NDArray[Any]
FloatArray = NDArray[np.floating[Any]]
PATCH_BYTES = 2**21  # of patches at a time: beyond a core's second cache 16 images took a fifth longer


@dataclass(frozen=True, slots=True)
class Geometry:
    """One layer over images ``[N, height, width, channels]``, square filters."""

    height: int
    width: int
    channels: int
    filters: int
    size: int
    stride: int
    padding: int

    @property
    def out_height(self) -> int:
        return (self.height + 2 * self.padding - self.size) // self.stride + 1

    @property
    def out_width(self) -> int:
        return (self.width + 2 * self.padding - self.size) // self.stride + 1

    @property
    def fits(self) -> bool:
        """Whether there is a place for one filter at least."""
        return min(self.height, self.width) + 2 * self.padding >= self.size

    @property
    def patch(self) -> int:
        """K: numbers that one filter reads."""
        return self.size * self.size * self.channels

    @property
    def out_shape(self) -> tuple[int, int, int]:
        """(rows, columns, filters) of the map that one image gives."""
        return self.out_height, self.out_width, self.filters

    def chunks(self, rows: int, itemsize: int) -> Iterator[slice]:
        """The rows ``[N]`` in parts whose patches fit into PATCH_BYTES; one image at least."""
        each = max(1, PATCH_BYTES // (self.out_height * self.out_width * self.patch * itemsize))
        for start in range(0, rows, each):
            yield slice(start, min(start + each, rows))


def convolve(
    *,
    x: AnyArray,
    w: FloatArray,
    b: FloatArray | None,
    geometry: Geometry,
    out: FloatArray,
    scale: float = 1.0,
) -> None:
    """Fill ``out`` with ``scale * (x ⋆ W) + b``, the cross-correlation that the field calls convolution.

    x ``[N, H, W, C]`` of any real dtype; w ``[K, F]``, its rows in the order (row, column, channel) of a patch; b
    ``[F]``; out ``[N, H', W', F]`` of w's dtype. ``scale`` is put on the filters, so no image is scaled.
    """
    g = geometry
    filters = w if scale == 1.0 else w * w.dtype.type(scale)
    for part, patches in _patches(x, g, w.dtype):
        np.dot(patches, filters, out[part].reshape((-1, g.filters), copy=False))  # a copy would be lost
    if b is not None:
        out += b


def convolve_backward(
    *,
    x: AnyArray,
    d: FloatArray,
    geometry: Geometry,
    dw: FloatArray,
    db: FloatArray | None,
    scale: float = 1.0,
) -> None:
    """Add to ``dw`` ``[K, F]`` ``scale * patchesᵀ d`` and to ``db`` ``[F]`` ``1ᵀ d``, for ``d`` ``[N, H', W', F]``."""
    g = geometry
    for part, patches in _patches(x, g, d.dtype):
        product = patches.T @ d[part].reshape(-1, g.filters)
        if scale != 1.0:
            product *= d.dtype.type(scale)
        dw += product
    if db is not None:
        rows = d.reshape(-1, g.filters)
        db += np.ones(len(rows), d.dtype) @ rows  # a tenth of the time of adding up an axis this narrow


def convolve_to_inputs(*, d: FloatArray, w: FloatArray, geometry: Geometry) -> FloatArray:
    """The gradient of the images ``[N, H, W, C]`` from ``d`` ``[N, H', W', F]``, itself a convolution, of ``d``.

    Image and filters are cut into blocks of stride x stride pixels. Each map lies over blocks one after the other, so
    a block's gradient is that of the maps around it, times the filters' blocks turned about.
    """
    g, turned = geometry, _turned(geometry)
    filters = _turn(w, g, blocks=turned.size)
    high, wide = turned.out_height * g.stride, turned.out_width * g.stride
    p, inner = g.padding, (g.height + 2 * g.padding, g.width + 2 * g.padding)
    whole = (len(d), max(high, inner[0]), max(wide, inner[1]), g.channels)
    reached = (high, wide) == whole[1:3]
    dx = np.empty(whole, d.dtype) if reached else np.zeros(whole, d.dtype)
    for part, patches in _patches(d, turned, d.dtype):
        blocks = (patches @ filters).reshape(
            -1, turned.out_height, turned.out_width, g.stride, g.stride, g.channels
        )
        rows = dx[part, :high, :wide].reshape(
            (len(blocks), turned.out_height, g.stride, turned.out_width, g.stride, g.channels), copy=False
        )
        rows[...] = blocks.transpose(0, 1, 3, 2, 4, 5)
    return dx[:, p : p + g.height, p : p + g.width]


def _turned(g: Geometry) -> Geometry:
    """The convolution of the maps ``[H', W', F]`` that gives an image's blocks, stride² C numbers each."""
    blocks = -(-g.size // g.stride)  # of a filter, each way
    return Geometry(
        g.out_height, g.out_width, g.filters, g.stride * g.stride * g.channels, blocks, 1, blocks - 1
    )


def _turn(w: FloatArray, g: Geometry, *, blocks: int) -> FloatArray:
    """The filters ``[K, F]`` as that convolution's: ``[blocks² F, stride² C]``, zeros where they fill no block."""
    side = blocks * g.stride
    filled = np.zeros((side, side, g.channels, g.filters), w.dtype)
    filled[: g.size, : g.size] = w.reshape(g.size, g.size, g.channels, g.filters)
    cut = filled.reshape(blocks, g.stride, blocks, g.stride, g.channels, g.filters)
    return cut[::-1, :, ::-1].transpose(0, 2, 5, 1, 3, 4).reshape(blocks * blocks * g.filters, -1)


def _patches(x: AnyArray, g: Geometry, dtype: np.dtype[Any]) -> Iterator[tuple[slice, FloatArray]]:
    """(rows, their patches ``[rows * H' * W', K]``) in turn, all in one buffer."""
    expected = g.height, g.width, g.channels
    assert x.shape[1:] == expected, f"images {expected}, found {x.shape[1:]}: strides would read beyond them"
    buffer: FloatArray = np.empty(0, dtype)
    for part in g.chunks(len(x), dtype.itemsize):
        images = _padded(x[part], g.padding)
        shape = (len(images), g.out_height, g.out_width, g.size, g.size, g.channels)
        if not buffer.size:
            buffer = np.empty(shape, dtype)
        filled = buffer[: len(images)]
        n, h, w, c = images.strides
        windows = as_strided(
            images, shape, (n, h * g.stride, w * g.stride, h, w, c), writeable=False
        )  # the loop over channels is innermost in both, which is what makes the copy quick
        np.copyto(filled, windows, casting="unsafe")
        yield part, filled.reshape(-1, g.patch)


def _padded(images: AnyArray, padding: int) -> AnyArray:
    """Images ``[N, H, W, C]`` in C order, with ``padding`` zeros on each side."""
    if not padding:
        return np.ascontiguousarray(images)
    n, h, w, c = images.shape
    wide = np.zeros((n, h + 2 * padding, w + 2 * padding, c), images.dtype)
    wide[:, padding : padding + h, padding : padding + w] = images
    return wide
