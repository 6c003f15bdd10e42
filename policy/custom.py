"""Networks of the user's own in place of the layers before the heads: loaded, tried once, and spoken to as a torso."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from touchline.policy.inputs import Inputs, only_array
from touchline.policy.references import (
    ReferenceFault,
    did_you_mean,
    error_line,
    get_object,
    load_module,
    public_callables,
    split_reference,
)
from touchline.policy.spaces import SpaceError
from touchline.policy.torso import Parameters

AnyArray = NDArray[Any]
FloatArray = NDArray[np.floating[Any]]
T = TypeVar("T")
METHODS = ("init", "forward", "backward")
TRIED_ROWS = 3


class NetworkError(SpaceError):
    """``policy.network`` is no network, or not one for these observations: what was expected and what was found."""


class CustomNetwork(Protocol):
    """What ``policy.network`` names: a class, made as ``Class(features, **network_kwargs)``.

    It holds sizes, never parameters or states: they are handed to it, and one process may play what another
    differentiates. A constructor with a parameter ``shape`` is given the shape of one observation too. Every array
    that it returns has the dtype of the parameters: float32, or float64 when its gradient is checked.
    """

    def init(self, rng: np.random.Generator) -> Mapping[str, FloatArray]:
        """Initial parameters by name, all randomness from ``rng``."""

    def forward(self, parameters: Mapping[str, FloatArray], x: FloatArray) -> Sequence[FloatArray]:
        """Rows ``[N, features]`` -> all that ``backward`` needs, ``[N, ...]`` each, the output ``[N, F]`` last."""

    def backward(
        self,
        parameters: Mapping[str, FloatArray],
        x: FloatArray,
        kept: Sequence[FloatArray],
        d: FloatArray,
    ) -> Mapping[str, FloatArray]:
        """The gradient of each parameter, summed over rows, for the output's gradient ``d`` ``[N, F]``."""


class CustomTorso:
    """A network of the user's own as a torso."""

    def __init__(self, network: CustomNetwork, *, reference: str, features: int) -> None:
        """Tries the network on a few random rows. Raises NetworkError."""
        self.network = network
        self._guarded = network = Guarded(network, reference)
        rng = np.random.default_rng(0)
        parameters = _initial(network, reference, rng)
        x = rng.standard_normal((TRIED_ROWS, features), np.float32)
        kept = _kept(network, reference, parameters, x)
        self.shapes = {name: array.shape for name, array in parameters.items()}
        self.kept = tuple(array.shape[1:] for array in kept)
        self.size = int(kept[-1].shape[1])
        _check_gradients(network, reference, parameters, x, kept)

    def init(self, views: Parameters, rng: np.random.Generator) -> None:
        initial = self._guarded.init(rng)
        for name, view in views.items():
            view[...] = initial[name]

    def forward(self, p: Parameters, x: Inputs, out: Sequence[FloatArray] | None = None) -> list[FloatArray]:
        kept = self._guarded.forward(p, only_array(x))
        if out is None:
            return list(kept)
        for buffer, array in zip(out, kept, strict=True):
            np.copyto(buffer, array)
        return list(out)

    def backward(
        self, p: Parameters, x: Inputs, kept: Sequence[FloatArray], d: FloatArray, gradient: Parameters
    ) -> None:
        found = self._guarded.backward(p, only_array(x), kept, d)
        for name, view in gradient.items():
            view += found[name]

    def widened(self, p: Parameters, rows: int) -> Parameters:
        """The same: what the network does with its parameters is its own."""
        return p


class Guarded:
    """A network whose exceptions become ours."""

    def __init__(self, network: CustomNetwork, reference: str) -> None:
        self._network, self._reference = network, reference

    def init(self, rng: np.random.Generator) -> Mapping[str, FloatArray]:
        return _called(self._reference, "init", lambda: self._network.init(rng))

    def forward(self, parameters: Mapping[str, FloatArray], x: FloatArray) -> Sequence[FloatArray]:
        return _called(self._reference, "forward", lambda: self._network.forward(parameters, x))

    def backward(
        self,
        parameters: Mapping[str, FloatArray],
        x: FloatArray,
        kept: Sequence[FloatArray],
        d: FloatArray,
    ) -> Mapping[str, FloatArray]:
        return _called(self._reference, "backward", lambda: self._network.backward(parameters, x, kept, d))


def custom_torso(
    reference: str, kwargs: Mapping[str, Any], *, features: int, shape: tuple[int, ...]
) -> CustomTorso:
    """The network that a reference names, for rows of ``features`` numbers, observations of ``shape``.

    Raises NetworkError.
    """
    network = made(reference, kwargs, features=features, shape=shape)
    return CustomTorso(network, reference=reference, features=features)


