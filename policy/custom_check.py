"""A network of the user's own, tried: its gradient by central differences in float64, and what a torso must be beside.

A Player runs ``forward``; the Trainer, another process, runs ``backward`` on what the Player pushed. So a network that
remembers between the two, or whose rows know of each other, trains wrongly without ever raising.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.policy.custom import CustomNetwork, CustomTorso, Guarded, NetworkError, made

FloatArray = NDArray[np.floating[Any]]
Named = Mapping[str, FloatArray]
TOLERANCE = 1e-6  # central differences in float64 are right to 1e-9 or so of a layer's largest entry, a mistake is not
STEPS = (1e-5, 6e-7)
SAMPLES = 24  # elements of each parameter array
ROWS = 5
AWAY = 0.1  # from initial values: a zero would hide a mistake in what it multiplies
SAME = 1e-9  # of equal sums in another order


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong: where, as expected and found."""

    where: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class Measured:
    """How far one parameter array's gradient is from central differences.

    ``error``: of ``samples`` elements, the largest difference relative to the array's largest entry there; NaN where
    none of them has a derivative. ``at``, ``expected``, ``found``: that element.
    """

    name: str
    shape: tuple[int, ...]
    samples: int
    error: float
    at: tuple[int, ...]
    expected: float
    found: float


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of it. ``measured`` is empty where something was wrong before the gradient."""

    size: int
    measured: tuple[Measured, ...]
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class _Case:
    """One network and float64 numbers to try it with."""

    network: CustomNetwork
    again: Callable[[], CustomNetwork]  # another of the class, as another process has it
    seed: int
    p: Named
    x: FloatArray
    others: FloatArray  # inputs of the same shape
    d: FloatArray

    def forward(self) -> list[FloatArray]:
        """What is kept, copied as if it had crossed the wire."""
        return [array.copy() for array in self.network.forward(self.p, self.x)]

    def backward(self, kept: Sequence[FloatArray]) -> dict[str, FloatArray]:
        return _copied(self.network.backward(self.p, self.x, kept, self.d.copy()))

    def output(self, p: Named) -> float:
        return float((self.network.forward(p, self.x)[-1] * self.d).sum())


def check_network(
    reference: str, kwargs: Mapping[str, Any], *, features: int, shape: tuple[int, ...], seed: int = 0
) -> Tried:
    """Try the network that a reference names, stage by stage, until one finds something wrong.

    Raises NetworkError where it cannot be made, raises, or gives no arrays that fit.
    """

    def again() -> CustomNetwork:
        return Guarded(made(reference, kwargs, features=features, shape=shape), reference)

    torso = CustomTorso(again(), reference=reference, features=features)
    rng = np.random.default_rng(seed)
    p = {
        name: np.asarray(
            array + AWAY * rng.standard_normal(array.shape), np.float64
        )  # a sum of 0-d is no array
        for name, array in torso.network.init(np.random.default_rng(seed)).items()
    }
    x, others = rng.standard_normal((2, ROWS, features))
    case = _Case(torso.network, again, seed, p, x, others, rng.standard_normal((ROWS, torso.size)))
    for stage in (_initial, _numbers, _repeated, _alone, _back, _remembering, _summed):
        faults = tuple(stage(case))
        if faults:
            return Tried(torso.size, (), faults)
    measured = tuple(_measure(case, rng))
    wrong = [one for one in measured if not one.error <= TOLERANCE]
    return Tried(torso.size, measured, tuple(map(_gradient_fault, wrong)))


def _initial(case: _Case) -> Iterator[Fault]:
    one, other = (case.again().init(np.random.default_rng(case.seed)) for _ in range(2))
    for name in case.p:
        if not np.array_equal(one[name], other[name]):
            yield Fault(
                f"init: {name}", "equal parameters from equal generators", "others: draw from rng alone"
            )


def _numbers(case: _Case) -> Iterator[Fault]:
    """Dtypes and finite numbers of what is kept; that what was given is left alone."""
    p, x = _copied(case.p), case.x.copy()
    kept = case.network.forward(p, x)
    yield from _changed("forward", {"x": x, **p}, {"x": case.x, **case.p})
    for i, array in enumerate(kept):
        if array.dtype != np.float64:
            yield Fault(_of(i, kept), "float64 from float64 parameters and inputs", str(array.dtype))
        else:
            yield from _not_finite(_of(i, kept), array)


def _repeated(case: _Case) -> Iterator[Fault]:
    kept = case.forward()
    for i, (one, other) in enumerate(zip(kept, case.network.forward(case.p, case.x), strict=True)):
        if not np.array_equal(one, other):
            yield Fault(_of(i, kept), "the same numbers from the same inputs", "others the second time")


def _alone(case: _Case) -> Iterator[Fault]:
    """A Player's rows are its lanes, a Trainer's are shuffled."""
    kept = case.forward()
    for i, (one, other) in enumerate(zip(kept, case.network.forward(case.p, case.x[:1]), strict=True)):
        if other.shape != (1, *one.shape[1:]) or not _close(other, one[:1]):
            yield Fault(_of(i, kept), "each row by itself", "another first row when it is alone")


def _back(case: _Case) -> Iterator[Fault]:
    """Finite gradients; that what was given is left alone."""
    kept, held = case.forward(), case.forward()
    p, x = _copied(case.p), case.x.copy()
    gradient = _copied(case.network.backward(p, x, kept, case.d.copy()))
    yield from _changed("backward", {"x": x, **p}, {"x": case.x, **case.p})
    names = [f"array {i + 1} of what forward gave" for i in range(len(kept))]
    yield from _changed("backward", dict(zip(names, kept, strict=True)), dict(zip(names, held, strict=True)))
    for name, array in gradient.items():
        yield from _not_finite(f"backward: {name}", array)


def _remembering(case: _Case) -> Iterator[Fault]:
    """What another process finds, whose network never saw these rows, and this one after it has seen others."""
    expected = "what forward gave to be all it needs, in a process that never saw the inputs"
    kept = case.forward()
    gradient = case.backward(kept)
    case.network.forward(case.p, case.others)
    for network, when in ((case.again(), "in a new object"), (case.network, "after other inputs")):
        try:
            found = network.backward(case.p, case.x, kept, case.d.copy())
        except NetworkError as error:
            yield Fault("backward", expected, f"{error}, {when}")
            return
        wrong = [name for name, array in gradient.items() if not _close(found[name], array)]
        if wrong:
            yield Fault("backward", expected, f"another gradient of {', '.join(wrong)} {when}")
            return


def _summed(case: _Case) -> Iterator[Fault]:
    kept = case.forward()
    parts = [
        _copied(case.network.backward(case.p, case.x[row], [h[row] for h in kept], case.d[row].copy()))
        for row in (slice(n, n + 1) for n in range(ROWS))
    ]
    for name, array in case.backward(kept).items():
        if not _close(sum(part[name] for part in parts), array):
            yield Fault(f"backward: {name}", "a sum over the rows", "that of the rows one by one is another")


def _measure(case: _Case, rng: np.random.Generator) -> Iterator[Measured]:
    """Each parameter array against central differences, at elements drawn without replacement."""
    gradient = case.backward(case.forward())
    whole = max((float(np.abs(array).max(initial=0)) for array in gradient.values()), default=0.0)
    for name, array in case.p.items():
        yield _measure_one(case, name, gradient[name], rng, least=1e-3 * whole, size=array.size)


def _measure_one(
    case: _Case, name: str, gradient: FloatArray, rng: np.random.Generator, *, least: float, size: int
) -> Measured:
    expected, found, places = [], [], []
    for flat in rng.permutation(size):
        place = tuple(int(i) for i in np.unravel_index(flat, gradient.shape))
        slope = _slope(case, name, place, float(gradient[place]), least=least)
        if slope is None:
            continue
        expected.append(slope)
        found.append(float(gradient[place]))
        places.append(place)
        if len(places) == SAMPLES:
            break
    if not places:  # right, where there was nothing to try
        return Measured(name, gradient.shape, 0, math.nan if size else 0.0, (), math.nan, math.nan)
    errors = np.abs(np.subtract(expected, found)) / max(float(np.abs(expected).max()), least, 1e-12)
    worst = int(np.argmax(errors))
    return Measured(
        name, gradient.shape, len(places), float(errors[worst]), places[worst], expected[worst], found[worst]
    )


def _slope(case: _Case, name: str, place: tuple[int, ...], found: float, *, least: float) -> float | None:
    """The derivative at one element by central differences; None at a corner, as of relu, where there is none.

    A shorter step is tried where the first disagrees with ``found``: a corner may have lain within it.
    """
    for step in STEPS:
        below, above = _slopes(case, name, place, step)
        slope = (below + above) / 2
        if abs(slope - found) <= TOLERANCE * max(abs(slope), least):
            return slope
    return None if abs(above - below) > abs(above + below) / 4 else slope


def _slopes(case: _Case, name: str, place: tuple[int, ...], step: float) -> tuple[float, float]:
    """The slope at one element towards below and towards above."""
    moved = dict(case.p)

    def at(offset: float) -> float:
        moved[name] = case.p[name].copy()
        moved[name][place] += offset
        return case.output(moved)

    below, here, above = at(-step), at(0.0), at(step)
    return (here - below) / step, (above - here) / step


def _gradient_fault(one: Measured) -> Fault:
    if not one.samples:
        return Fault(
            f"backward: {one.name}",
            "a derivative of forward to hold it against at one element at least",
            f"none: forward has a corner or a step at each of the {math.prod(one.shape)}, so it cannot be judged",
        )
    return Fault(
        f"backward: {one.name}",
        f"{one.expected:.9g} at {list(one.at)}, by central differences of forward",
        f"{one.found:.9g}, off by {one.error:.1e} of the largest of {one.samples} tried",
    )


def _changed(method: str, found: Named, before: Named) -> Iterator[Fault]:
    for name, array in found.items():
        if not np.array_equal(array, before[name]):
            yield Fault(method, f"{name} left as it is", "it was changed")


def _not_finite(where: str, array: FloatArray) -> Iterator[Fault]:
    wrong = array[~np.isfinite(array)]
    if wrong.size:
        yield Fault(where, "finite numbers", str(wrong[0]))


def _close(one: Any, other: Any) -> bool:
    scale = float(np.abs(other).max(initial=0))
    return bool(np.allclose(one, other, rtol=0, atol=SAME * max(scale, 1e-3)))


def _copied(named: Named) -> dict[str, FloatArray]:
    return {name: np.array(array) for name, array in named.items()}


def _of(i: int, kept: Sequence[FloatArray]) -> str:
    return f"forward: {'the output' if i == len(kept) - 1 else f'array {i + 1} of {len(kept)}'}"
