"""Several readers side by side, then dense layers over what they give together: images, and many-part observations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from touchline.policy.inputs import Inputs, Parts
from touchline.policy.torso import Parameters, Torso

AnyArray = NDArray[Any]
FloatArray = NDArray[np.floating[Any]]
TOP = "hidden"


class Top(Torso, Protocol):
    """A torso that can stand on others: its backward pass goes on to what it read."""

    def backward_to_inputs(
        self, p: Parameters, x: Inputs, kept: Sequence[FloatArray], d: FloatArray, gradient: Parameters
    ) -> FloatArray:
        """``backward``, and the gradient ``[N, D]`` of the inputs."""


class JoinedTorso:
    """Each part of the inputs through a reader of its own, their outputs in one row, then ``top``.

    Parameters are named ``<reader>/<its name>`` and ``hidden/<name>``. Kept: what each reader keeps, then what
    ``top`` does, or the joined row where it keeps nothing (and that is not one reader's output, which is kept already).
    """

    def __init__(self, readers: Sequence[tuple[str, Torso]], top: Top) -> None:
        """``readers``: (name, torso) of each part, in order; ``top`` reads the sum of their sizes."""
        self._readers = tuple(torso for _, torso in readers)
        self._top = top
        self._sizes = tuple(torso.size for torso in self._readers)
        named = (*readers, (TOP, top))
        self._names = tuple({name: f"{place}/{name}" for name in torso.shapes} for place, torso in named)
        self.shapes = {
            names[name]: shape
            for names, (_, torso) in zip(self._names, named, strict=True)
            for name, shape in torso.shapes.items()
        }
        below = tuple(shape for torso in self._readers for shape in torso.kept)
        self._ends = tuple(_ends(torso.kept for torso in self._readers))
        self.size = top.size
        self._keeps_joined = not top.kept and not (len(readers) == 1 and below)
        self.kept = below + (((self.size,),) if self._keeps_joined else top.kept)

    def init(self, views: Parameters, rng: np.random.Generator) -> None:
        for torso, names in zip((*self._readers, self._top), self._names, strict=True):
            torso.init(_of(views, names), rng)

    def forward(self, p: Parameters, x: Inputs, out: Sequence[FloatArray] | None = None) -> list[FloatArray]:
        kept: list[FloatArray] = []
        start = 0
        for torso, names, part, end in zip(self._readers, self._names, _parts(x), self._ends, strict=False):
            kept += torso.forward(_of(p, names), part, None if out is None else out[start:end])
            start = end
        joined = self._joined(x, kept)
        above = None if out is None else out[start:]
        if self._top.kept:
            return kept + self._top.forward(_of(p, self._names[-1]), joined, above)
        if not self._keeps_joined:
            return kept
        if above is None:
            return [*kept, joined]
        np.copyto(above[0], joined)
        return [*kept, above[0]]

    def backward(
        self, p: Parameters, x: Inputs, kept: Sequence[FloatArray], d: FloatArray, gradient: Parameters
    ) -> None:
        start = self._ends[-1]
        if self._top.kept:
            names = self._names[-1]
            joined = self._joined(x, kept)
            d = self._top.backward_to_inputs(_of(p, names), joined, kept[start:], d, _of(gradient, names))
        columns = np.split(d, np.cumsum(self._sizes)[:-1], axis=1)
        start = 0
        for torso, names, part, end, share in zip(
            self._readers, self._names, _parts(x), self._ends, columns, strict=False
        ):
            if end > start:
                torso.backward(_of(p, names), part, kept[start:end], share, _of(gradient, names))
            start = end

    def widened(self, p: Parameters, rows: int) -> Parameters:
        """Each reader's own, and the dense layers'."""
        wide: dict[str, FloatArray] = {}
        for torso, names in zip((*self._readers, self._top), self._names, strict=True):
            own = torso.widened(_of(p, names), rows)
            wide |= {full: own[name] for name, full in names.items()}
        return wide

    def _joined(self, x: Inputs, kept: Sequence[FloatArray]) -> AnyArray:
        """``[N, D]``: the readers' outputs side by side; one that keeps nothing gives its inputs."""
        outputs, start = [], 0
        for part, end in zip(_parts(x), self._ends, strict=True):
            outputs.append(kept[end - 1] if end > start else part)
            start = end
        return outputs[0] if len(outputs) == 1 else np.concatenate(outputs, axis=1)


def _of(p: Parameters, names: dict[str, str]) -> dict[str, FloatArray]:
    """One torso's parameters, by its own names."""
    return {name: p[full] for name, full in names.items()}


def _parts(x: Inputs) -> tuple[AnyArray, ...]:
    return x.arrays if isinstance(x, Parts) else (x,)


def _ends(kept: Iterator[tuple[tuple[int, ...], ...]]) -> Iterator[int]:
    """Where each reader's share of what is kept ends."""
    end = 0
    for shapes in kept:
        end += len(shapes)
        yield end
