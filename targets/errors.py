"""The mistakes that a person can make about what is to be minimised, and how."""

from __future__ import annotations


class TargetError(ValueError):
    """What is to be minimised, or the way to do it, makes no sense. ``str(error)`` says what to change."""
