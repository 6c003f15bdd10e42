"""The law of lag, kept in integers (systems.md 8.1, design section 6).

Every version increment falls inside every outstanding result once. So at every moment, whatever the lengths,
speeds and network, and with Players that join and leave::

    sum of recorded lags
      + sum over outstanding results of (live - version granted)
      + the same for results lost, at the moment they were lost
    = sum over version increments of the results outstanding then
      + versions by which a grant was already behind when it was made

Averaged, it says that with N Players of one outstanding result each, and R results an update, the mean lag is
(N - 1)/R. A result that completes a batch is consumed before the increment, and so is not outstanding in it.
The results are those that enter updates: an evaluation enters none, and is counted by the ledger alone.
"""

from __future__ import annotations

from collections.abc import Hashable

from touchline.protocol.errors import LagLawError


class LagLaw:
    """Both sides of the identity, counted from different events so that ``check`` can fail."""

    def __init__(self, live: int = 0) -> None:
        self.live = live
        self._outstanding: dict[Hashable, int] = {}
        self._recorded = 0
        self._lost = 0
        self._outstanding_at_increments = 0
        self._backdated = 0
        self._consumed = 0

    def granted(self, key: Hashable, version: int) -> None:
        """The result ``key`` will be played with ``version``. A grant older than live is backdated."""
        if key in self._outstanding:
            raise LagLawError(f"{key}: granted twice")
        self._outstanding[key] = version
        self._backdated += self.live - version

    def consumed(self, key: Hashable) -> int:
        """The result ``key`` leaves, trained or not. Its lag, in versions."""
        lag = self.live - self._outstanding.pop(key)
        self._recorded += lag
        self._consumed += 1
        return lag

    def lost(self, key: Hashable) -> None:
        """The result ``key`` will not come."""
        self._lost += self.live - self._outstanding.pop(key)

    def incremented(self) -> None:
        """A version was published."""
        self.live += 1
        self._outstanding_at_increments += len(self._outstanding)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._outstanding

    @property
    def backdated(self) -> int:
        """Versions by which grants lagged when made: above 0 only where a lost Player brought one back."""
        return self._backdated

    def oldest(self, *, but: Hashable = None) -> int | None:
        """The smallest version among the outstanding results, ``but`` one; None when there are none."""
        return min((version for key, version in self._outstanding.items() if key != but), default=None)

    def measured(self) -> float | None:
        """Mean recorded lag, in updates; None before the first result."""
        return self._recorded / self._consumed if self._consumed else None

    def predicted(self) -> float | None:
        """The law: mean outstanding results at an increment over results an update; None before the first."""
        return self._outstanding_at_increments / self._consumed if self._consumed else None

    def check(self) -> None:
        """Raises ``LagLawError`` with both sides where the identity does not hold."""
        outstanding = sum(self.live - version for version in self._outstanding.values())
        left = self._recorded + outstanding + self._lost
        right = self._outstanding_at_increments + self._backdated
        if left != right:
            raise LagLawError(
                f"recorded {self._recorded} + outstanding {outstanding} + lost {self._lost} = {left}, but "
                f"increments {self._outstanding_at_increments} + backdated {self._backdated} = {right}"
            )
