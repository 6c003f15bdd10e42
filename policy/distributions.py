"""The distribution of each action space."""

from __future__ import annotations

from typing import assert_never

import numpy as np

from touchline.policy.bernoulli import Bernoulli, Sigmoid
from touchline.policy.categorical import Categorical, MultiCategorical, log_softmax
from touchline.policy.form import Form
from touchline.policy.gaussian import LOG_STD_BOUNDS, DiagonalGaussian
from touchline.policy.head import Distribution
from touchline.policy.joint import Factor, Joint
from touchline.policy.spaces import (
    Box,
    Dict,
    Discrete,
    Leaf,
    MultiBinary,
    MultiDiscrete,
    Space,
    SpaceError,
    Tuple,
    leaves,
    path_text,
)

__all__ = [
    "Bernoulli",
    "Categorical",
    "DiagonalGaussian",
    "Distribution",
    "Joint",
    "MultiCategorical",
    "Sigmoid",
    "distribution_of",
    "log_softmax",
]
PLAIN_FORM = Form()


def distribution_of(space: Space, form: Form = PLAIN_FORM) -> Distribution:
    """The distribution of an action space; of a Dict or Tuple the product over its leaves.

    Raises SpaceError for a Box of integers, and for a form that this space has no use for.
    """
    whole = leaves(space)
    for path, leaf in whole:
        _check_leaf(path_text("action space", path), leaf, form)
    _check_form([leaf for _, leaf in whole], form)
    if isinstance(space, Dict | Tuple):
        return Joint([_factor(leaf, form) for _, leaf in whole])
    return _factor(space, form).of


def _factor(leaf: Leaf, form: Form) -> Factor:
    match leaf:
        case Discrete(n=2) if form.binary == "sigmoid":
            return Factor(Sigmoid(), None, choice=True)
        case Discrete():
            return Factor(Categorical(leaf.n), None, choice=True)
        case MultiDiscrete():
            return Factor(MultiCategorical(leaf.nvec), len(leaf.nvec), choice=True)
        case MultiBinary():
            return Factor(Bernoulli(leaf.size), leaf.size, choice=True)
        case Box():
            initial = form.log_std if form.std == "state" else None
            gaussian = DiagonalGaussian(leaf.size, initial=initial, correlation=form.noise_correlation)
            return Factor(gaussian, leaf.size, choice=False)
        case _:
            assert_never(leaf)


def _check_leaf(where: str, leaf: Leaf, form: Form) -> None:
    if not isinstance(leaf, Box):
        return
    if np.dtype(leaf.dtype).kind != "f":
        raise SpaceError(f"{where}: expected a Box of floats, found dtype {leaf.dtype}")
    if form.squash:
        _check_squashed(where, leaf)


def _check_squashed(where: str, box: Box) -> None:
    """Bounds whose middle and half width are numbers of the Box's own dtype."""
    low, high = np.asarray(box.low, np.float64), np.asarray(box.high, np.float64)
    with np.errstate(over="ignore", invalid="ignore"):  # what comes of it is looked at
        own = low.astype(box.dtype), high.astype(box.dtype)
        fits = np.isfinite(own[0] + own[1]) & np.isfinite(own[1] - own[0])
    if fits.all():
        return
    index = int(np.argmin(fits))
    wanted = "finite bounds"
    if np.isfinite([low[index], high[index]]).all():
        wanted = f"bounds whose sum and difference are finite in {box.dtype}"
    raise SpaceError(
        f"{where}: policy.squash: expected {wanted}, found {low[index]} to {high[index]} in element "
        f"{list(map(int, np.unravel_index(index, box.shape)))}. squash: false serves every Box"
    )


def _check_form(whole: list[Leaf], form: Form) -> None:
    """Refuse what nothing in the space would obey. What a default says is not asked for."""
    shown = ", ".join(type(leaf).__name__ for leaf in whole)
    if not any(isinstance(leaf, Box) for leaf in whole):
        for key in ("std", "squash", "noise_correlation"):
            found = getattr(form, key)
            if found != getattr(PLAIN_FORM, key):
                raise SpaceError(
                    f"policy.{key}: {found} is for a Box of actions, found {shown}. Leave it out"
                )
    if form.binary == "sigmoid" and not any(isinstance(leaf, Discrete) and leaf.n == 2 for leaf in whole):
        raise SpaceError(
            f"policy.binary: sigmoid is for Discrete(2), found {shown}. softmax serves every choice"
        )
    low, high = LOG_STD_BOUNDS
    if form.std == "state" and not low < form.log_std < high:
        raise SpaceError(
            f"policy.log_std: expected a number between {low} and {high} with policy.std state, found {form.log_std}"
        )