def made(
    reference: str, kwargs: Mapping[str, Any], *, features: int, shape: tuple[int, ...]
) -> CustomNetwork:
    """A new network of the class. Raises NetworkError where it cannot be found or made, or is no network."""
    cls = find_class(reference)
    try:
        given = {"shape": shape, **kwargs} if "shape" in inspect.signature(cls).parameters else dict(kwargs)
        network: CustomNetwork = cls(features, **given)
    except (Exception, SystemExit) as error:
        said = ", ".join((str(features), *(f"{name}={value!r}" for name, value in kwargs.items())))
        raise NetworkError(_raised(reference, f"making it with ({said})", error)) from error
    missing = [name for name in METHODS if not callable(getattr(network, name, None))]
    if missing:
        raise NetworkError(
            f"{reference}: expected the methods {', '.join(METHODS)}, found no {' and no '.join(missing)}"
        )
    return network


def find_class(reference: str) -> Callable[..., Any]:
    """What ``package.module:Class`` or ``path/file.py:Class`` names. Raises NetworkError."""
    split = split_reference(reference)
    if split is None:
        raise NetworkError(
            f"policy.network: expected package.module:Class or path/file.py:Class, found {reference!r}"
        )
    place, name = split
    try:
        module = load_module(place, reference=reference)
    except ReferenceFault as error:
        raise NetworkError(str(error)) from error
    try:
        found = get_object(module, name)
    except AttributeError:
        hint = did_you_mean(name, public_callables(module))
        raise NetworkError(f"{reference}: {place} has no {name!r}.{hint}") from None
    if not callable(found):
        raise NetworkError(f"{reference}: expected a class, found {type(found).__name__}")
    cls: Callable[..., Any] = found
    return cls


def _initial(network: CustomNetwork, reference: str, rng: np.random.Generator) -> dict[str, FloatArray]:
    found: Any = network.init(rng)
    if not isinstance(found, Mapping):
        raise NetworkError(f"{reference}: init: expected a dict of arrays by name, found {_shown(found)}")
    for name, array in found.items():
        if not isinstance(name, str):
            raise NetworkError(f"{reference}: init: expected names that are text, found {name!r}")
        if not _is_float(array) or not np.isfinite(array).all():
            raise NetworkError(
                f"{reference}: init: {name}: expected an array of finite floats, found {_shown(array)}"
            )
    return {name: np.array(array, np.float32) for name, array in found.items()}


def _kept(
    network: CustomNetwork, reference: str, parameters: dict[str, FloatArray], x: FloatArray
) -> Sequence[FloatArray]:
    found: Any = network.forward(parameters, x)
    if not isinstance(found, list | tuple) or not found:
        raise NetworkError(
            f"{reference}: forward: expected a list of arrays, the last the output, found {_shown(found)}"
        )
    rows = len(x)
    for i, array in enumerate(found):
        last = i == len(found) - 1
        expected = f"float32 [{rows}, F], the output" if last else f"float32 [{rows}, ...]"
        right = isinstance(array, np.ndarray) and array.dtype == np.float32
        if not right or array.ndim < 1 or len(array) != rows or (last and array.ndim != 2):
            raise NetworkError(
                f"{reference}: forward: array {i + 1} of {len(found)}: expected {expected} for float32 inputs "
                f"[{rows}, {x.shape[1]}], found {_shown(array)}"
            )
    return found


def _check_gradients(
    network: CustomNetwork,
    reference: str,
    parameters: dict[str, FloatArray],
    x: FloatArray,
    kept: Sequence[FloatArray],
) -> None:
    d = np.ones_like(kept[-1])
    found: Any = network.backward(parameters, x, kept, d)
    if not isinstance(found, Mapping) or found.keys() != parameters.keys():
        names = (
            f"a dict of {', '.join(sorted(map(str, found)))}" if isinstance(found, Mapping) else _shown(found)
        )
        raise NetworkError(
            f"{reference}: backward: expected a gradient for each of {', '.join(sorted(parameters))}, found {names}"
        )
    for name, array in found.items():
        expected = parameters[name].shape
        if not _is_float(array) or array.shape != expected:
            raise NetworkError(
                f"{reference}: backward: {name}: expected floats {list(expected)} as init gave, found {_shown(array)}"
            )


def _called(reference: str, method: str, call: Callable[[], T]) -> T:
    try:
        return call()
    except NetworkError:  # guarded twice: it is told already
        raise
    except (Exception, SystemExit) as error:
        raise NetworkError(_raised(reference, method, error)) from error


def _raised(reference: str, what: str, error: BaseException) -> str:
    """The exception, and the line of the user's that it came from, where it came from one."""
    frames = traceback.extract_tb(error.__traceback__)
    users = [frame for frame in frames if not _is_elsewhere(Path(frame.filename))]
    place = f" ({Path(users[-1].filename).name}:{users[-1].lineno})" if users else ""
    return f"{reference}: {what} raised {type(error).__name__}: {error_line(error)}{place}"


def _is_elsewhere(path: Path) -> bool:
    """Whether a file is this one or numpy's: what was called, not what called it."""
    return path == Path(__file__) or Path(np.__file__).parent in path.parents


def _is_float(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind == "f"


def _shown(value: Any) -> str:
    if not isinstance(value, np.ndarray):
        return "an empty list" if isinstance(value, list | tuple) and not value else type(value).__name__
    number = (
        "" if value.dtype.kind != "f" or np.isfinite(value).all() else " with numbers that are not finite"
    )
    return f"{value.dtype} {list(value.shape)}{number}"
