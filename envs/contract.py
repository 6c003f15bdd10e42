"""What an environment must return, and how a breach of it is said. Nothing here runs while all is well."""

from __future__ import annotations

import math
import re
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.envs.locate import error_line
from touchline.policy.records import Record, RecordError
from touchline.policy.spaces import Dict, Space, Tuple, raw_dtype, raw_shape

UNPACKED = re.compile(r"(?P<much>not enough|too many) values to unpack \(expected 5(?:, got (?P<got>\d+))?\)")
FIVE = "five values (observation, reward, terminated, truncated, info)"


class Breach(Exception):
    """A broken contract before it is known in which lane and episode. Never leaves the package."""

    def __init__(self, where: str, expected: str, found: str) -> None:
        super().__init__(f"{where}: expected {expected}, found {found}")
        self.where, self.expected, self.found = where, expected, found


def as_reward(reward: Any, *, finite: bool = True) -> float:
    """A reward as a float. Raises Breach for what is no number, or not a finite one where that is asked."""
    scalar = isinstance(reward, int | float | np.integer | np.floating | np.bool_)
    if not scalar and not (
        isinstance(reward, np.ndarray) and reward.ndim == 0 and reward.dtype.kind in "fiub"
    ):
        raise Breach("reward", "a number", describe(reward))
    number = float(reward)
    if finite and not math.isfinite(number):
        raise not_finite(number)
    return number


def as_observation(observation: Any, space: Space) -> Any:
    """An observation that is not already an array of the space's dtype and shape, checked.

    A number is accepted for a space of numbers, and a dtype that numpy casts within its kind: both are
    converted when they are stored. Of a Dict or Tuple the record. Raises Breach.
    """
    shape, dtype = raw_shape(space), np.dtype(raw_dtype(space))
    if isinstance(space, Tuple | Dict):
        return as_record(observation, space)
    if isinstance(observation, int | float | np.generic) and shape == ():
        observation = np.asarray(observation)
    if not isinstance(observation, np.ndarray):
        raise Breach("observation", f"an array of {dtype} {list(shape)}", describe(observation))
    if observation.shape != shape or not np.can_cast(observation.dtype, dtype, "same_kind"):
        raise Breach("observation", f"an array of {dtype} {list(shape)}", describe(observation))
    return observation


def as_record(observation: Any, space: Tuple | Dict) -> NDArray[np.uint8]:
    """A nested observation as a record of its own, every leaf checked. Raises Breach, which names the leaf."""
    row = np.empty(raw_shape(space), np.uint8)
    pack_record(Record.of(space), observation, row)
    return row


def pack_record(record: Record, observation: Any, out: NDArray[np.uint8]) -> None:
    """One nested observation, or a nest of batches, into its records ``[..., nbytes]``. Raises Breach."""
    try:
        record.pack(observation, out)
    except RecordError as error:
        raise Breach(error.where, error.expected, describe(error.found)) from None


def as_five(result: Any) -> Any:
    """What step() returned, if it is five values. Raises Breach when it is not."""
    if not isinstance(result, tuple) or len(result) != 5:
        raise Breach("step()", FIVE, describe(result))
    return result


def as_pair(result: Any) -> Any:
    """The observation of what reset() returned. Raises Breach when that is not a pair."""
    if not isinstance(result, tuple) or len(result) != 2:
        raise Breach("reset()", "a pair (observation, info)", describe(result))
    return result[0]


def not_finite(reward: float) -> Breach:
    return Breach("reward", "a finite number", str(reward))


def breach_of(call: str, error: BaseException) -> Breach:
    """What an exception out of ``step()`` or ``reset()`` says of the contract. ``sys.exit`` is one: it would end us."""
    if isinstance(error, Breach):
        return error
    values = _values_returned(error) if call == "step()" else None
    if values is not None:
        return Breach(call, FIVE, values)
    return Breach(call, "no exception", f"{type(error).__name__}: {error_line(error)}")


def describe(value: Any) -> str:
    """A value as an error message names it: arrays by dtype and shape, tuples by length, the rest by type."""
    match value:
        case np.ndarray():
            return f"an array of {value.dtype} {list(value.shape)}"
        case tuple():
            return f"a tuple of {len(value)} values"
        case dict() if value:
            return f"a dict of {', '.join(map(repr, value))}"
        case str() | None | bool() | int() | float():
            return repr(value)
        case _:
            return f"{_article(type(value).__name__)} {type(value).__name__}"


def plain(action: Any) -> Any:
    """An action as numbers, lists and maps of them, for a crash file."""
    match action:
        case np.ndarray() | np.generic():
            return action.tolist()
        case tuple():
            return [plain(one) for one in action]
        case dict():
            return {name: plain(one) for name, one in action.items()}
        case _:
            return action


def _values_returned(error: BaseException) -> str | None:
    """How many values step() returned, when the exception is that it was not five.

    A wrapper of gymnasium's unpacks them before we can; the same complaint from anywhere else is the
    environment's own trouble.
    """
    if not _raised_in(error.__traceback__, "gymnasium."):
        return None
    if isinstance(error, TypeError) and "cannot unpack non-iterable" in str(error):
        return str(error).removeprefix("cannot unpack non-iterable ").removesuffix(" object")
    match = UNPACKED.search(str(error)) if isinstance(error, ValueError) else None
    if match is None:
        return None
    return f"{match['got'] or ('more' if match['much'] == 'too many' else 'fewer')} values"


def _raised_in(trace: TracebackType | None, package: str) -> bool:
    module = ""
    while trace is not None:
        module = str(trace.tb_frame.f_globals.get("__name__", ""))
        trace = trace.tb_next
    return module.startswith(package)


def _article(noun: str) -> str:
    return "an" if noun[:1].lower() in "aeiou" else "a"
