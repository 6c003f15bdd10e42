"""How raw observations become what a network reads: encoded and normalised vectors, images with channels last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.policy.features import encode, feature_size
from touchline.policy.form import Form
from touchline.policy.images import channels_last
from touchline.policy.inputs import Inputs, Parts
from touchline.policy.normalizer import Normalizer
from touchline.policy.records import Record, RecordLeaf
from touchline.policy.spaces import Box, Dict, Space, SpaceError, Tuple

FloatArray = NDArray[np.floating[Any]]
AnyArray = NDArray[Any]


def is_image(space: Space, form: Form) -> bool:
    """Whether convolutions read it: a Box of three axes, or of two, where the form has convolutions."""
    return bool(form.convolutions) and isinstance(space, Box) and len(space.shape) in {2, 3}


@dataclass(frozen=True, slots=True)
class Reading:
    """The way from raw observations of one space to the inputs of a network of one form.

    All leaves that are no image make one row of numbers together; ``features`` is its width D, 0 where there is none.
    """

    space: Space
    form: Form
    record: Record | None  # of a Dict or Tuple
    images: tuple[RecordLeaf, ...]
    others: tuple[RecordLeaf, ...]
    features: int

    @staticmethod
    def of(space: Space, form: Form) -> Reading:
        """Raises SpaceError where the form has convolutions and the space no image."""
        whole = Record.of(space)
        leaves = whole.leaves
        images = tuple(leaf for leaf in leaves if is_image(leaf.space, form))
        if form.convolutions and not images:
            raise SpaceError(
                "policy.convolutions: expected observations with an image, a Box of 2 or 3 axes, found none. "
                "policy.convolutions: [] serves every space"
            )
        others = () if form.sparse else tuple(leaf for leaf in leaves if leaf not in images)
        record = whole if isinstance(space, Dict | Tuple) else None
        return Reading(space, form, record, images, others, sum(feature_size(leaf.space) for leaf in others))

    def scratch(self, rows: int) -> FloatArray | None:
        """A buffer for ``inputs`` of so many rows, None where they need none."""
        plain = isinstance(self.space, Box) and self.space.dtype == "float32" and not self.form.normalize
        return None if plain or not self.features else np.empty((rows, self.features), np.float32)

    def inputs(self, raw: AnyArray, normalizer: Normalizer | None, out: FloatArray | None = None) -> Inputs:
        """Raw observations ``[N, ...]`` as the network reads them; vectors into ``out`` where given.

        The row of numbers ``[N, D]``, or the image ``[N, H, W, C]``, where there is nothing else; else Parts, the
        numbers first. Images whose channels come first are turned here, once, and not at each of the network's passes.
        """
        if self.form.sparse:
            return raw.reshape(len(raw), feature_size(self.space))
        images = tuple(channels_last(self._leaf(raw, leaf)) for leaf in self.images)
        if not self.features:
            return images[0] if len(images) == 1 else Parts(images)
        rows = self.vectors(raw, out)
        if normalizer is not None:
            rows = normalizer(rows, out=out)
        return Parts((rows, *images)) if images else rows

    def vectors(self, raw: AnyArray, out: FloatArray | None = None) -> FloatArray:
        """The numbers ``[N, D]`` that statistics are taken of, before normalising; into ``out`` where given.

        ``[N, 0]`` where the network reads images alone.
        """
        if not self.features:
            return np.empty((len(raw), 0), np.float32)
        if self.record is None:
            return encode(self.space, raw, out)
        rows = np.empty((len(raw), self.features), np.float32) if out is None else out
        start = 0
        for leaf in self.others:
            stop = start + feature_size(leaf.space)
            encode(leaf.space, self.record.view(raw, leaf), rows[:, start:stop])
            start = stop
        return rows

    def _leaf(self, raw: AnyArray, leaf: RecordLeaf) -> AnyArray:
        """``[N, *leaf shape]``: the same memory."""
        return raw if self.record is None else self.record.view(raw, leaf)
