"""What can go wrong, as a tree; every error of this package is a ``ProtocolError``.

::

    ProtocolError
    ├── RemoteError              the peer broke the protocol
    │   ├── DecodeError          its bytes are not what their header claims
    │   └── SequenceError        a part out of turn
    ├── LocalError               our own side asked for what the state does not allow
    ├── LedgerError              a sum that does not hold
    ├── LagLawError              the integer law of lag does not hold
    └── TransportError           the socket
        ├── AddressError         an address that cannot be used, and what would
        └── SendTimeoutError     the peer's queue stayed full
"""

from __future__ import annotations


class ProtocolError(Exception):
    """Base of every error raised by ``touchline.protocol``."""


class RemoteError(ProtocolError):
    """The peer broke the protocol."""


class DecodeError(RemoteError):
    """Bytes that are not a message. Reads as ``field: expected, found``.

    ``session`` and ``seq`` are set where the bytes were meant as a RESULT and its numbers could still be
    read, so that its sequence number can be accounted for instead of being sent again for ever.
    """

    def __init__(
        self, field: str, expected: str, found: str, *, session: int | None = None, seq: int | None = None
    ) -> None:
        super().__init__(f"{field}: {expected}, {found}")
        self.field = field
        self.expected = expected
        self.found = found
        self.session = session
        self.seq = seq


class SequenceError(RemoteError):
    """A part that does not continue what came before."""


class LocalError(ProtocolError):
    """A call that the session's state does not allow: a bug on this side of the wire."""


class LedgerError(ProtocolError):
    """A result settled twice, or an account whose buckets do not sum to what was sent."""


class LagLawError(ProtocolError):
    """The bookkeeping of lags disagrees with the count of outstanding results."""


class TransportError(ProtocolError):
    """The socket could not do what was asked."""


class AddressError(TransportError):
    """An address that cannot be bound or connected; the text says what would work."""


class SendTimeoutError(TransportError):
    """The peer's send queue stayed full. Nothing of the message was sent; resending is the session's task."""
