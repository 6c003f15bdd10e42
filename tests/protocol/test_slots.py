"""A Player's place in the run: what outlives the process in it."""

from __future__ import annotations

from touchline.protocol.ledger import Account
from touchline.protocol.limits import Limits
from touchline.protocol.messages import Beat, Hello
from touchline.protocol.parts import Reassembly
from touchline.protocol.slots import Slot, row_of


def seat(slot, *, pid, attempt=1):
    hello = Hello(
        protocol=1,
        touchline="0",
        python="3",
        name="player-0",
        host="h",
        pid=pid,
        incarnation=0,
        attempt=attempt,
    )
    slot.seat(b"peer", hello, session=attempt, resumed=False, now=0.0)


def told(slot, errors):
    slot.told(Beat(session=1, beat=1, sent=0, stage="playing", stage_seconds=0.0, errors=errors))


def test_what_lay_outside_is_counted_over_all_processes_of_a_player():
    slot = Slot(0, Account("player-0"), Reassembly(Limits()))
    seat(slot, pid=1)
    told(slot, 40)
    told(slot, 70)
    seat(slot, pid=2)
    assert row_of(slot).errors == 70
    told(slot, 5)
    assert row_of(slot).errors == 75
    seat(slot, pid=2, attempt=2)  # it lost its connection, and counts on
    told(slot, 6)
    assert row_of(slot).errors == 76
