"""The sum holds after any history, and fails where a count is lost."""

from __future__ import annotations

import json

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from protocol_settings import deterministic

from touchline.protocol import Account, Ledger, LedgerError, Outcome
from touchline.protocol.ledger import BUCKETS


def received(account: Account, count: int) -> None:
    for _ in range(count):
        account.received(account.next)


def test_the_buckets_are_those_of_the_design() -> None:
    names = (
        "trained evaluated dropped_stale dropped_invalid unused lost_rollback lost_player queued in_flight"
    )
    assert names.split() == list(BUCKETS)


def test_a_result_goes_through_in_flight_queued_and_settled() -> None:
    account = Account("p")
    account.reported(1)
    assert account.row()["in_flight"] == 1
    account.received(0)
    assert (account.row()["in_flight"], account.row()["queued"]) == (0, 1)
    account.settle(0, Outcome.TRAINED)
    assert (account.row()["queued"], account.row()["trained"]) == (0, 1)
    account.check()


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_has_its_bucket(outcome: Outcome) -> None:
    account = Account("p")
    account.received(0)
    account.settle(0, outcome)
    assert account.row() == {**dict.fromkeys(account.row(), 0), "sent": 1, outcome.value: 1}


def test_settling_twice_is_an_error() -> None:
    account = Account("p")
    account.received(0)
    account.settle(0, Outcome.TRAINED)
    with pytest.raises(LedgerError, match="p: result 0 settled as unused, but it is not queued"):
        account.settle(0, Outcome.UNUSED)


def test_receiving_out_of_turn_is_an_error() -> None:
    with pytest.raises(LedgerError, match="p: result 1 received, 0 is next"):
        Account("p").received(1)


def test_a_late_report_does_not_take_back_what_was_sent() -> None:
    account = Account("p")
    account.reported(5)
    account.reported(3)
    assert account.sent == 5


def test_settled_through_waits_for_the_oldest() -> None:
    account = Account("p")
    received(account, 3)
    account.settle(1, Outcome.TRAINED)
    assert account.settled_through == 0
    account.settle(0, Outcome.TRAINED)
    assert account.settled_through == 2
    account.settle(2, Outcome.TRAINED)
    assert account.settled_through == 3


def test_what_is_taken_into_a_batch_is_queued_but_nobody_waits_for_it() -> None:
    account = Account("p")
    received(account, 2)
    account.take(0)
    assert (account.taken_through, account.settled_through, account.row()["queued"]) == (1, 0, 2)
    account.take(1)
    assert account.taken_through == 2
    account.settle(0, Outcome.TRAINED)
    assert (account.taken_through, account.settled_through, account.row()["queued"]) == (2, 1, 1)
    assert Account.restored("p", account.state()).next == 1  # the batch is not in a checkpoint
    account.check()


def test_only_what_is_queued_can_be_taken() -> None:
    account = Account("p")
    with pytest.raises(LedgerError, match="p: result 0 taken, but it is not queued"):
        account.take(0)


def test_a_player_gone_loses_what_is_in_flight_until_it_is_back() -> None:
    account = Account("p")
    received(account, 2)
    account.reported(5)
    account.gone()
    assert (account.row()["lost_player"], account.row()["in_flight"], account.row()["queued"]) == (3, 0, 2)
    account.check()
    account.back()
    assert (account.row()["lost_player"], account.row()["in_flight"]) == (0, 3)
    received(account, 3)
    account.check()


def test_a_process_replaced_loses_it_for_good() -> None:
    account = Account("p")
    received(account, 1)
    account.reported(4)
    account.gone()
    account.replaced()
    assert (account.next, account.row()["lost_player"]) == (4, 3)
    received(account, 1)
    account.check()
    assert account.row()["sent"] == 5


def test_results_acknowledged_by_a_dead_trainer_are_lost_to_the_rollback() -> None:
    account = Account("p")
    received(account, 2)
    account.settle(0, Outcome.TRAINED)
    again = Account.restored("p", account.state())
    again.reported(6)
    again.resync(4)
    assert again.row()["lost_rollback"] == 3  # 1 was queued in the checkpoint, 2 and 3 came after it
    assert (again.next, again.row()["in_flight"]) == (4, 2)
    again.check()


def test_what_was_settled_ahead_of_the_checkpoint_is_not_lost_or_received_again() -> None:
    account = Account("p")
    received(account, 4)
    account.settle(1, Outcome.TRAINED)
    account.settle(3, Outcome.EVALUATED)
    again = Account.restored("p", account.state())
    again.check()
    again.received(0)
    assert again.next == 2
    again.received(2)
    assert again.next == 4
    again.check()


