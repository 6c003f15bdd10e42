"""Hypothesis without surprises: the same examples every time, and nothing left on disk."""

from hypothesis import settings

deterministic = settings(deadline=None, derandomize=True, database=None)
