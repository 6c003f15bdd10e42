"""Whether what an update made is made of finite numbers, and where it is not."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.policy.normalizer import Statistics
from touchline.policy.parameters import Layout
from touchline.trainer.batch import Piece
from touchline.trainer.estimates import Rows
from touchline.trainer.rewards import RewardScale

FloatArray = NDArray[np.floating[Any]]
LEAP = 1e3  # by which one batch may multiply the scale of rewards, from 1 on
FEATURE_LEAP = 1e6  # and the deviation of a feature of observations, from 1 on


class NotFinite(Exception):
    """A gradient or new weights that are not finite: layer, what was found, and as far as is known whence.

    Or rewards that are, and would make all the others count for nothing.
    """


def check_rewards(before: RewardScale, after: RewardScale, pieces: Sequence[Piece]) -> None:
    """Raises NotFinite naming the greatest reward of a batch that makes the scale over a thousand times what it was.

    Rewards would from then on be divided by it: finite, and too small to learn from. A scale below 1 counts as 1, so
    that the first success after small costs is not taken for an error.
    """
    if not before.known or after.deviation <= LEAP * max(before.deviation, 1.0):
        return
    paid = [np.where(piece.trajectory.valid, piece.trajectory.rewards, 0).reshape(-1) for piece in pieces]
    worst = max(range(len(pieces)), key=lambda i: float(np.abs(paid[i]).max()))
    place = _placed("reward", paid[worst], int(np.abs(paid[worst]).argmax()), pieces[worst])
    raise NotFinite(
        f"{place}: the scale of rewards would go from {before.deviation:.3g} to {after.deviation:.3g}"
    )


def check_gradient(norm: float, gradient: FloatArray, layout: Layout) -> None:
    """``norm``: that of ``gradient``, flat. Raises NotFinite naming the layer.

    A norm whose square float32 cannot hold is refused with the rest: so are the squares in an optimiser's moments.
    """
    if math.isfinite(norm):
        return
    found = _first(gradient, layout)
    if found is None:
        largest = _largest(gradient, layout)
        raise NotFinite(f"{largest}: gradient of {np.abs(gradient).max():.3g}, whose square overflows")
    raise NotFinite("{}: gradient is {}".format(*found))


def check_weights(flat: FloatArray, layout: Layout) -> None:
    """Raises NotFinite naming the first layer of new weights that are not finite."""
    found = _first(flat, layout)
    if found is not None:
        raise NotFinite("{}: weight would be {}. The learning rate is too high".format(*found))


def check_statistics(before: Statistics, after: Statistics) -> None:
    """Raises NotFinite for a normaliser that would make anything of an observation but a number, or 0 of all that come.

    The second is one whose deviation of a feature is more than a million times what it was, below 1 counted as 1: a
    single 1e30 is a finite number, and all others would be divided by it from then on. The first batch has nothing to
    be compared with.
    """
    if not np.isfinite(after.to_array()).all():
        raise NotFinite("normalizer/statistics: would not be finite")
    if before.count == 0:
        return
    was, would = np.sqrt(before.variance), np.sqrt(after.variance)
    leaps = np.flatnonzero(would > FEATURE_LEAP * np.maximum(was, 1.0))
    if leaps.size:
        feature = int(leaps[0])
        raise NotFinite(
            f"normalizer/statistics: the deviation of element {feature} of observations would go from "
            f"{was[feature]:.3g} to {would[feature]:.3g}"
        )


def blame(rows: Sequence[Rows], spoils: Callable[[Rows], bool]) -> str:
    """Whence a gradient that is not finite comes: a step's advantage or target that is not either, or the greatest of a
    result that alone spoils it.

    ``spoils`` says so of one result's gradient. Empty where no single result is to blame.
    """
    for one in rows:
        for name, values in (("advantage", one.advantages), ("target", one.targets)):
            wrong = np.flatnonzero(~np.isfinite(values) & (one.weights > 0))
            if wrong.size:
                return _placed(name, values, int(wrong[0]), one.piece)
    for one in rows:
        if spoils(one):
            both = [_greatest("advantage", one.advantages, one), _greatest("target", one.targets, one)]
            _, row, name, values = max(both, key=lambda found: found[0])
            return _placed(name, values, row, one.piece)
    return ""


def _greatest(name: str, values: FloatArray, rows: Rows) -> tuple[float, int, str, FloatArray]:
    sizes = np.abs(values) * (rows.weights > 0)
    row = int(sizes.argmax())
    return float(sizes[row]), row, name, values


def _placed(name: str, values: FloatArray, row: int, piece: Piece) -> str:
    step, lane = divmod(row, piece.trajectory.shape[1])
    player = piece.player or f"slot {piece.slot}"
    return f"{name} {values[row]:.3g} at step {step}, lane {lane} of result {piece.seq} of {player}"


def _first(flat: FloatArray, layout: Layout) -> tuple[str, str] | None:
    """The first parameter that is not finite: its layer, and the number as people write it."""
    wrong = np.flatnonzero(~np.isfinite(flat))
    if not wrong.size:
        return None
    number = flat[wrong[0]]
    return _layer(int(wrong[0]), layout), "NaN" if np.isnan(number) else f"{number}"


def _largest(flat: FloatArray, layout: Layout) -> str:
    return _layer(int(np.abs(flat).argmax()), layout)


def _layer(index: int, layout: Layout) -> str:
    return next(slot.name for slot in layout.slots if index < slot.stop)