def test_a_rollback_does_not_count_what_the_checkpoint_had_settled() -> None:
    account = Account("p")
    received(account, 3)
    account.settle(1, Outcome.TRAINED)
    again = Account.restored("p", account.state())
    again.resync(3)
    again.check()
    assert (again.row()["lost_rollback"], again.row()["trained"], again.next) == (2, 1, 3)
    assert again.in_flight == 0


def test_resync_to_an_absurd_number_is_arithmetic_not_a_loop() -> None:
    account = Account("p")
    account.reported(2**60)
    account.resync(2**60)
    assert account.row()["lost_rollback"] == 2**60
    account.check()


def test_a_lost_count_is_found() -> None:
    account = Account("lane")
    received(account, 2)
    account.settle(0, Outcome.TRAINED)
    account._settled[Outcome.TRAINED] -= 1
    with pytest.raises(
        LedgerError, match=r"lane: the buckets sum to 1, sent is 2 \(sent 2, trained 0, .*queued 1"
    ):
        account.check()


def test_a_negative_bucket_is_found() -> None:
    account = Account("p")
    account.reported(1)
    account._away = 2
    with pytest.raises(LedgerError, match="p: a bucket is negative"):
        account.check()


def test_the_ledger_adds_its_accounts_and_survives_json() -> None:
    ledger = Ledger()
    for name, count in (("b", 2), ("a", 3)):
        received(ledger.account(name), count)
        ledger.account(name).duplicate()
    assert ledger.account("a") is ledger.accounts["a"]
    report = ledger.report()
    assert report["duplicates"] == 2
    assert report["total"]["sent"] == report["total"]["queued"] == 5
    assert list(report["players"]) == ["a", "b"]
    again = Ledger.restored(json.loads(json.dumps(ledger.state())))
    again.check()
    assert again.total()["in_flight"] == 5


class AccountMachine(RuleBasedStateMachine):
    """Any order of reports, arrivals, settlements, losses, returns, replacements and restarts."""

    def __init__(self) -> None:
        super().__init__()
        self.account = Account("p")
        self.queued: list[int] = []
        self.acked = 0
        self.away = False
        self.settled = 0

    @rule(count=st.integers(1, 4))
    @precondition(lambda self: not self.away)
    def send(self, count: int) -> None:
        self.account.reported(max(self.account.sent, self.account.next) + count)

    @rule()
    @precondition(lambda self: not self.away and self.account.in_flight > 0)
    def receive(self) -> None:
        self.queued.append(self.account.next)
        self.account.received(self.account.next)
        self.acked = max(self.acked, self.account.next)

    @rule(data=st.data(), outcome=st.sampled_from(Outcome))
    @precondition(lambda self: self.queued)
    def settle(self, data: st.DataObject, outcome: Outcome) -> None:
        seq = data.draw(st.sampled_from(self.queued))
        self.queued.remove(seq)
        self.account.settle(seq, outcome)
        self.settled += 1

    @rule(data=st.data())
    @precondition(lambda self: self.queued)
    def take(self, data: st.DataObject) -> None:
        seq = data.draw(st.sampled_from(self.queued))
        self.account.take(seq)
        assert self.account.taken_through >= self.account.settled_through

    @rule()
    def go(self) -> None:
        self.account.gone()
        self.away = True

    @rule()
    def come_back(self) -> None:
        self.account.back()
        self.away = False

    @rule()
    def replace(self) -> None:
        self.account.replaced()
        self.away = False

    @rule(late=st.booleans())
    def restart(self, late: bool) -> None:
        """The Trainer goes on from a checkpoint of just now; its Player knows what it acknowledged."""
        sent = self.account.sent
        self.account = Account.restored("p", json.loads(json.dumps(self.account.state())))
        self.queued.clear()
        self.away = False
        self.account.check()
        self.account.reported(sent)
        if not late:
            self.account.resync(min(self.acked, sent))

    @invariant()
    def the_sum_holds(self) -> None:
        self.account.check()
        row = self.account.row()
        assert row["queued"] == len(self.queued)
        assert sum(row[outcome.value] for outcome in Outcome) == self.settled


AccountMachine.TestCase.settings = settings(deterministic, max_examples=60, stateful_step_count=40)
TestAccount = AccountMachine.TestCase
