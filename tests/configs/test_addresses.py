"""Addresses that others cannot reach, and what is said of the rest."""

from __future__ import annotations

import pytest

from touchline.configs.addresses import is_loopback
from touchline.configs.errors import ConfigError
from touchline.configs.validation import from_plain


@pytest.mark.parametrize("address", ["local", "localhost", "127.0.0.1", "127.1.2.3"])
def test_loopback_is_allowed(address: str) -> None:
    assert is_loopback(address)
    assert from_plain({"env": {"id": "x"}, "net": {"bind": address}}).net.bind == address


@pytest.mark.parametrize(
    "address", ["", "0.0.0.0", "10.0.0.1", "127.0.0", "127.0.0.256", "127.0.0.1.evil", "*"]
)
def test_what_others_can_reach_is_not_loopback(address: str) -> None:
    assert not is_loopback(address)


@pytest.mark.parametrize("address", ["::1", "[::1]"])
def test_a_loopback_of_ipv6_is_refused_with_what_works(address: str) -> None:
    assert not is_loopback(address)
    with pytest.raises(ConfigError, match=r"net.bind: expected local or an IPv4 loopback .* 127.0.0.1"):
        from_plain({"env": {"id": "x"}, "net": {"bind": address}})
