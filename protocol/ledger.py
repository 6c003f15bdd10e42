"""What became of every result that was ever sent (design, section 5).

For each Player, and in total::

    sent = trained + evaluated + dropped_stale + dropped_invalid + unused
         + lost_rollback + lost_player + queued + in_flight

``sent`` is what Players report. The buckets are counted one event at a time, independently of it, so that
the sum can fail: then ``check`` raises, and the run ends with an error instead of a wrong number.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from touchline.protocol.errors import LedgerError


class Outcome(StrEnum):
    """How a result that arrived was settled."""

    TRAINED = "trained"
    EVALUATED = "evaluated"
    DROPPED_STALE = "dropped_stale"
    DROPPED_INVALID = "dropped_invalid"
    UNUSED = "unused"


BUCKETS = (*(outcome.value for outcome in Outcome), "lost_rollback", "lost_player", "queued", "in_flight")
"""The right-hand side of the sum."""


class Account:
    """The results of one Player name. Numbers below ``next`` have arrived or are known never to arrive."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.sent = 0
        self.next = 0
        self.duplicates = 0
        self.lost_rollback = 0
        self._settled = dict.fromkeys(Outcome, 0)
        self._queued: set[int] = set()
        self._taken: set[int] = set()
        self._settled_ahead: set[int] = set()
        self._gone_for_good = 0
        self._away = 0

    # -- what the Player says

    def reported(self, sent: int) -> None:
        """The Player says that it has sent ``sent`` results. Reports may come late; the largest counts."""
        if sent > self.sent:
            self.sent = sent

    def received(self, seq: int) -> None:
        """Result ``seq`` has arrived, in order."""
        if seq != self.next:
            raise LedgerError(f"{self.name}: result {seq} received, {self.next} is next")
        self._queued.add(seq)
        self._advance(seq + 1)
        self.reported(seq + 1)

    def duplicate(self) -> None:
        """A result came again. Counted beside the sum."""
        self.duplicates += 1

    # -- what the learner says

    def take(self, seq: int) -> None:
        """Result ``seq`` is in the batch being gathered: still queued, but nobody waits for it."""
        if seq not in self._queued:
            raise LedgerError(f"{self.name}: result {seq} taken, but it is not queued")
        self._taken.add(seq)

    def settle(self, seq: int, outcome: Outcome) -> None:
        """Result ``seq`` had this outcome. Each is settled once; twice is a ``LedgerError``."""
        if seq not in self._queued:
            raise LedgerError(f"{self.name}: result {seq} settled as {outcome}, but it is not queued")
        self._queued.remove(seq)
        self._taken.discard(seq)
        self._settled[outcome] += 1

    @property
    def queued(self) -> list[int]:
        """The results that have arrived and are not settled, oldest first."""
        return sorted(self._queued)

    @property
    def settled_through(self) -> int:
        """Every result below this number has been settled, or is lost."""
        return min(self._queued, default=self.next)

    @property
    def taken_through(self) -> int:
        """Every result below this number has been taken or settled, or is lost."""
        return min(self._queued - self._taken, default=self.next)

    # -- Players that go and come back

    def gone(self) -> None:
        """The Player is presumed gone: what is in flight counts as ``lost_player``, until it is back."""
        self._away += self.in_flight

    def back(self) -> None:
        """The same Player is heard again, and will send again what had not arrived."""
        self._away = 0

    def replaced(self) -> None:
        """Another process takes the name: what was in flight never comes, and numbers go on after it."""
        self.back()
        self._gone_for_good += self.in_flight
        self._skip_to(self.sent)

    def resync(self, acked: int) -> None:
        """After a restore from an older state: results below ``acked`` were acknowledged since, so that their
        Player no longer has them. They are ``lost_rollback``."""
        if acked > self.next:
            self.reported(acked)
            known = sum(seq < acked for seq in self._settled_ahead)
            self.lost_rollback += acked - self.next - known
            self._skip_to(acked)

    def _skip_to(self, seq: int) -> None:
        self._settled_ahead = {ahead for ahead in self._settled_ahead if ahead >= seq}
        self._advance(seq)

    def _advance(self, to: int) -> None:
        self.next = to
        while self.next in self._settled_ahead:
            self._settled_ahead.remove(self.next)
            self.next += 1

    # -- the sum

    @property
    def in_flight(self) -> int:
        return self.sent - self.next - len(self._settled_ahead) - self._away

    def row(self) -> dict[str, int]:
        """``sent``, every bucket by name, and ``duplicates``."""
        return {
            "sent": self.sent,
            **{outcome.value: count for outcome, count in self._settled.items()},
            "lost_rollback": self.lost_rollback,
            "lost_player": self._gone_for_good + self._away,
            "queued": len(self._queued),
            "in_flight": self.in_flight,
            "duplicates": self.duplicates,
        }

    def check(self) -> None:
        """Raises ``LedgerError`` with the account's numbers where its buckets do not sum to ``sent``."""
        row = self.row()
        total = sum(row[bucket] for bucket in BUCKETS)
        numbers = ", ".join(f"{key} {count}" for key, count in row.items())
        if total != self.sent:
            raise LedgerError(f"{self.name}: the buckets sum to {total}, sent is {self.sent} ({numbers})")
        if min(row.values()) < 0:
            raise LedgerError(f"{self.name}: a bucket is negative ({numbers})")

    # -- to a checkpoint and back

    def state(self) -> dict[str, Any]:
        """As plain data. What is queued is written as not yet arrived: a checkpoint holds no trajectories."""
        through = self.settled_through
        ahead = [seq for seq in range(through, self.next) if seq not in self._queued]
        return {
            "sent": self.sent,
            "settled_through": through,
            "settled_ahead": sorted({*ahead, *self._settled_ahead}),
            "duplicates": self.duplicates,
            "lost_rollback": self.lost_rollback,
            "lost_player": self._gone_for_good,
            "settled": {outcome.value: count for outcome, count in self._settled.items()},
        }

    @classmethod
    def restored(cls, name: str, state: Mapping[str, Any]) -> Account:
        """The account as ``state`` wrote it."""
        account = cls(name)
        account.sent = state["sent"]
        account.next = state["settled_through"]
        account.duplicates = state["duplicates"]
        account.lost_rollback = state["lost_rollback"]
        account._gone_for_good = state["lost_player"]
        account._settled = {outcome: state["settled"][outcome.value] for outcome in Outcome}
        account._settled_ahead = set(state["settled_ahead"])
        return account


