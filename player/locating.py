"""Where in its episode an observation was that does not fit: seen once an unroll, told as if at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from touchline.envs.errors import MAX_LAST_ACTIONS, EnvironmentFault
from touchline.envs.lanes import Ended, Lanes
from touchline.envs.spaces import check_observations
from touchline.policy.spaces import Space


def located(
    fault: EnvironmentFault, *, actions: NDArray[Any], ended: Sequence[tuple[int, Ended]], lanes: Lanes
) -> EnvironmentFault:
    """The fault of row ``fault.step`` of an unroll's observations ``[T + 1, B, ...]``, placed in its episode.

    ``actions`` ``[T, B, ...]``; ``ended``: the episodes that ended, each with its step t. A lane begins its next
    episode in the same step: row t + 1 is then the first of the next.
    """
    if fault.lane is None or fault.step is None:
        return fault
    row, lane = fault.step, fault.lane
    ends = [(t, one) for t, one in ended if one.lane == lane and t >= row]
    if ends:
        t, one = ends[0]
        seed, step = one.seed, one.length - 1 - (t - row)
    else:
        seed, step = lanes.seeds[lane], lanes.lengths[lane] - (len(actions) - row)
    played = min(row, max(step, 0), MAX_LAST_ACTIONS)
    return relocated(fault, lane=lane, seed=seed, step=step, actions=actions[row - played : row, lane])


def check_finals(space: Space, finals: Sequence[tuple[int, Ended]], *, actions: NDArray[Any]) -> int:
    """``check_observations`` of the last observations of episodes that ended, each with its step t of the unroll.

    Gives how many numbers were beyond their bounds. Raises EnvironmentFault, placed in its episode.
    """
    outside = 0
    for t, one in finals:
        try:
            outside += check_observations(space, one.final_observation[None], strict=False)
        except EnvironmentFault as fault:
            rows = actions[: t + 1, one.lane][-min(one.length, MAX_LAST_ACTIONS) :]
            raise relocated(fault, lane=one.lane, seed=one.seed, step=one.length, actions=rows) from None
    return outside


def relocated(
    fault: EnvironmentFault, *, lane: int, seed: int, step: int, actions: NDArray[Any]
) -> EnvironmentFault:
    """The same fault at another place."""
    return EnvironmentFault(
        where=fault.where,
        expected=fault.expected,
        found=fault.found,
        lane=lane,
        seed=seed,
        step=step,
        last_actions=actions.tolist(),
    )
