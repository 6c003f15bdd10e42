"""The mistakes that a person can make about what is to be minimised, and how."""

from __future__ import annotations


class TargetError(ValueError):
    """What is to be minimised, or the way to do it, makes no sense. ``str(error)`` says what to change."""


def scipy_missing(solver: str) -> TargetError:
    """The error of a solver that is scipy's, where that is not installed: what to install."""
    return TargetError(
        f"solver: {solver} needs scipy, which is not installed. Install touchline with its extra solvers: "
        "in its checkout, pip install '.[solvers]'"
    )
