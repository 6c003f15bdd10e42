"""Structures that grow: what may follow the best one so far, and how a trained structure is judged."""

from __future__ import annotations

Structure = tuple[int, ...]  # the widths of the hidden layers


def candidates(hidden: Structure, *, max_layers: int, max_width: int) -> tuple[Structure, ...]:
    """The next level: each hidden layer wider by 1 in turn, then a layer of 1 appended. Each once, in this order.

    None passes the bounds; () says that nothing is left to grow.
    """
    wider = tuple(
        (*hidden[:layer], width + 1, *hidden[layer + 1 :])
        for layer, width in enumerate(hidden)
        if width < max_width
    )
    deeper = ((*hidden, 1),) if len(hidden) < max_layers and max_width >= 1 else ()
    return wider + deeper


def score(error: float, size: int, penalty: float) -> float:
    """What is minimised over structures: the validation error, and ``penalty`` for each of ``size`` weights."""
    return error + penalty * size
