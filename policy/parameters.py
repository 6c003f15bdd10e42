"""One flat vector that holds every parameter, and the named views into it.

An optimiser step, a publish and a copy are then each one array operation however many layers there are.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Slot:
    """Where one parameter lies in the flat vector."""

    name: str
    shape: tuple[int, ...]
    start: int

    @property
    def stop(self) -> int:
        return self.start + math.prod(self.shape)


class Layout:
    """The order, names and shapes of a network's parameters in its flat vector ``[size]``."""

    def __init__(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        self.slots = tuple(_place(shapes))
        self.size = self.slots[-1].stop if self.slots else 0

    def views(self, flat: FloatArray) -> dict[str, FloatArray]:
        """The parameters by name: views, so that writing to one writes to ``flat``."""
        if flat.shape != (self.size,):
            raise ValueError(f"parameters: expected shape ({self.size},), found {flat.shape}")
        return {slot.name: flat[slot.start : slot.stop].reshape(slot.shape) for slot in self.slots}

    def flatten(self, named: Mapping[str, FloatArray]) -> FloatArray:
        """A new flat float32 vector of the named arrays. Raises ValueError for a missing or misshapen one."""
        flat = np.empty(self.size, np.float32)
        for slot in self.slots:
            found = named.get(slot.name)
            if found is None or found.shape != slot.shape:
                raise ValueError(
                    f"{slot.name}: expected an array {list(slot.shape)}, "
                    f"found {'nothing' if found is None else list(found.shape)}"
                )
            flat[slot.start : slot.stop] = found.reshape(-1)
        return flat


def _place(shapes: Mapping[str, tuple[int, ...]]) -> Iterator[Slot]:
    start = 0
    for name, shape in shapes.items():
        slot = Slot(name, shape, start)
        start = slot.stop
        yield slot
