"""What crosses the wire between a Trainer and its Players, and the accounts of it.

Sessions are pure state machines: events and the time go in, effects come out. Sockets live in ``transport``.

Messages, one frozen struct each
    MESSAGES          all of them, in the order of the design's table
    PROTOCOL          the version of the protocol; peers that differ do not talk
    Hello             P→T: who is here
    Welcome           T→P: the run it joins
    Ready             P→T: its environment stands
    Order             T→P: what to do with a snapshot
    Want              P→T: the snapshot for the next results
    Weights           T→P: the grant of these results, and the snapshot
    Result            P→T: what came of an order
    Ack               T→P: what has arrived, and the gate
    Nack              T→P: a gap
    Beat              P→T: alive
    Bye               P→T: leaves
    ByeOk             T→P: its ledger row
    Err               either way: refused
    Stop              T→P: the run has ended
    ErrorCode         why a peer is refused
    SnapshotId        (epoch, version)

Bytes
    encode            a message and its arrays to frames
    decode            frames to a message, or a DecodeError
    Decoded           a message and its arrays
    split             a message too long for one, in parts
    Reassembly        puts parts together again
    Limits            what bounds the sizes
    Timing            what bounds the silences

Accounts
    Gate              the two numbers that pace a Player
    Ledger            what became of every result, all Players
    Account           the same for one Player
    Outcome           how a result was settled
    LagLaw            the integer law of lag

A Player's side
    PlayerSession     its session
    Identity          which process it is
    PlayerState       where it stands
    PlayerEffect      any of its effects, which are:
    Send              send these frames
    Reopen            open a new socket
    Welcomed          in
    Ordered           an order has come
    Arrived           a snapshot has come
    Granted           these results may be started
    Stopped           the run has ended
    Refused           the Trainer said ERR
    SaidGoodbye       the session is closed

The Trainer's side
    TrainerSessions   all Players' sessions, the ledger and the law
    TrainerState      where one Player stands
    Pacing            what the gate is made of
    Snapshot          a version, serialised once
    Settled           the learner's word on one result
    PlayerRow         one Player for the live view
    TrainerEffect     any of its effects, which are:
    SendTo            send these frames to a peer
    Joined            a Player was welcomed
    BecameReady       its environment stands
    Delivered         a result, once and in order
    Invalid           a result that was dropped
    Lost              a Player is presumed gone
    Failed            a Player reported an error
    Left              a Player said goodbye

Sockets
    TrainerSocket     the ROUTER
    PlayerSocket      the DEALER
    check_bind        which addresses may be bound
    check_connect     which may be connected to

Errors, as a tree in ``errors``
    ProtocolError     any of these
    RemoteError       the peer broke the protocol
    DecodeError       bytes that are not a message
    SequenceError     a part out of turn
    LocalError        a bug on this side
    LedgerError       a sum that does not hold
    LagLawError       the law of lag does not hold
    TransportError    the socket
    AddressError      an address that cannot be used
    SendTimeoutError  a queue that stayed full
"""

from __future__ import annotations

from touchline.protocol.address import check_bind, check_connect
from touchline.protocol.codec import Decoded, decode, encode
from touchline.protocol.effects import (
    Arrived,
    BecameReady,
    Delivered,
    Failed,
    Granted,
    Invalid,
    Joined,
    Left,
    Lost,
    Ordered,
    PlayerEffect,
    Refused,
    Reopen,
    SaidGoodbye,
    Send,
    SendTo,
    Settled,
    Stopped,
    TrainerEffect,
    Welcomed,
)
from touchline.protocol.errors import (
    AddressError,
    DecodeError,
    LagLawError,
    LedgerError,
    LocalError,
    ProtocolError,
    RemoteError,
    SendTimeoutError,
    SequenceError,
    TransportError,
)
from touchline.protocol.gate import Gate
from touchline.protocol.identity import Identity
from touchline.protocol.lag import LagLaw
from touchline.protocol.ledger import Account, Ledger, Outcome
from touchline.protocol.limits import Limits, Timing
from touchline.protocol.machine import PlayerState, TrainerState
from touchline.protocol.messages import (
    MESSAGES,
    PROTOCOL,
    Ack,
    Beat,
    Bye,
    ByeOk,
    Err,
    ErrorCode,
    Hello,
    Nack,
    Order,
    Ready,
    Result,
    SnapshotId,
    Stop,
    Want,
    Weights,
    Welcome,
)
from touchline.protocol.parts import Reassembly, split
from touchline.protocol.player_session import PlayerSession
from touchline.protocol.slots import Pacing, PlayerRow, Snapshot
from touchline.protocol.trainer_session import TrainerSessions
from touchline.protocol.transport import PlayerSocket, TrainerSocket

__all__ = [
    "MESSAGES",
    "PROTOCOL",
    "Account",
    "Ack",
    "AddressError",
    "Arrived",
    "Beat",
    "BecameReady",
    "Bye",
    "ByeOk",
    "DecodeError",
    "Decoded",
    "Delivered",
    "Err",
    "ErrorCode",
    "Failed",
    "Gate",
    "Granted",
    "Hello",
    "Identity",
    "Invalid",
    "Joined",
    "LagLaw",
    "LagLawError",
    "Ledger",
    "LedgerError",
    "Left",
    "Limits",
    "LocalError",
    "Lost",
    "Nack",
    "Order",
    "Ordered",
    "Outcome",
    "Pacing",
    "PlayerEffect",
    "PlayerRow",
    "PlayerSession",
    "PlayerSocket",
    "PlayerState",
    "ProtocolError",
    "Ready",
    "Reassembly",
    "Refused",
    "RemoteError",
    "Reopen",
    "Result",
    "SaidGoodbye",
    "Send",
    "SendTimeoutError",
    "SendTo",
    "SequenceError",
    "Settled",
    "Snapshot",
    "SnapshotId",
    "Stop",
    "Stopped",
    "Timing",
    "TrainerEffect",
    "TrainerSessions",
    "TrainerSocket",
    "TrainerState",
    "TransportError",
    "Want",
    "Weights",
    "Welcome",
    "Welcomed",
    "check_bind",
    "check_connect",
    "decode",
    "encode",
    "split",
]
