"""Where in a result the first number is that is none: which step of which lane, and of which episode."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

AnyArray = NDArray[Any]
PLAYED = (
    "observations",
    "final_observations",
    "rewards",
)  # from the environment; all else the network made of them


NETWORK = "; what the network read is finite"


def is_finite(array: AnyArray) -> NDArray[np.bool_]:
    """Which numbers of an array are finite once they are float32, as networks read them. 1e300 is not."""
    found: NDArray[np.bool_]
    if array.dtype != np.float64:
        found = np.isfinite(array)
        return found
    with np.errstate(over="ignore"):
        found = np.isfinite(array.astype(np.float32))
    return found


def number_fault(arrays: Mapping[str, AnyArray], observed: Mapping[str, AnyArray]) -> str | None:
    """What is wrong with the first array of a result that holds a NaN or an infinity; None where none does.

    ``observations: expected finite numbers, found nan at [row 3, lane 0, element 1] (episode seed 5, step 7)``.
    ``observed`` are the parts of observations by name, for spaces whose observations are records. What the environment
    gave comes first: one NaN in it is in all that the network makes of it.
    """
    given = {name: arrays[name] for name in PLAYED}
    for name, array in {**observed, **given, **arrays}.items():
        if array.dtype.kind == "f" and not (finite := is_finite(array)).all():
            place = tuple(np.argwhere(~finite)[0].tolist())
            found = f"{name}: expected finite numbers, found {array[place]} at [{_axes(name, place)}]"
            network = not name.startswith((*PLAYED, "episode_"))
            return found + _episode(name, place, arrays) + (NETWORK if network else "")
    return None


def is_of_network(detail: str) -> bool:
    """Whether a fault says that the network made of finite numbers what is none."""
    return NETWORK in detail


def _axes(name: str, place: tuple[int, ...]) -> str:
    """The indices, each with what it counts."""
    if name.startswith("final_"):
        names = ["truncation"]
    elif name.startswith("episode_"):
        names = ["episode"]
    else:
        names = ["lane"] if name == "state" else ["row", "lane"]
    said = [f"{axis} {index}" for axis, index in zip(names, place, strict=False)]
    rest = place[len(names) :]
    return ", ".join([*said, *([f"element {', '.join(map(str, rest))}"] if rest else [])])


def _episode(name: str, place: tuple[int, ...], arrays: Mapping[str, AnyArray]) -> str:
    """The seed of the episode that it was in, and the step there; empty where that is not known."""
    if name.startswith("episode_"):
        return f" (episode seed {arrays['episode_seeds'][place[0]]})"
    if name.startswith("final_"):
        row, lane = (int(index) for index in arrays["final_steps"][place[0]])
        return _placed(row, lane, arrays, after=1)
    row, lane = (0, place[0]) if name == "state" else place[:2]
    return _placed(row, lane, arrays)


def _placed(row: int, lane: int, arrays: Mapping[str, AnyArray], *, after: int = 0) -> str:
    """A row of a result and a lane as a step of an episode, or as what came ``after`` it.

    Episodes are listed as they ended, by row and then by lane; after them those of every lane, where they were cut
    short for a number that is none.
    """
    steps, lanes = arrays["rewards"].shape
    ends = np.argwhere(arrays["terminated"] | arrays["truncated"]).tolist()
    if len(arrays["episode_seeds"]) == len(ends) + lanes:
        ends += [[steps, of] for of in range(lanes)]
    if len(arrays["episode_seeds"]) != len(ends):
        return ""
    for (end, of), seed, length in zip(ends, arrays["episode_seeds"], arrays["episode_lengths"], strict=True):
        if of == lane and end >= row:
            first = (end if end == steps else end + 1) - length
            return f" (episode seed {seed}, step {row + after - first})"
    return ""
