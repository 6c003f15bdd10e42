"""Numbers as people write them: ``1e6``, ``1.5M``, ``20k`` for counts, ``30s``, ``5m``, ``2h`` for times."""

from __future__ import annotations

import math
import re
from numbers import Real

MULTIPLES = {"": 1, "k": 1_000, "M": 1_000_000, "G": 1_000_000_000}
SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
DECIMAL = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
NUMBER_PATTERN = rf"^{DECIMAL} *[kMG]?$"
DURATION_PATTERN = rf"^{DECIMAL} *(?:ms|s|m|h|d)?$"
MAX_INTEGER = 2**53  # beyond it a float, which 1e6 is before it is read, no longer names one integer


def read_number(value: object) -> float:
    """A finite float from a number or from text with a multiple. Raises ValueError for anything else."""
    number = _scaled(value, NUMBER_PATTERN, MULTIPLES)
    if not math.isfinite(number):
        raise ValueError("not finite")
    return number


def read_integer(value: object) -> int:
    """An integer from a number without a fraction, so that 2e6 and 1.5M are counts and 0.5 is not."""
    number = value if type(value) is int else read_number(value)
    if number != int(number) or abs(number) > MAX_INTEGER:
        raise ValueError("not an integer of at most 2**53")
    return int(number)


def read_duration(value: object) -> float:
    """Seconds from ``30s``, ``5m``, ``2h``, ``250ms``, ``1d`` or a plain number of seconds."""
    seconds = _scaled(value, DURATION_PATTERN, {"": 1.0, **SECONDS})
    if not math.isfinite(seconds):
        raise ValueError("not finite")
    return seconds


def duration_text(seconds: float) -> str:
    """The shortest text that ``read_duration`` reads back to exactly these seconds."""
    for unit in ("h", "m"):
        if seconds and seconds % SECONDS[unit] == 0:
            return f"{seconds / SECONDS[unit]:.0f}{unit}"
    return f"{seconds:.0f}s" if seconds == int(seconds) else f"{seconds!r}s"


def _scaled(value: object, pattern: str, units: dict[str, float] | dict[str, int]) -> float:
    # bool is a subclass of int, and `lanes: true` is a mistake, not one lane.
    if isinstance(value, bool):
        raise ValueError("not a number")
    # Real, not float: a script may give numpy's.
    if isinstance(value, Real):
        return float(value)
    if isinstance(value, str) and re.fullmatch(pattern, value):
        number = value.rstrip("kMGsmhd ")
        return float(number) * units[value[len(number) :].strip()]
    raise ValueError("not a number")
