"""An evaluation: what whole episodes brought, as the Player that played them tells it to the Trainer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

AnyArray = NDArray[Any]
FIELDS = {"returns": np.dtype(np.float64), "lengths": np.dtype(np.int64), "seeds": np.dtype(np.int64)}


class EvaluationError(ValueError):
    """Arrays that are no evaluation: which field, what was expected, what was found."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Returns, lengths and seeds of the episodes played, wave by wave in the order in which they ended."""

    returns: tuple[float, ...]
    lengths: tuple[int, ...]
    seeds: tuple[int, ...]

    @property
    def mean(self) -> float:
        """Of the returns; no number where one of them is none, which is no fault of who evaluates."""
        with np.errstate(all="ignore"):
            return float(np.mean(self.returns))

    @property
    def std(self) -> float:
        with np.errstate(all="ignore"):
            return float(np.std(self.returns))

    def to_arrays(self) -> dict[str, AnyArray]:
        """``returns`` float64 [E], ``lengths`` and ``seeds`` int64 [E]."""
        return {name: np.array(getattr(self, name), dtype) for name, dtype in FIELDS.items()}

    @staticmethod
    def from_arrays(arrays: Mapping[str, AnyArray], *, episodes: int) -> Evaluation:
        """What ``to_arrays`` wrote, of that many ``episodes``. Raises EvaluationError for anything else."""
        found = {name: _expected(arrays, name, dtype, episodes) for name, dtype in FIELDS.items()}
        unknown = ", ".join(sorted(arrays.keys() - FIELDS.keys()))
        if unknown:
            raise EvaluationError(f"evaluation: expected {', '.join(FIELDS)}, found {unknown} too")
        return Evaluation(**{name: tuple(array.tolist()) for name, array in found.items()})


def _expected(arrays: Mapping[str, AnyArray], name: str, dtype: np.dtype[Any], episodes: int) -> AnyArray:
    found = arrays.get(name)
    if found is None or found.dtype != dtype or found.shape != (episodes,):
        shown = "nothing" if found is None else f"{found.dtype} {list(found.shape)}"
        raise EvaluationError(f"{name}: expected {dtype} [{episodes}], found {shown}")
    return found