class Ledger:
    """All accounts of a run, by Player name. It has one owner, the thread that owns the sessions."""

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}

    def account(self, name: str) -> Account:
        """The account of this name, opened if there is none."""
        if name not in self.accounts:
            self.accounts[name] = Account(name)
        return self.accounts[name]

    def total(self) -> dict[str, int]:
        """The sum of all rows."""
        total = dict.fromkeys(("sent", *BUCKETS, "duplicates"), 0)
        for account in self.accounts.values():
            for key, count in account.row().items():
                total[key] += count
        return total

    def report(self) -> dict[str, Any]:
        """``{"total": row, "players": {name: row}, "duplicates": n}``, as ``summary.json`` holds it."""
        total = self.total()
        duplicates = total.pop("duplicates")
        players = {name: account.row() for name, account in sorted(self.accounts.items())}
        return {"total": total, "players": players, "duplicates": duplicates}

    def check(self) -> None:
        """Raises ``LedgerError`` where any account's sum does not hold."""
        for account in self.accounts.values():
            account.check()

    def state(self) -> dict[str, Any]:
        """As plain data, for a checkpoint."""
        return {name: account.state() for name, account in self.accounts.items()}

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> Ledger:
        """The ledger as ``state`` wrote it."""
        ledger = cls()
        ledger.accounts = {name: Account.restored(name, held) for name, held in state.items()}
        return ledger
