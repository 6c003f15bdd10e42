"""Which activation function each neuron, or each layer, has: every assignment, by number.

Place i has candidates M_i; assignment I gives it M_i[a_i(I)], a_i(I) being the mixed-radix digits of I. There are
prod_i |M_i| of them, which explodes: 6 kinds over 10 neurons make 6e7, over 2 layers 36.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, assert_never

from touchline.targets.activations import Choice
from touchline.targets.errors import TargetError
from touchline.targets.radix import digits

Per = Literal["neuron", "layer"]


@dataclass(frozen=True, slots=True)
class Assignments:
    """One choice out of its own candidates for each place."""

    choices: tuple[tuple[Choice, ...], ...]

    @classmethod
    def of(cls, choices_per_place: Sequence[Sequence[Choice]]) -> Assignments:
        """TargetError: a place has no candidate."""
        for place, choices in enumerate(choices_per_place):
            if not choices:
                raise TargetError(
                    f"activations: expected at least one candidate for place {place}, found none"
                )
        return cls(tuple(map(tuple, choices_per_place)))

    @property
    def total(self) -> int:
        """How many assignments there are, exactly."""
        return math.prod(map(len, self.choices))

    def at(self, number: int) -> tuple[Choice, ...]:
        """Assignment ``number``: one choice for each place, place 0 the quickest. TargetError: there is none."""
        chosen = digits(number, [len(choices) for choices in self.choices])
        return tuple(choices[digit] for choices, digit in zip(self.choices, chosen, strict=True))


def places(hidden: Sequence[int], per: Per = "neuron") -> int:
    """How many places the hidden layers of these widths have."""
    match per:
        case "neuron":
            return sum(hidden)
        case "layer":
            return len(hidden)
        case _:
            assert_never(per)


def by_layer(
    chosen: Sequence[Choice], hidden: Sequence[int], per: Per = "neuron"
) -> tuple[Choice | tuple[Choice, ...], ...]:
    """An assignment as ``TableNetwork.with_activations`` takes it: for each hidden layer a choice, or one a neuron.

    TargetError: there are not as many choices as places.
    """
    if len(chosen) != places(hidden, per):
        raise TargetError(
            f"activations: expected {places(hidden, per)} choices, one per {per} of {list(hidden)}, "
            f"found {len(chosen)}"
        )
    if per == "layer":
        return tuple(chosen)
    ends = [sum(hidden[: layer + 1]) for layer in range(len(hidden))]
    return tuple(tuple(chosen[end - width : end]) for end, width in zip(ends, hidden, strict=True))
