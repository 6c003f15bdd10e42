"""What the studies' figures share."""

from __future__ import annotations

from typing import Any


def plain_numbers(axis: Any) -> None:
    """A logarithmic axis's numbers as 0.01, for the style has no powers."""
    from matplotlib.ticker import FuncFormatter, NullFormatter

    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())
