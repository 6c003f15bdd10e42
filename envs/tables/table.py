"""What is read: a table, and what a source holds before rows of it are chosen."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Found:
    """All that a source holds. Where ``y`` has one axis it is labels, whole numbers; else values as they are."""

    x: NDArray[Any]  # bool, integer or float [N, D]
    y: NDArray[Any]  # int64 [N], or float64 [N, O]
    test_x: NDArray[Any] | None = None  # as x, [M, D]; None where the source has no test set of its own
    test_y: NDArray[Any] | None = None  # as y
    labels: tuple[str, ...] = ()  # names of the classes, or of the outputs; empty where the source has none


@dataclass(frozen=True, slots=True)
class Table:
    """Rows to learn from and rows to test on. The arrays are C-contiguous and read-only.

    ``x`` and ``test_x`` are float64, but float32 for byte images that were scaled by ``unit`` or ``binary``:
    MNIST takes 188 MB then, in float64 376 MB.
    """

    name: str
    x: FloatArray  # float64 or float32 [N, D]
    y: FloatArray  # float64 [N, O]; of classes one-hot
    test_x: FloatArray  # as x, [M, D]; M may be 0
    test_y: FloatArray  # float64 [M, O]
    classes: bool  # whether y is one-hot
    labels: tuple[str, ...]  # names of the classes, or of the outputs
    note: str = ""  # what was taken for granted, for people

    def __post_init__(self) -> None:
        for name in ("x", "y", "test_x", "test_y"):
            array = np.ascontiguousarray(getattr(self, name))
            array.flags.writeable = False
            object.__setattr__(self, name, array)

    def announced(self) -> dict[str, Any]:
        """The table as plain data; ``digest`` differs where any number of it does. Hashes all rows at each call."""
        return {
            "name": self.name,
            "rows": len(self.x),
            "test_rows": len(self.test_x),
            "inputs": self.x.shape[1],
            "outputs": self.y.shape[1],
            "classes": self.classes,
            "digest": self._digest(),
        }

    def _digest(self) -> str:
        """SHA-256 over type, shape and little-endian bytes of each array, in hexadecimal digits."""
        whole = hashlib.sha256()
        for array in (self.x, self.y, self.test_x, self.test_y):
            fixed = array.astype(array.dtype.newbyteorder("<"), copy=False)
            whole.update(f"{fixed.dtype.str} {fixed.shape};".encode())
            whole.update(fixed.data.cast("B") if fixed.size else b"")
        return whole.hexdigest()
