"""The one gate that paces every Player (design, section 5)."""

from __future__ import annotations

from msgspec import Struct


class Gate(Struct, frozen=True, array_like=True):
    """A result may be started while its number is below ``start_limit``, with ``start_version`` or newer.

    Sync mode, holding, pipelining and byte budgets are all values of these two numbers.
    """

    start_limit: int
    start_version: int

    def allows(self, *, seq: int, count: int = 1, version: int) -> bool:
        """Whether results ``seq`` to ``seq + count - 1`` may be started together with ``version``."""
        return seq + count - 1 < self.start_limit and version >= self.start_version
