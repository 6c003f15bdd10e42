"""Numbers, durations and small pictures as text, for the live and the plain view. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

MISSING = "-"


@dataclass(frozen=True)
class Glyphs:
    """The characters that pictures are drawn with; ``levels`` go from empty to full."""

    levels: str
    done: str
    left: str
    goal: str
    dot: str
    more: str
    between: str
    at_most: str


UNICODE = Glyphs(
    levels=" ▁▂▃▄▅▆▇█", done="━", left="─", goal="┄", dot="●", more="…", between=" · ", at_most="≤ "
)
ASCII = Glyphs(
    levels=" .:-=+*#", done="#", left="-", goal=".", dot="*", more="~", between=", ", at_most="max "
)


def glyphs_for(encoding: str) -> Glyphs:
    """What a terminal of this encoding can show."""
    return UNICODE if encoding.lower().replace("-", "").startswith("utf") else ASCII


def count(value: float) -> str:
    """A count in at most six characters: 9,999 and 612k and 1.53M."""
    if abs(value) < 10_000:
        return f"{value:,.0f}"
    for unit, name in ((1e3, "k"), (1e6, "M"), (1e9, "G")):
        if abs(value) < 999.5 * unit:
            return f"{value / unit:.3g}{name}"
    return f"{value / 1e12:.3g}T"


def number(value: float | None) -> str:
    """A measured number with as many digits as matter: 412.3, 1.97, 0.0312; a dash for none."""
    if value is None or not math.isfinite(value):
        return MISSING
    size = abs(value)
    if size >= 100_000:
        return count(value)
    digits = 1 if size >= 10 or value == 0 else 2 if size >= 0.1 else 4
    return f"{value:,.{digits}f}"


def short(value: float | None) -> str:
    """A number without needless digits: 4, 2.5, 475; a dash for none."""
    return MISSING if value is None else f"{value:.4g}"


def clock(seconds: float) -> str:
    """A duration as 0:04, 12:30 or 1:02:03."""
    whole = max(0, int(seconds))
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


def several(amount: int, what: str) -> str:
    """``1 round``, ``2,000 rounds``."""
    return f"{amount:,} {_plural(what, amount)}"


def counted(amount: int, what: str) -> str:
    """As ``several``, the count in at most six characters."""
    return f"{count(amount)} {_plural(what, amount)}"


def _plural(what: str, amount: int) -> str:
    return what if amount == 1 else f"{what}s"


def percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def bar(share: float, width: int, glyphs: Glyphs) -> tuple[str, str]:
    """The filled and the empty part of a bar of ``width`` cells."""
    filled = round(min(1.0, max(0.0, share)) * width)
    return glyphs.done * filled, glyphs.left * (width - filled)


def resample(values: Sequence[float], width: int) -> list[float]:
    """``values`` over ``width`` places: means of neighbours where there are more, repeats where fewer."""
    if not values or width < 1:
        return []
    total = len(values)
    edges = [place * total / width for place in range(width + 1)]
    spans = [(int(low), max(int(low) + 1, int(high))) for low, high in pairwise(edges)]
    return [sum(values[low:high]) / (high - low) for low, high in spans]


def chart(
    values: Sequence[float],
    *,
    width: int,
    height: int,
    top: float | None,
    glyphs: Glyphs,
    bottom: float | None = None,
) -> list[str]:
    """``values`` as columns of blocks, ``height`` rows from the highest down, the newest at the right.

    The columns stand on ``bottom`` or the lowest value, whichever is less, and reach up to ``top`` or the highest. At
    most ``width`` columns; fewer values than that leave room, so that a young curve looks young.
    """
    heard = [value for value in values if math.isfinite(value)]
    columns = resample(heard, min(width, max(1, len(heard))))
    if not columns:
        return [""] * height
    low = min([*columns, *([bottom] if bottom is not None else [])])
    high = max([*columns, *([top] if top is not None else [])])
    steps = len(glyphs.levels) - 1
    # even the lowest column is seen: one step of the first row
    full = [1 + round((value - low) / (high - low or 1) * (height * steps - 1)) for value in columns]
    return [
        "".join(glyphs.levels[min(steps, max(0, level - row * steps))] for level in full)
        for row in reversed(range(height))
    ]


def encodable(text: str, encoding: str) -> str:
    """``text`` with a question mark for what a terminal of this encoding cannot be sent."""
    return text.encode(encoding, "replace").decode(encoding)


def plain_line(text: str) -> str:
    """``text`` made safe for one line of a terminal: its first line, nothing that moves the cursor."""
    first = next(iter(text.strip().splitlines()), "")
    return "".join(letter for letter in first.expandtabs() if letter.isprintable())
