"""Elementwise rules that move parameters against a gradient, chosen by name; every one minimises.

Each weight's move depends on that weight's own gradient and state alone. Hence a rule can be cut: slices, each
stepping with the slice of the gradient, make the moves of the whole, bit for bit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from touchline.targets.errors import TargetError
from touchline.targets.optimizers import SGD, Adam, Optimizer, RMSProp
from touchline.targets.quickprop import QuickProp
from touchline.targets.rprop import Rprop, Variant

FloatArray = NDArray[np.floating[Any]]
RPROPS: dict[str, Variant] = {variant: variant for variant in get_args(Variant)}
RULES = ("sgd", "momentum", "rmsprop", "adam", *RPROPS, "quickprop")
SCALARS = frozenset({"steps"})  # names in a state that hold one number for all weights


class Mover(Protocol):
    """What moves ``size`` parameters; ``Optimizer`` but that it is told whether the error grew."""

    def step(
        self, parameters: FloatArray, gradient: FloatArray, *, learning_rate: float, grew: bool = False
    ) -> None: ...

    def state(self) -> dict[str, NDArray[Any]]: ...

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None: ...


class Rule:
    """A rule over a flat float64 vector, or over a slice of one.

    ``exact_gradients``: its state takes consecutive gradients for those of one and the same function, so that it
    bears neither minibatches nor staleness. ``last_error``: that of the parameters which ``train_epochs`` last stepped
    from, so that training may go on in several calls; no part of the state.
    """

    def __init__(self, mover: Mover, size: int, *, exact_gradients: bool) -> None:
        self.size = size
        self.exact_gradients = exact_gradients
        self.last_error = math.inf
        self._mover = mover

    def step(
        self, parameters: FloatArray, gradient: FloatArray, *, learning_rate: float, grew: bool = False
    ) -> None:
        """Move ``parameters`` float64 ``[size]`` in place; ``gradient`` ``[size]`` is theirs.

        ``grew``: the error of these parameters exceeds that of the step before. Read by irprop_plus alone. The
        RPROP family does not read ``learning_rate``.
        """
        self._mover.step(parameters, gradient, learning_rate=learning_rate, grew=grew)

    def state(self) -> dict[str, NDArray[np.float64]]:
        """What the rule remembers, copied: float64 ``[size]`` each, or ``[1]`` for the names in ``SCALARS``."""
        return {name: np.array(array, np.float64) for name, array in self._mover.state().items()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from ``state``, which is copied. TargetError: it is another rule's, or of another size."""
        for name, own in self._mover.state().items():
            if name not in state or state[name].shape != own.shape:
                found = f"shape {list(state[name].shape)}" if name in state else f"only {sorted(state)}"
                raise TargetError(f"rule state {name!r}: expected shape {list(own.shape)}, found {found}")
        self._mover.restore(state)


def make_rule(
    name: str,
    size: int,
    *,
    momentum: float = 0.0,
    decay: float = 0.99,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
    growth: float = 1.75,
) -> Rule:
    """The rule ``name`` of ``RULES`` over ``size`` weights; each reads the constants that it has.

    sgd, momentum: ``momentum`` (0: gradient descent).  rmsprop: ``decay``, ``epsilon``.  adam: ``beta1``, ``beta2``,
    ``epsilon``.  quickprop: ``growth``.  The RPROP family has constants of its own. TargetError: no such rule.
    """
    if name in RPROPS:
        return Rule(Rprop(size, variant=RPROPS[name]), size, exact_gradients=True)
    if name == "quickprop":
        return Rule(QuickProp(size, growth=growth), size, exact_gradients=True)
    if name == "momentum" and momentum <= 0:
        raise TargetError("momentum: expected a number above 0 for the rule momentum; 0 is the rule sgd")
    optimizer: Optimizer
    match name:
        case "sgd" | "momentum":
            optimizer = SGD(size, momentum=momentum, dtype="float64")
        case "rmsprop":
            optimizer = RMSProp(size, decay=decay, epsilon=epsilon, dtype="float64")
        case "adam":
            optimizer = Adam(size, beta1=beta1, beta2=beta2, epsilon=epsilon, dtype="float64")
        case _:
            raise TargetError(f"rule: expected one of {', '.join(RULES)}, found {name!r}")
    return Rule(_Unheeding(optimizer), size, exact_gradients=False)


class _Unheeding:
    """An optimiser that does not ask whether the error grew."""

    def __init__(self, optimizer: Optimizer) -> None:
        self.state, self.restore = optimizer.state, optimizer.restore
        self._step = optimizer.step

    def step(
        self, parameters: FloatArray, gradient: FloatArray, *, learning_rate: float, grew: bool = False
    ) -> None:
        self._step(parameters, gradient, learning_rate=learning_rate)
