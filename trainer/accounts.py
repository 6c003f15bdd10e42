"""The sessions' accounts as a checkpoint has them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from touchline.protocol.errors import LagLawError, LedgerError, ProtocolError


def checked_accounts(
    accounts: Callable[[], Mapping[str, Any]],
) -> tuple[Mapping[str, Any], ProtocolError | None]:
    """The accounts, or the sum that does not hold: an error, but not before the weights are saved."""
    try:
        return accounts(), None
    except (LedgerError, LagLawError) as error:
        return {}, error
